import { constants } from "node:fs";
import { chmod, link, lstat, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Cursor } from "../cursor.ts";
import { PackError } from "../errors.ts";
import { codeOf } from "../../errors.ts";
import { closeFd, openFd } from "../fd.ts";
import { fsPath } from "../paths.ts";
import type { Rewriter } from "./rewriter.ts";
import { LeftOut, openSource } from "./tree.ts";
import type { TreeEntry } from "./tree.ts";

/** `must-gather.tar.gz` → `archive.tar.gz`: only an extension that we know is kept, the rest of the name is not trusted. */
function archiveName(filename: string): string {
  if (/\.(?:tar\.gz|tgz)$/i.test(filename)) return "archive.tar.gz";
  return /\.zip$/i.test(filename) ? "archive.zip" : "archive";
}

/** An archive in the gather's folder. */
export interface Taken {
  file: string;
  /** Bytes. */
  size: number;
  /** As RFC 9530 writes it. */
  digest: string;
  /** Why it is not all that the image's archive was to be, in a sentence. */
  damage: string | null;
}

/**
 * Makes the archive that an image left the gather's archive: digests it and gives it a second name in `folder`, mode 0600.
 * The first name stays until the tree goes, so that a crash in between loses nothing and packing again does the same again;
 * only where the file system has no hard links is it moved, and found again by {@linkcode imageTakenBefore}. Rejects with
 * a {@link PackError} when it cannot be read or is not what it was, or with the signal's reason.
 */
export async function takeImage(
  entry: TreeEntry,
  folder: string,
  signal: AbortSignal,
): Promise<Taken> {
  const file = join(folder, archiveName(entry.name));
  const { fd, size } = await openSource(entry).catch((error) => {
    if (!(error instanceof LeftOut)) throw error;
    throw new PackError(
      "EIO",
      `Cannot take the image's archive ${entry.name}: it ${error.message}`,
    );
  });
  try {
    if (entry.rewriter) {
      return await rewriteImage(entry.rewriter, entry.name, { fd, size }, file, signal);
    }
    const cursor = new Cursor(fd, signal);
    await cursor.skipRest();
    const length = cursor.position;
    await rm(file, { force: true }); // of a process that was killed
    await link(fsPath(entry.path), file).catch(() => rename(fsPath(entry.path), file));
    const moved = await lstat(file);
    if (!moved.isFile() || moved.ino !== entry.ino || moved.size !== length) {
      throw new PackError("EVERIFY", `The image's archive ${entry.name} changed while it was read`);
    }
    await chmod(file, 0o600);
    return { file, size: length, digest: cursor.digest(), damage: null };
  } finally {
    await closeFd(fd);
  }
}

/**
 * The archive that was moved out of the tree by a process which was killed before the record knew of it; undefined where there
 * is none. Only for a tree that holds nothing any more: what else has this name was packed from a tree that is still there.
 * Rejects with the system's error, or with the signal's reason.
 */
export async function imageTakenBefore(
  archiveFilename: string,
  folder: string,
  signal: AbortSignal,
): Promise<Taken | undefined> {
  const file = join(folder, archiveName(archiveFilename));
  const fd = await openFd(file, constants.O_RDONLY).catch((error) => {
    if (codeOf(error) !== "ENOENT") throw error;
  });
  if (fd === undefined) return undefined;
  try {
    const cursor = new Cursor(fd, signal);
    await cursor.skipRest();
    await chmod(file, 0o600);
    return { file, size: cursor.position, digest: cursor.digest(), damage: null };
  } finally {
    await closeFd(fd);
  }
}

/** Writes what goes in instead of the image's archive, under its name. */
async function rewriteImage(
  rewriter: Rewriter,
  name: string,
  source: { fd: number; size: number },
  file: string,
  signal: AbortSignal,
): Promise<Taken> {
  const temporary = `${file}.part`;
  await rm(temporary, { force: true }); // of a process that was killed
  const to = await openFd(
    temporary,
    constants.O_CREAT | constants.O_EXCL | constants.O_RDWR,
    0o600,
  );
  try {
    const damage = await rewriter.image(name, source.fd, source.size, to);
    const cursor = new Cursor(to, signal);
    await cursor.skipRest();
    await rename(temporary, file);
    return { file, size: cursor.position, digest: cursor.digest(), damage };
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await closeFd(to);
  }
}
