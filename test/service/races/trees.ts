/** Changes what oc fetched, while oc waits: for archives that take long to read or to make. */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { tar } from "../../support/fake-oc/tar.ts";

/** Far more than the buffers between the service and a reader hold: Linux has up to 4 MiB on one side and 6 on the other. */
export const LARGE_BYTES = 24 * 2 ** 20;

/** At 500 MB/s, which nothing compresses at, 16 s. It holds nothing, and takes no room on disk. */
const ENDLESS_BYTES = 2 ** 33;

/** Random, so that nothing makes it smaller. */
export const SOON_BYTES = 8 * 2 ** 20;

/** Puts a large archive in the place of the one that the image made. */
export async function enlargeArchive(tree: string): Promise<void> {
  const names = await readdir(tree, { recursive: true });
  const name = names.find((each) => each.endsWith("must-gather.tar.gz"));
  if (name === undefined) throw new Error(`no archive in ${tree}`);
  const blob = { path: "must-gather/blob", size: LARGE_BYTES, fill: 7 };
  await writeFile(join(tree, name), gzipSync(Buffer.concat([...tar([blob])]), { level: 0 }));
}

/** Adds a file that takes far longer to pack than any test lasts, behind one that is in soon: no writer holds as much back. */
export async function enlargeTree(tree: string): Promise<void> {
  const folder = join(tree, "zzz");
  await mkdir(folder);
  await writeFile(join(folder, "soon.bin"), randomBytes(SOON_BYTES));
  await writeFile(join(folder, "unending.log"), "");
  await truncate(join(folder, "unending.log"), ENDLESS_BYTES);
}
