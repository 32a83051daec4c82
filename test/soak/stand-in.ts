/** An oc whose gathering is a shell script: for what takes more than the pretended pods can hold. */
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Before a script: what oc prints when a pod has begun. */
export const COLLECTING = "echo '[must-gather-abcde] POD 2026-11-22T13:10:58.000000000Z gathering'";

/** Before what is written to the destination: oc's words for it. */
export const COPYING = "echo '[must-gather-abcde] OUT downloading gather output'";

/**
 * Makes a program that gathers the image `localhost/<name>` with the script of that name, in bash, with `$dest` as the image's
 * folder in the destination, and leaves all else to `oc`. Resolves to its path.
 */
export async function makeStandIn(
  folder: string,
  oc: string,
  scripts: Readonly<Record<string, string>>,
): Promise<string> {
  const program = join(folder, "oc");
  const cases = Object.entries(scripts).map(([name, script]) =>
    `localhost/${name})\nmkdir -p "$dest" || exit 1\n${script}\nexit $?\n;;\n`
  );
  const text = `#!/bin/bash
for word in "$@"; do
  case $word in
    --dest-dir=*) dest=\${word#*=}/localhost-soak-sha256-0123456789abcdef ;;
    --image=*) image=\${word#*=} ;;
  esac
done
case $image in
${cases.join("")}esac
exec '${oc}' "$@"
`;
  await writeFile(program, text);
  await chmod(program, 0o755);
  return program;
}
