import { constants } from "node:fs";
import type { Stats } from "node:fs";
import { chmod, lstat, readlink, realpath } from "node:fs/promises";
import { PackError } from "../errors.ts";
import { codeOf } from "../../errors.ts";
import { closeFd, openFd, pathOfFd, statFd } from "../fd.ts";
import { FOLDER_FLAGS, folderOf, isReal, liesIn, openFolder } from "../folder.ts";
import { listFolder } from "./list-folder.ts";
import type { Listed } from "./list-folder.ts";
import { childName } from "../names.ts";
import { fsPath, rawPath, rawText } from "../paths.ts";
import type { RawPath } from "../paths.ts";
import type { Rewriter } from "./rewriter.ts";

/** What was found at one place of the tree, as it was when the walk came by. */
export interface TreeEntry {
  kind: "file" | "folder" | "link";
  /** What the archive calls it; a folder's ends in `/`. */
  name: string;
  /** Whether its own name differs from the one on disk. */
  renamed: boolean;
  /** Its path below the tree, as on disk. */
  below: RawPath;
  /** Its whole path. */
  path: RawPath;
  /** st_mode as it came, before any repair. */
  mode: number;
  mtimeMs: number;
  /** Bytes; of a file only. */
  size: number;
  dev: number;
  ino: number;
  /** What changes its content, where something does. */
  rewriter?: Rewriter;
}

/** Something that does not go into the archive. `cut`: because a limit of ours was reached. */
export interface Left {
  kind: "left";
  name: string;
  why: string;
  cut: boolean;
}

export interface TreeLimits {
  /** Folders inside each other. */
  depth: number;
  /** Entries of the whole tree. */
  entries: number;
}

/** Far over any must-gather (70,000 files, 15 folders deep), far under what would exhaust us. */
export const TREE_LIMITS: TreeLimits = { depth: 200, entries: 1_000_000 };

/** lstat calls at once: enough to keep libuv's pool busy. */
const WINDOW = 32;

interface Frame {
  path: RawPath;
  below: RawPath;
  name: string;
  names: Iterator<Listed, undefined>;
  ready: (TreeEntry | Left)[];
}

/** These say something of us, not of one file: to go on would leave out all that follows. */
const OURS = new Set(["EMFILE", "ENFILE", "ENOMEM"]);

/** Why one entry cannot be had, in words; throws what is no fault of the entry. */
function reason(error: unknown, what: string): string {
  const code = codeOf(error);
  if (OURS.has(code)) throw error;
  if (code === "ENOENT") return `vanished, or its name is one this runtime cannot open (${what})`;
  if (code === "ENAMETOOLONG") return "its path is longer than the system opens";
  return `cannot be read: ${code} (${what})`;
}

/**
 * The destination folder of a gather, read as something that a stranger made, and may change meanwhile: every entry is looked at
 * without following it, no link is ever descended into, nothing but regular files is opened, and each is the one that was looked at.
 *
 * A folder above an entry that becomes a link leads nowhere either: of what is opened, folders too, the system says where it lies.
 * Where it does not ({@linkcode pathOfFd}), the path is looked at once more, which leaves a moment to one who is quick.
 */
export class Tree {
  readonly #root: RawPath;
  readonly #limits: TreeLimits;
  readonly #rewriter: Rewriter | undefined;
  /** Modes of folders that were closed to us, as they were before they were opened up. */
  readonly #repaired = new Map<RawPath, number>();

  private constructor(root: RawPath, limits: TreeLimits, rewriter: Rewriter | undefined) {
    this.#root = root;
    this.#limits = limits;
    this.#rewriter = rewriter;
  }

  /** `undefined` where there is nothing; rejects with a {@link PackError} where `path` is no folder. */
  static async open(
    path: string,
    limits: TreeLimits = TREE_LIMITS,
    rewriter?: Rewriter,
  ): Promise<Tree | undefined> {
    let stats: Stats;
    try {
      stats = await lstat(path);
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw error;
    }
    if (!stats.isDirectory()) {
      throw new PackError("ENOTDIR", `Cannot read what was gathered: ${path} is not a folder`);
    }
    return new Tree(await rootAt(path), limits, rewriter);
  }

