import { chmod, link, lstat, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Cursor } from "../cursor.ts";
import { PackError } from "../errors.ts";
import { closeFd } from "../fd.ts";
import { fsPath } from "../paths.ts";
import { LeftOut, openEntry } from "./tree.ts";
import type { TreeEntry } from "./tree.ts";

/** `must-gather.tar.gz` → `archive.tar.gz`: only an extension that we know is kept, the rest of the name is not trusted. */
function archiveName(filename: string): string {
  if (/\.(?:tar\.gz|tgz)$/i.test(filename)) return "archive.tar.gz";
  return /\.zip$/i.test(filename) ? "archive.zip" : "archive";
}

/**
 * Makes the archive that an image left the gather's archive: digests it and gives it a second name in `folder`, mode 0600.
 * The first name stays until the tree goes, so that a crash in between loses nothing and packing again does the same again;
 * only where the file system has no hard links is it moved. Rejects with a {@link PackError} when it cannot be read or is
 * not what it was, or with the signal's reason.
 */
export async function takeImage(
  entry: TreeEntry,
  folder: string,
  signal: AbortSignal,
): Promise<{ file: string; size: number; digest: string }> {
  const file = join(folder, archiveName(entry.name));
  const { fd } = await openEntry(entry).catch((error) => {
    if (!(error instanceof LeftOut)) throw error;
    throw new PackError(
      "EIO",
      `Cannot take the image's archive ${entry.name}: it ${error.message}`,
    );
  });
  try {
    const cursor = new Cursor(fd, signal);
    await cursor.skipRest();
    const size = cursor.position;
    await rm(file, { force: true }); // of a process that was killed
    await link(fsPath(entry.path), file).catch(() => rename(fsPath(entry.path), file));
    const moved = await lstat(file);
    if (!moved.isFile() || moved.ino !== entry.ino || moved.size !== size) {
      throw new PackError("EVERIFY", `The image's archive ${entry.name} changed while it was read`);
    }
    await chmod(file, 0o600);
    return { file, size, digest: cursor.digest() };
  } finally {
    await closeFd(fd);
  }
}
