import { randomUUID } from "node:crypto";
import { chmod, lstat, opendir, realpath, rename, rm, rmdir, unlink } from "node:fs/promises";
import { codeOf } from "../errors.ts";
import { closeFd } from "./fd.ts";
import { isReal, openFolder } from "./folder.ts";
import { fsPath, rawPath } from "./paths.ts";
import type { RawPath } from "./paths.ts";

/** Names looked at, and calls made, at a time: memory and the pool stay ours whatever the folder holds. */
const NAMES = 1024;
const CALLS = 32;

/**
 * So often a folder is listed again because others put something into it, or took it away, between two looks of ours: more than those who
 * read a gather do.
 */
const TRIES = 100;

/** A folder whose path is longer, bytes, is moved up first: Linux opens no path of more than 4,095. */
const LONGEST_PATH = 3000;

/**
 * Removes a folder that strangers filled, and all in it: folders closed by their mode are opened, links are removed and
 * never followed, paths longer than the system opens are shortened first. What others put there meanwhile goes too. Nothing there is
 * success. Rejects with the system's error where something stays.
 */
export async function removeTree(tree: string): Promise<void> {
  try {
    if (!(await lstat(tree)).isDirectory()) return await unlink(tree);
    const root = rawPath(await realpath(tree));
    if (await clear(root, root)) return;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  // What is left has names that this runtime cannot spell (Deno: not UTF-8), or is somebody else's: then this tells.
  await rm(tree, { recursive: true, force: true });
}

/** Whether the folder is gone. */
async function clear(path: RawPath, root: RawPath): Promise<boolean> {
  try {
    // Were it, or a folder above, a link by now, we would be elsewhere.
    if (!await isReal(path)) return false;
    await openUp(path);
    for (let tries = 0; tries < TRIES;) {
      const folder = await openFolder(path);
      const cleared = await clearFiles(folder.at).finally(() => closeFd(folder.fd));
      const { folders } = cleared;
      if (cleared.isEmpty && await isRemoved(path)) return true;
      let { gone } = cleared;
      const missing = cleared.missing || cleared.isEmpty; // of an empty one: now there is one that was not seen
      for (const name of folders) gone += await clearOrLift(`${path}/${name}`, root) ? 1 : 0;
      if (gone === 0 && !missing) return false;
      if (gone === 0) tries++;
    }
  } catch {
    // Told by what comes after.
  }
  return false;
}

/** Removes some of the files of a folder; `missing`: of those that were listed one had gone. */
async function clearFiles(at: RawPath) {
  const { files, folders } = await someNames(at);
  const isEmpty = files.length + folders.length === 0;
  let [gone, missing] = [0, false];
  while (files.length > 0) {
    const calls = files.splice(0, CALLS).map((name) => unlink(fsPath(`${at}/${name}`)));
    for (const call of await Promise.allSettled(calls)) {
      if (call.status === "fulfilled") gone++;
      else if (codeOf(call.reason) === "ENOENT") missing = true;
    }
  }
  return { folders, isEmpty, gone, missing };
}

/** False where the folder is not empty any more. */
async function isRemoved(path: RawPath): Promise<boolean> {
  try {
    await rmdir(fsPath(path));
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOTEMPTY") return false;
    throw error;
  }
}

async function clearOrLift(path: RawPath, root: RawPath): Promise<boolean> {
  if (path.length <= LONGEST_PATH) return await clear(path, root);
  try {
    await openUp(path); // its ".." changes
    await rename(fsPath(path), fsPath(`${root}/.removing-${randomUUID()}`));
    return true;
  } catch {
    return false;
  }
}

async function openUp(path: RawPath): Promise<void> {
  const { mode } = await lstat(fsPath(path));
  if ((mode & 0o700) !== 0o700) await chmod(fsPath(path), 0o700);
}

async function someNames(path: RawPath): Promise<{ files: RawPath[]; folders: RawPath[] }> {
  const files: RawPath[] = [];
  const folders: RawPath[] = [];
  // As in list-folder.ts: Deno gives text whatever is asked for.
  const folder = await opendir(fsPath(path), { encoding: "buffer" as "utf8", bufferSize: NAMES });
  for await (const found of folder) {
    (found.isDirectory() ? folders : files).push(rawPath(found.name));
    if (files.length + folders.length === NAMES) break;
  }
  return { files, folders };
}
