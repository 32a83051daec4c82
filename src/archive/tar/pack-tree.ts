import { CHUNK } from "../deflate.ts";
import { closeFd, readFully, statFd } from "../fd.ts";
import { isNoRoom } from "../errors.ts";
import type { GzipWriter } from "./gzip-writer.ts";
import type { PackTreeOptions } from "../zip/pack-tree.ts";
import { PackedList } from "../pack/packed-list.ts";
import { rawPath } from "../paths.ts";
import type { RawPath } from "../paths.ts";
import { readWhole, unreadable } from "../pack/read-whole.ts";
import { tarHeader, tarPadding } from "./format.ts";
import { LeftOut, openEntry, readLink } from "../pack/tree.ts";
import type { Tree, TreeEntry } from "../pack/tree.ts";

/** Small files that are read ahead, so that the compressing never waits for the disk. */
const AHEAD = 16;

/**
 * A file that is larger, bytes, begins with a piece of its own. One that is not, with its header, is shorter than a piece: it can
 * be taken out again whichever piece the disk has no room for.
 */
const LARGE = CHUNK / 2;

/** As {@link PackTreeOptions}; sources stay, and nothing is taken up. */
export type TarTreeOptions = Omit<PackTreeOptions, "level" | "threads" | "sources" | "inside">;

/** Entries that are handed over before it is looked which of them are in the file. */
const COUNT_AFTER = 256;

/** All of an entry, but for a file of many pieces. */
interface Whole {
  data: Buffer;
  link: RawPath;
  whole: boolean;
}

/**
 * Packs all of `tree` as a tar, in order, without the mark at its end. Names are the disk's, byte for byte, but for what would
 * be taken for our own `GATHER.json`. Stops when `finish` is aborted or the disk is full: a file that is half in is taken out
 * again. Returns what is in, and how many entries that are.
 *
 * Rejects with the reason of `signal`, or as the writer does; then nothing is still being read.
 */
export async function tarTree(
  tree: Tree,
  writer: GzipWriter,
  options: TarTreeOptions,
): Promise<{ list: PackedList; entries: number }> {
  const packer = new TarPacker(writer, options);
  await packer.run(tree);
  return { list: packer.list, entries: packer.entries };
}

class TarPacker {
  readonly #writer: GzipWriter;
  readonly #options: TarTreeOptions;
  readonly #ahead: { entry: TreeEntry; content: Promise<Whole | LeftOut> }[] = [];
  /** What was handed over and is not known to be in the file: at most what the writer holds. */
  readonly #underWay: { end: number; entry: TreeEntry; whole: boolean }[] = [];
  /** Where the last entry ends that is in the file. */
  #end = 0;
  readonly list = new PackedList();
  entries = 0;

  constructor(writer: GzipWriter, options: TarTreeOptions) {
    this.#writer = writer;
    this.#options = options;
  }

