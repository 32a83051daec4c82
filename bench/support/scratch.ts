/** Folders for a measurement. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Makes one, which goes when `closing` closes. */
export async function scratchFolder(closing: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "bench-"));
  closing.defer(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
