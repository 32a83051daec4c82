/**
 * Loaded before the program in the image (`node --import`): lets Node take the code that the image's build has compiled.
 *
 * Node names the folder of such code after its own version and the user's id, and in a cluster that is another than at the build; so
 * it is shown a link of the right name. Nothing depends on it: without, the service starts slower and takes more memory.
 */
import { mkdtempSync, readdirSync, symlinkSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const compiled = process.env["CODE_CACHE"];
try {
  const [name] = compiled ? readdirSync(compiled) : [];
  if (name) {
    const folder = mkdtempSync(join(tmpdir(), "code-"));
    const own = name.replace(/\d+$/, String(process.getuid?.()));
    symlinkSync(join(compiled, name), join(folder, own));
    enableCompileCache(folder);
  }
} catch {
  // No room for a link, or no such folder.
}
