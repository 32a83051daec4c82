/** Folders of a tree that a stranger made and may change meanwhile: what is done in one is done in no other. */
import { constants } from "node:fs";
import { realpath } from "node:fs/promises";
import { closeFd, insideOf, openFd, pathOfFd } from "./fd.ts";
import { fsPath, type RawPath, rawPath } from "./paths.ts";

// O_NONBLOCK: were it a fifo by now, opening it would wait for a writer for ever.
export const FOLDER_FLAGS = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) |
  (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** A folder that is open; whoever opened it closes `fd`. */
export interface Folder {
  fd: number;
  /** Its path: where the system allows that the one of what is open, in whose place nobody can put another. */
  at: RawPath;
}

/** Opens the folder at `path`. Fails as open(2) does, and with ELOOP where a link is on the way there. */
export async function openFolder(path: RawPath): Promise<Folder> {
  const fd = await openFd(fsPath(path), FOLDER_FLAGS);
  try {
    const told = pathOfFd(fd);
    const isThere = told === undefined ? await isReal(path) : rawPath(told) === path;
    if (!isThere) throw Object.assign(new Error("moved"), { code: "ELOOP" });
    return { fd, at: told === undefined ? path : insideOf(fd) };
  } catch (error) {
    await closeFd(fd);
    throw error;
  }
}

/** Whether what was opened at `path` lies in `folder`, under whatever name by now, and no link was on the way there. */
export async function liesIn(folder: RawPath, fd: number, path: RawPath): Promise<boolean> {
  const told = pathOfFd(fd);
  return told === undefined ? await isReal(path) : folderOf(rawPath(told)) === folder;
}

/** The path of the folder that a path is in. */
export function folderOf(path: RawPath): RawPath {
  return path.slice(0, path.lastIndexOf("/"));
}

/** Whether no link is on the way to `path`. Rejects as realpath(3) does. */
export async function isReal(path: RawPath): Promise<boolean> {
  return rawPath(await realpath(fsPath(path), { encoding: "buffer" })) === path;
}