  async run(tree: Tree): Promise<void> {
    try {
      await this.#all(tree);
    } catch (error) {
      if (!isNoRoom(error) || this.#options.signal.aborted) throw error;
      await this.#writer.settled();
      this.#count();
      if (this.entries === 0) throw error;
      await this.#writer.rollBack(this.#end);
      this.list.cut = true;
      this.list.full = error;
    }
  }

  /** When it rejects, nothing is being read any more. */
  async #all(tree: Tree): Promise<void> {
    try {
      for await (const entry of tree.walk()) {
        this.#options.signal.throwIfAborted();
        if (this.#finishing()) break;
        if (entry.kind === "left") this.list.left(entry);
        else if (entry.kind === "file" && entry.size > LARGE) await this.#large(entry);
        else await this.#small(entry);
      }
      while (this.#ahead.length > 0) await this.#next();
      await this.#writer.flush();
      this.#count();
      this.#options.signal.throwIfAborted();
    } finally {
      await Promise.allSettled(this.#ahead.map(({ content }) => content));
    }
  }

  #finishing(): boolean {
    if (this.#options.finish?.aborted) this.list.cut = true;
    return this.#options.finish?.aborted ?? false;
  }

  async #small(entry: TreeEntry): Promise<void> {
    const content = readAll(entry);
    content.catch(() => {}); // whoever writes it is told
    this.#ahead.push({ entry, content });
    if (this.#ahead.length > AHEAD) await this.#next();
  }

  /** Writes the first of those that were read ahead. */
  async #next(): Promise<void> {
    const next = this.#ahead[0];
    if (!next) return;
    const content = await next.content;
    this.#ahead.shift();
    const { entry } = next;
    if (content instanceof LeftOut) return this.list.leave(entry, content.message);
    const { data, link, whole } = content;
    await this.#writer.write(headOf(entry, data.length, link));
    await this.#writer.write(data);
    await this.#writer.write(tarPadding(data.length));
    this.#packed(entry, whole);
    this.#options.onBytes(data.length);
  }

  async #large(entry: TreeEntry): Promise<void> {
    while (this.#ahead.length > 0) await this.#next();
    let fd: number | undefined;
    const mark = await this.#writer.mark();
    try {
      const opened = await openEntry(entry);
      fd = opened.fd;
      const whole = await this.#pieces(entry, fd, opened.size);
      if (whole !== undefined) this.#packed(entry, whole);
      else await this.#writer.rewind(mark);
    } catch (error) {
      if (!(error instanceof LeftOut)) throw error;
      await this.#writer.rewind(mark);
      this.list.leave(entry, error.message);
    } finally {
      if (fd !== undefined) await closeFd(fd);
    }
  }

  /** `size` bytes, whatever the file does meanwhile, and whether it stayed as it was; `undefined` when it came to `finish`. */
  async #pieces(entry: TreeEntry, fd: number, size: number): Promise<boolean | undefined> {
    await this.#writer.write(headOf(entry, size, ""));
    const buffer = Buffer.allocUnsafe(CHUNK);
    let there = true;
    for (let done = 0; done < size;) {
      this.#options.signal.throwIfAborted();
      if (this.#finishing()) return undefined;
      const piece = buffer.subarray(0, Math.min(CHUNK, size - done));
      const n = await readFully(fd, piece, done).catch(unreadable);
      if (n < piece.length) {
        there = false;
        piece.fill(0, n); // as tar does: the header has promised so many
      }
      await this.#writer.write(piece);
      done += piece.length;
      this.#options.onBytes(n);
    }
    await this.#writer.write(tarPadding(size));
    const after = (await statFd(fd).catch(unreadable)).size;
    return there && size === entry.size && size === after;
  }

  #packed(entry: TreeEntry, whole: boolean): void {
    this.#underWay.push({ end: this.#writer.size, entry, whole });
    if (this.#underWay.length % COUNT_AFTER === 0) this.#count();
  }

  /** Counts what is in the file by now. */
  #count(): void {
    const isIn = ({ end }: { end: number }) => end <= this.#writer.onDisk;
    const first = this.#underWay.findIndex((each) => !isIn(each));
    for (const { end, entry, whole } of this.#underWay.splice(0, first < 0 ? Infinity : first)) {
      this.#end = end;
      this.entries++;
      this.list.add(entry, whole, nameOf(entry) !== entry.below);
    }
  }
}

async function readAll(entry: TreeEntry): Promise<Whole | LeftOut> {
  try {
    const nothing = Buffer.alloc(0);
    if (entry.kind === "link") {
      return { data: nothing, link: rawPath(await readLink(entry)), whole: true };
    }
    if (entry.kind === "folder" || entry.size === 0) {
      return { data: nothing, link: "", whole: true };
    }
    return { ...await readWhole(entry), link: "" };
  } catch (error) {
    if (error instanceof LeftOut) return error;
    throw error;
  }
}

function headOf(entry: TreeEntry, size: number, link: RawPath): Buffer {
  const { kind, mode, mtimeMs } = entry;
  const name = nameOf(entry) + (kind === "folder" ? "/" : "");
  return tarHeader({ kind, name, link, mode, mtimeMs, size });
}

/** Ours comes last under this name, and would be written over an image's own. */
function nameOf({ name, below }: TreeEntry): RawPath {
  return below.toLowerCase() === "gather.json" ? rawPath(name.replace(/\/$/, "")) : below;
}
