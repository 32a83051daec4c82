import { randomInt } from "node:crypto";
import { constants, futimes } from "node:fs";
import { link, lstat, mkdir, rename, rm, symlink, unlink } from "node:fs/promises";
import { promisify } from "node:util";
import { Bounded } from "../bounded.ts";
import { codeOf } from "../../errors.ts";
import { closeFd, openFd, writeFully } from "../fd.ts";
import { rawPath } from "../paths.ts";
import type { TarEntry } from "../tar/reader.ts";
import { beginning, componentsOf, Refused, shown, targetOf } from "./names.ts";

/** What may still be unpacked; counted down, so that several tars can share one. */
export interface UntarLimits {
  /** Of the stream, headers and all. */
  bytes: number;
  /** Headers, whatever becomes of them. */
  entries: number;
}

/** Skipped entries that are kept by name. */
const NAMED = 10;

/** Errors after which no other entry will fare better. */
const FATAL: Readonly<Record<string, string>> = {
  ENOSPC: "no room is left on the disk of the service (ENOSPC)",
  EDQUOT: "no room is left on the disk of the service (EDQUOT)",
  EROFS: "the disk of the service takes no writes (EROFS)",
  EIO: "the disk of the service fails (EIO)",
  EMFILE: "the service has too many files open (EMFILE)",
  ENFILE: "the system has too many files open (ENFILE)",
  ENOENT: "the folder to unpack into is gone (ENOENT)",
};

/** Reading is at its end, and the message says why: half a sentence. */
export class Stop extends Error {}

/** Writes the entries of one tar into a folder; what {@link untar} promises of them is kept here. */
export class Unpacker {
  readonly #folder: string;
  readonly #limits: UntarLimits;
  /**
   * The folders of the entry before. Each was seen to be a folder and no link, and what is a folder is never replaced, so
   * they need no second look.
   */
  #known: string[] = [];
  files = 0;
  bytes = 0;
  unfinished: string | undefined;
  readonly skipped = new Bounded<{ name: string; why: string }>(NAMED);

  constructor(folder: string, limits: UntarLimits) {
    this.#folder = folder;
    this.#limits = limits;
  }

