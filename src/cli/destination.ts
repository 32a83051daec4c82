/** Where the archive goes on this machine. */
import { constants } from "node:fs";
import { access, type FileHandle, link, lstat, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { codeOf } from "../errors.ts";
import { Failure } from "./errors.ts";
import { printable } from "./text.ts";

/** Longest name of a download, in bytes: file systems take 255, and `-2` and `.part` come on top. */
const LONGEST_NAME = 200;

/** How many files of one name are kept beside each other. */
const MOST_COPIES = 1000;

/** A folder, where nothing is ever overwritten, or a file that was named and may be. */
export interface Destination {
  folder: string;
  /** The path of the named file. */
  file: string | undefined;
}

/** A file that is being downloaded, under a name of its own until it is whole. */
export interface Part {
  file: FileHandle;
  /** Closes it and gives it its name; resolves to the path. */
  keep: () => Promise<string>;
  /** Closes and removes it. */
  drop: () => Promise<void>;
}

/**
 * Checks what `--output` names, before anything is gathered. Throws {@linkcode Failure} when nothing can be written there.
 *
 * @param output undefined is the current folder
 */
export async function chooseDestination(
  output: string | undefined,
  cwd: string,
): Promise<Destination> {
  const path = resolve(cwd, output ?? ".");
  const found = await stat(path).catch(() => undefined);
  if (found && !found.isDirectory() && !found.isFile()) {
    throw new Failure(`${path} is neither a file nor a folder; name one with --output`);
  }
  const isFolder = found?.isDirectory() ?? output?.endsWith("/") ?? false;
  const folder = isFolder ? path : dirname(path);
  try {
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const isMissing = codeOf(error) === "ENOENT";
    throw new Failure(
      isMissing
        ? `There is no folder ${folder}; make it, or name another with --output`
        : `Nothing can be written in ${folder}; name another folder with --output`,
    );
  }
  return { folder, file: isFolder ? undefined : path };
}

/**
 * The name of a download, from that of a record, fit for a file of this machine: one part of a path, no control characters, no
 * dot or dash in front, not too long.
 */
export function fileName(archiveName: string, id: number): string {
  const name = printable(archiveName).replace(/[/\\]/g, "_").replace(/^[-.\s]+/, "");
  if (name === "") return `must-gather-${id}`;
  const { stem, ending } = split(name);
  let short = stem;
  while (Buffer.byteLength(short + ending) > LONGEST_NAME) short = [...short].slice(0, -1).join("");
  return short + ending;
}

/** Opens a new file to download into. */
export async function openPart({ folder, file }: Destination, name: string): Promise<Part> {
  const wanted = file ?? join(folder, name);
  for (let copy = 1; copy <= MOST_COPIES; copy++) {
    const path = numbered(wanted, copy);
    const part = `${path}.part`;
    if (file === undefined && await exists(path)) continue;
    let handle: FileHandle;
    try {
      handle = await open(part, "wx+", 0o600); // what was gathered is nobody else's
    } catch (error) {
      if (codeOf(error) === "EEXIST") continue;
      throw new Failure(`Cannot write ${part}: ${(error as Error).message}`);
    }
    return {
      file: handle,
      async keep() {
        await handle.close();
        if (file === undefined) return await nameFreely(part, wanted, copy);
        await rename(part, file);
        return file;
      },
      async drop() {
        await handle.close().catch(() => {});
        await rm(part, { force: true });
      },
    };
  }
  throw new Failure(`${wanted} and ${MOST_COPIES - 1} copies of it are there already`);
}

/** Gives a file the first free name, also when somebody else takes names at the same time. */
async function nameFreely(part: string, wanted: string, from: number): Promise<string> {
  for (let copy = from; copy <= MOST_COPIES; copy++) {
    const path = numbered(wanted, copy);
    try {
      await link(part, path); // as rename, but it overwrites nothing
    } catch (error) {
      if (codeOf(error) === "EEXIST" || await exists(path)) continue;
      await rename(part, path); // a file system without hard links
      return path;
    }
    await rm(part);
    return path;
  }
  throw new Failure(`${wanted} and ${MOST_COPIES - 1} copies of it are there already`);
}

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(() => true, () => false);
}

/** `a.tar.gz`, `a-2.tar.gz`, `a-3.tar.gz`. */
function numbered(path: string, copy: number): string {
  if (copy === 1) return path;
  const { stem, ending } = split(path);
  return `${stem}-${copy}${ending}`;
}

function split(name: string): { stem: string; ending: string } {
  const ending = /(?<=[^/])(?:\.tar)?\.[A-Za-z0-9]{1,8}$/.exec(name)?.[0] ?? "";
  return { stem: name.slice(0, name.length - ending.length), ending };
}
