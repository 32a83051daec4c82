/** Files of a tree that are in the archive and go, where the disk needs their room. */
import { constants } from "node:fs";
import { lstat, statfs, unlink } from "node:fs/promises";
import { isNoRoom } from "../errors.ts";
import { closeFd, openFd, syncFd, writeFully } from "../fd.ts";
import { folderOf, openFolder } from "../folder.ts";
import { fsPath, type RawPath } from "../paths.ts";
import type { TreeEntry } from "./tree.ts";

/** After so many bytes, or so many files, those that are in go, and the room is looked at again. */
const BYTES = 8 << 20;
const FILES = 256;

/** Where less room is left than this many times what waits to go, it goes at once. */
const SHARE = 4;

/** Digits of the largest safe integer: a number is written over the one before. */
const LONGEST_NUMBER = 16;

/** How sources are watched. */
export interface SourcesOptions {
  /** Where the archive is made. */
  folder: string;
  /**
   * A file that is made before the first source goes: from then on the archive holds what the tree does not. In it stands how many
   * bytes of the archive were on the disk when sources went the last time.
   */
  mark: string;
  /** Bytes of all files that are to be packed. */
  bytes: number;
  /** The room on the file system of `folder`: bytes. */
  free?: (folder: string) => Promise<number>;
}

/**
 * Watches the room while a tree is packed. Where less is free than is left to pack, files that are whole in the archive are
 * removed, once the archive is on the disk with them. Folders and links stay, and files that cannot be removed.
 */
export class Sources {
  readonly #options: SourcesOptions;
  /** Of the file system on which room is needed: files on another one give none. */
  readonly #device: number;
  #left: number;
  #free = Infinity;
  readonly #waiting: TreeEntry[] = [];
  #waitingBytes = 0;
  #since = { bytes: 0, files: 0 };

  private constructor(options: SourcesOptions, device: number) {
    this.#options = options;
    this.#device = device;
    this.#left = options.bytes;
  }

  static async watch(options: SourcesOptions): Promise<Sources> {
    const sources = new Sources(options, (await lstat(options.folder)).dev);
    await sources.#look();
    return sources;
  }

  /** Whether less is free than is left to pack. */
  get isShort(): boolean {
    return this.#free < this.#left;
  }

  /**
   * Told of each file that is in, in order. `mayGo`: all that is to be known of it is in. `sync` resolves when all that is in is
   * on the disk, with its length. Rejects as that does, and where the mark cannot be made.
   */
  async packed(entry: TreeEntry, mayGo: boolean, sync: () => Promise<number>): Promise<void> {
    if (entry.kind !== "file") return;
    this.#left -= entry.size;
    this.#since.bytes += entry.size;
    this.#since.files++;
    if (mayGo && this.isShort && entry.dev === this.#device) {
      this.#waiting.push(entry);
      this.#waitingBytes += entry.size;
    }
    const { bytes, files } = this.#since;
    const isTight = this.#waitingBytes * SHARE >= this.#free;
    if (bytes < BYTES && files < FILES && !isTight) return;
    if (this.#waiting.length > 0) await this.#remove(sync);
    await this.#look();
  }

  async #look(): Promise<void> {
    this.#since = { bytes: 0, files: 0 };
    this.#free = await (this.#options.free ?? freeBytes)(this.#options.folder);
  }

  async #remove(sync: () => Promise<number>): Promise<void> {
    const entries = this.#waiting.splice(0);
    this.#waitingBytes = 0;
    if (!await this.#mark(await sync())) return;
    const folders = new Map<RawPath, TreeEntry[]>();
    for (const entry of entries) {
      const folder = folderOf(entry.path);
      const inIt = folders.get(folder);
      if (inIt) inIt.push(entry);
      else folders.set(folder, [entry]);
    }
    for (const [path, inIt] of folders) {
      // Were it, or a folder above, a link by now, we would be elsewhere.
      const folder = await openFolder(path).catch(() => undefined);
      if (!folder) continue;
      const names = inIt.map((entry) => entry.path.slice(path.length));
      await Promise.allSettled(names.map((name) => unlink(fsPath(folder.at + name))));
      await closeFd(folder.fd);
    }
  }

  /** Whether it is noted; not where there is no room even for that, and then nothing is removed. */
  async #mark(length: number): Promise<boolean> {
    let fd: number | undefined;
    try {
      fd = await openFd(this.#options.mark, constants.O_CREAT | constants.O_WRONLY, 0o600);
      await writeFully(fd, Buffer.from(String(length).padEnd(LONGEST_NUMBER)), 0);
      await syncFd(fd);
      return true;
    } catch (error) {
      if (!isNoRoom(error)) throw error;
      return false;
    } finally {
      if (fd !== undefined) await closeFd(fd);
    }
  }
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