  charge(bytes: number): void {
    this.#limits.bytes -= bytes;
    if (this.#limits.bytes < 0) throw new Stop("the limit on bytes is reached");
  }

  /** Rejects only where the tar cannot go on. */
  async take(entry: TarEntry, content: AsyncIterable<Buffer>): Promise<void> {
    if (--this.#limits.entries < 0) throw new Stop("the limit on entries is reached");
    try {
      await this.#unpack(entry, content);
    } catch (error) {
      if (error instanceof Stop) throw error;
      const fatal = FATAL[codeOf(error)];
      if (fatal !== undefined) throw new Stop(fatal);
      const why = error instanceof Refused ? error.message : `cannot be written: ${codeOf(error)}`;
      this.skipped.add({ name: shown(entry.name), why });
    }
  }

  async #unpack(entry: TarEntry, content: AsyncIterable<Buffer>): Promise<void> {
    const components = componentsOf(entry.name);
    if (entry.kind === "folder") return await this.#enter(components, "replace");
    const name = components.pop();
    if (name === undefined) throw new Refused("it has no name");
    switch (entry.kind) {
      case "file":
        await this.#enter(components);
        return await this.#file(components, name, entry, content);
      case "link": {
        const target = targetOf(entry.link);
        await this.#enter(components);
        return await this.#place(components, name, (path) => symlink(target, path));
      }
      case "hard link":
        return await this.#hardLink(components, name, entry);
      default:
        throw new Refused(entry.kind === "unknown" ? "of an unknown kind" : `a ${entry.kind}`);
    }
  }

  #path(components: readonly string[], name?: string): string {
    return [this.#folder, ...components, ...(name === undefined ? [] : [name])].join("/");
  }

  /**
   * Makes sure that each of `components` is a folder in the one before it. With `replace`, the last takes the place of a
   * file or link of its name.
   */
  async #enter(components: string[], replace?: "replace"): Promise<void> {
    let depth = 0;
    while (depth < components.length && components[depth] === this.#known[depth]) depth++;
    this.#known = components.slice(0, depth);
    for (; depth < components.length; depth++) {
      const path = this.#path(components.slice(0, depth + 1));
      try {
        await mkdir(path, { mode: 0o700 });
      } catch (error) {
        if (codeOf(error) !== "EEXIST") throw error;
        if (!(await lstat(path)).isDirectory()) {
          if (!replace || depth < components.length - 1) {
            throw new Refused("it lies behind what is no folder");
          }
          await unlink(path);
          await mkdir(path, { mode: 0o700 });
        }
      }
      this.#known.push(components[depth]!);
    }
  }

  async #file(
    folders: string[],
    name: string,
    entry: TarEntry,
    content: AsyncIterable<Buffer>,
  ): Promise<void> {
    const temporary = this.#path(folders, temporaryName(name));
    // O_EXCL: never through a link, also where the runtime ignores O_NOFOLLOW.
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL |
      (constants.O_NOFOLLOW ?? 0);
    const fd = await openFd(temporary, flags, (entry.mode & 0o111) === 0 ? 0o600 : 0o700);
    let done = 0;
    try {
      try {
        done = await writeAll(fd, content);
        if (done === entry.size) await setTime(fd, entry.mtimeMs);
      } finally {
        await closeFd(fd);
      }
      if (done === entry.size) await rename(temporary, this.#path(folders, name));
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
    if (done < entry.size) {
      if (done > 0) {
        this.unfinished = shown(rawPath(temporary.slice(this.#folder.length + 1)));
      } else await rm(temporary, { force: true });
      throw new Stop("it ended inside a file"); // why is known to whoever ended it
    }
    this.files++;
    this.bytes += done;
  }

  /** A second name for a file that is unpacked already, so that it takes no room; but it counts as if it did. */
  async #hardLink(folders: string[], name: string, entry: TarEntry): Promise<void> {
    const target = componentsOf(entry.link);
    const file = target.pop();
    if (file === undefined) throw new Refused("a hard link to nothing");
    for (let depth = 1; depth <= target.length; depth++) {
      const found = await lstat(this.#path(target.slice(0, depth))).catch(() => undefined);
      if (!found?.isDirectory()) throw new Refused("a hard link to what is not there");
    }
    const path = this.#path(target, file);
    const found = await lstat(path).catch(() => undefined);
    if (!found?.isFile()) throw new Refused("a hard link to what is not there, or no file");
    this.charge(found.size);
    await this.#enter(folders);
    await this.#place(folders, name, (place) => link(path, place));
    this.bytes += found.size;
  }

  /** Makes something that is whole at once, in the place of a file or link of that name. */
  async #place(
    folders: string[],
    name: string,
    make: (path: string) => Promise<void>,
  ): Promise<void> {
    const path = this.#path(folders, name);
    try {
      await make(path);
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
      const temporary = this.#path(folders, temporaryName(name));
      await make(temporary);
      try {
        await rename(temporary, path);
      } finally {
        await rm(temporary, { force: true }); // renaming to another name of the same file leaves both
      }
    }
    this.files++;
  }
}

/** Writes what comes and gives how much that was; a stream that is destroyed just ends. Rejects as write(2) does. */
async function writeAll(fd: number, content: AsyncIterable<Buffer>): Promise<number> {
  let done = 0;
  const pieces = content[Symbol.asyncIterator]();
  for (;;) {
    const { value, done: ended } = await pieces.next().catch(() => ({
      value: undefined,
      done: true,
    }));
    if (ended || value === undefined) return done;
    await writeFully(fd, value, done);
    done += value.length;
  }
}

/** A time that cannot be set is left out, as are those before 1970, which Node takes for now. */
async function setTime(fd: number, ms: number): Promise<void> {
  if (!(ms >= 0)) return;
  try {
    await promisify(futimes)(fd, ms / 1000, ms / 1000);
  } catch { /* the file is worth more than its time */ }
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** As rsync calls a file until it is whole: `.name.XXXXXX`, 255 bytes at most. */
function temporaryName(name: string): string {
  let random = "";
  while (random.length < 6) random += LETTERS[randomInt(LETTERS.length)];
  return `.${beginning(name, 255 - 8)}.${random}`;
}