  /**
   * Everything in the tree, sorted by the archive's names in byte order, the root itself left out. One folder's names and
   * its parents' are in memory at a time. What cannot be had comes as {@link Left}; only an unreadable root rejects.
   */
  async *walk(): AsyncGenerator<TreeEntry | Left> {
    let seen = 0;
    const stack: Frame[] = [await this.#enter(this.#root, "", "", seen)];
    for (let frame = stack.at(-1); frame; frame = stack.at(-1)) {
      if (frame.ready.length === 0) await this.#look(frame);
      const entry = frame.ready.pop();
      if (!entry) {
        stack.pop();
        continue;
      }
      if (++seen > this.#limits.entries) {
        const why = `more than ${this.#limits.entries} entries: the rest is left out`;
        yield { kind: "left", name: entry.name, why, cut: true };
        return;
      }
      yield this.#rewritten(entry);
      if (entry.kind !== "folder") continue;
      if (stack.length > this.#limits.depth) {
        const why = `more than ${this.#limits.depth} folders deep`;
        yield { kind: "left", name: entry.name, why, cut: true };
        continue;
      }
      try {
        stack.push(await this.#enter(entry.path, `${entry.below}/`, entry.name, seen));
      } catch (error) {
        yield { kind: "left", name: entry.name, why: reason(error, "folder"), cut: false };
      }
    }
  }

  #rewritten(entry: TreeEntry | Left): TreeEntry | Left {
    const rewriter = this.#rewriter;
    if (!rewriter) return entry;
    const name = rewriter.name(entry.name);
    if (entry.kind === "left") return { ...entry, name };
    return { ...entry, name, below: rawPath(rewriter.name(rawText(entry.below))), rewriter };
  }

  async #enter(path: RawPath, below: RawPath, name: string, seen: number): Promise<Frame> {
    const folder = await openFolder(path).catch(async (error) => {
      if (codeOf(error) !== "EACCES" || !await isReal(path)) throw error;
      const { mode } = await lstat(fsPath(path));
      await this.#repair(path, mode, (repaired) => chmod(fsPath(path), repaired));
      return await openFolder(path);
    });
    try {
      const { mode } = await statFd(folder.fd);
      if ((mode & 0o500) !== 0o500) {
        await this.#repair(path, mode, (repaired) => chmod(fsPath(folder.at), repaired));
      }
      const names = await listFolder(folder.at, below, this.#limits.entries - seen + 1);
      return { path, below, name, names, ready: [] };
    } finally {
      await closeFd(folder.fd);
    }
  }

  /** Opens up a folder that only its mode closes to us. */
  async #repair(path: RawPath, mode: number, set: (mode: number) => Promise<void>): Promise<void> {
    if (!this.#repaired.has(path)) this.#repaired.set(path, mode);
    await set((mode & 0o777) | 0o500).catch(() => {}); // not ours: reading it will tell
  }

  /** Looks at the next names of a folder, several at once. */
  async #look(frame: Frame): Promise<void> {
    const window: Promise<TreeEntry | Left>[] = [];
    for (let next = frame.names.next(); !next.done; next = frame.names.next()) {
      if (window.push(this.#lookAt(frame, next.value)) === WINDOW) break;
    }
    frame.ready = (await Promise.all(window)).reverse();
  }

  async #lookAt(frame: Frame, { raw, component }: Listed): Promise<TreeEntry | Left> {
    const path = `${frame.path}/${raw}`;
    const below = frame.below + raw;
    let stats: Stats;
    try {
      stats = await lstat(fsPath(path));
    } catch (error) {
      const name = childName(frame.name, component, below, false);
      return { kind: "left", name, why: reason(error, "lstat"), cut: false };
    }
    const kind = kindOf(stats);
    const name = childName(frame.name, component, below, kind === "folder");
    if (!kind) {
      return {
        kind: "left",
        name,
        why: `not a file, folder or link: ${special(stats)}`,
        cut: false,
      };
    }
    const mode = this.#repaired.get(path) ?? stats.mode;
    const { mtimeMs, size, dev, ino } = stats;
    const renamed = rawPath(component) !== raw || !name.startsWith(frame.name + component);
    return { kind, name, renamed, below, path, mode, mtimeMs, size, dev, ino };
  }
}

function kindOf(stats: Stats): TreeEntry["kind"] | undefined {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "folder";
  return stats.isSymbolicLink() ? "link" : undefined;
}

function special(stats: Stats): string {
  if (stats.isFIFO()) return "fifo";
  if (stats.isSocket()) return "socket";
  return stats.isBlockDevice() || stats.isCharacterDevice() ? "device" : "unknown";
}

/** An entry that cannot be had after all; the message says why. The archive goes on without it. */
export class LeftOut extends Error {}

// O_NONBLOCK: were it a fifo by now, opening it would wait for a writer for ever.
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** The real path of the tree itself, as the system will name what lies below it. */
async function rootAt(path: string): Promise<RawPath> {
  const root = await realpath(path, { encoding: "buffer" });
  const fd = await openFd(path, FOLDER_FLAGS).catch(() => undefined); // closed by its mode: `walk` opens it up
  if (fd === undefined) return rawPath(root);
  const told = pathOfFd(fd) ?? root;
  await closeFd(fd);
  return rawPath(told);
}

/**
 * Opens a file of the tree, which must still be the regular file that the walk saw; the caller closes `fd`. One that only
 * its mode closes to us is opened up. Rejects with {@link LeftOut} where it cannot be had.
 */
export async function openSource(entry: TreeEntry): Promise<{ fd: number; size: number }> {
  const path = fsPath(entry.path);
  let fd: number;
  try {
    fd = await openFd(path, FLAGS).catch(async (error) => {
      if (codeOf(error) !== "EACCES" || (entry.mode & 0o400) !== 0) throw error;
      await chmod(path, (entry.mode & 0o777) | 0o400);
      return openFd(path, FLAGS);
    });
  } catch (error) {
    throw new LeftOut(reason(error, "open"));
  }
  try {
    const stats = await statFd(fd);
    // Also where the runtime ignores O_NOFOLLOW: what is behind a link is another inode.
    const isIt = stats.isFile() && stats.ino === entry.ino && stats.dev === entry.dev;
    if (!isIt || !await liesIn(folderOf(entry.path), fd, entry.path)) {
      throw new LeftOut("was replaced while it was packed");
    }
    return { fd, size: stats.size };
  } catch (error) {
    await closeFd(fd);
    throw error instanceof LeftOut ? error : new LeftOut(reason(error, "fstat"));
  }
}

/** As {@link openSource}, but what is read is what goes into the archive; then `entry` has its size. */
export async function openEntry(entry: TreeEntry): Promise<{ fd: number; size: number }> {
  const source = await openSource(entry);
  if (!entry.rewriter) return source;
  try {
    const rewritten = await entry.rewriter.file(entry.name, source.fd, source.size);
    if (source.size === entry.size) entry.size = rewritten.size;
    return rewritten;
  } finally {
    await closeFd(source.fd);
  }
}

/** Where a link points, as bytes; never followed. Rejects with {@link LeftOut} where it cannot be had. */
export async function readLink(entry: TreeEntry): Promise<Buffer> {
  const parent = folderOf(entry.path);
  try {
    const folder = await openFolder(parent);
    const path = fsPath(folder.at + entry.path.slice(parent.length));
    const read = readlink(path, { encoding: "buffer" }).finally(() => closeFd(folder.fd));
    const target = Buffer.from(await read);
    return entry.rewriter ? Buffer.from(entry.rewriter.name(target.toString())) : target;
  } catch (error) {
    throw new LeftOut(reason(error, "readlink"));
  }
}
