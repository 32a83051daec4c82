import zlib from "node:zlib";
import { CHUNK, Deflater, dictionaryOf, isCompressed } from "../deflate.ts";
import { isNoRoom } from "../errors.ts";
import { closeFd, readFully, statFd } from "../fd.ts";
import { Gate } from "../gate.ts";
import { PackedList } from "../pack/packed-list.ts";
import { readWhole, unreadable } from "../pack/read-whole.ts";
import { LeftOut, openEntry, readLink } from "../pack/tree.ts";
import type { Sources } from "../pack/sources.ts";
import { kindOf } from "../pack/survey.ts";
import type { Inside } from "../pack/take-up.ts";
import type { Left, Tree, TreeEntry } from "../pack/tree.ts";
import { DEFLATED, STORED } from "./format.ts";
import type { EntryHead, EntrySums } from "./format.ts";
import type { ZipWriter } from "./writer.ts";

/** What an entry counts at least towards the bytes in flight, so that files in flight are bounded too. */
const LEAST = 64 * 1024;

/** From here on, bytes, an entry gets eight-byte sizes: 4 GiB less what deflate may add to what it cannot compress. */
const LARGE = 0xf0000000;

/** How to go about it. */
export interface PackTreeOptions {
  level: number;
  threads: number;
  signal: AbortSignal;
  finish: AbortSignal | undefined;
  onBytes: (bytes: number) => void;
  /** Is told of what is in, and may remove it. */
  sources?: Sources | undefined;
  /** What `writer` has already: it is passed over. */
  inside?: Inside | undefined;
}

interface Small {
  data: Buffer;
  sums: EntrySums;
  whole: boolean;
}

/**
 * Packs all of `tree` with `writer`, in order. Reads and compresses several files, or several pieces of one, at a time, and
 * holds a few MB whatever they are. Stops when `finish` is aborted or the disk is full: a file that is half in is taken out
 * again. Rejects with the reason of `signal`, or as the writer does; then nothing is still being read.
 */
export async function packTree(
  tree: Tree,
  writer: ZipWriter,
  options: PackTreeOptions,
): Promise<PackedList> {
  return await new TreePacker(writer, options).run(tree);
}

class TreePacker {
  readonly #writer: ZipWriter;
  readonly #options: PackTreeOptions;
  readonly #deflater: Deflater;
  /** Bytes read and not yet written. */
  readonly #budget: Gate;
  /** Settles when everything so far is written, in order. */
  #written: Promise<void> = Promise.resolve();
  readonly #jobs = new Set<Promise<unknown>>();
  readonly #idle: Buffer[] = [];
  readonly #contents = new PackedList();

  constructor(writer: ZipWriter, options: PackTreeOptions) {
    this.#writer = writer;
    this.#options = options;
    this.#deflater = new Deflater(options.level, options.threads);
    // Each thread has one piece to work on and one to go on with; one is being read, one written.
    this.#budget = new Gate((2 * options.threads + 2) * CHUNK);
  }

  async run(tree: Tree): Promise<PackedList> {
    try {
      await this.#all(tree);
    } catch (error) {
      if (!isNoRoom(error) || this.#options.signal.aborted) throw error;
      await this.#writer.rollBack();
      this.#contents.cut = true;
      this.#contents.full = error;
    }
    return this.#contents;
  }

  /** When it rejects, nothing is under way any more. */
  async #all(tree: Tree): Promise<void> {
    const { inside } = this.#options;
    for (const entry of inside?.entries.values() ?? []) this.#contents.addEarlier(kindOf(entry));
    if (inside && inside.lost > 0) this.#contents.lose(inside.lost);
    try {
      for await (const entry of tree.walk()) {
        this.#options.signal.throwIfAborted();
        if (this.#finishing()) break;
        if (entry.kind !== "left" && inside?.entries.has(entry.name)) continue;
        await this.#pack(entry);
      }
      await this.#written;
      this.#options.signal.throwIfAborted();
    } finally {
      await Promise.allSettled([this.#written, ...this.#jobs]);
    }
  }

  #finishing(): boolean {
    if (this.#options.finish?.aborted) this.#contents.cut = true;
    return this.#options.finish?.aborted ?? false;
  }

  async #pack(entry: TreeEntry | Left): Promise<void> {
    if (entry.kind === "left") {
      this.#contents.left(entry);
    } else if (entry.kind === "file" && entry.size > CHUNK) {
      await this.#packLarge(entry);
    } else {
      const charge = Math.max(LEAST, entry.kind === "file" ? entry.size : 0);
      await this.#budget.acquire(charge);
      this.#inOrder(this.#readSmall(entry), charge, async (small) => {
        if (small instanceof LeftOut) return this.#contents.leave(entry, small.message);
        const head = this.#headOf(entry, 0);
        await this.#writer.add(head, small.sums, small.data);
        await this.#packed(entry, head, small.whole);
        this.#options.onBytes(small.sums.size);
      });
    }
  }

  /** Does `write` with what `ready` gives when everything before is written, then frees `charge`. */
  #inOrder<T>(ready: Promise<T>, charge: number, write: (value: T) => Promise<void> | void): void {
    this.#jobs.add(ready);
    const done = () => void this.#jobs.delete(ready);
    ready.then(done, done);
    const before = this.#written;
    this.#written = (async () => {
      await before;
      await write(await ready);
      this.#budget.release(charge);
    })();
    this.#written.catch((error: unknown) => this.#budget.fail(error));
  }

  /** All of an entry that fits into one piece. */
  async #readSmall(entry: TreeEntry): Promise<Small | LeftOut> {
    try {
      if (entry.kind === "folder" || entry.size === 0) return small(Buffer.alloc(0));
      if (entry.kind === "link") return small(await readLink(entry));
      const { data, whole } = await readWhole(entry);
      if (this.#deflater.level === 0 || isCompressed(data)) return small(data, data, whole);
      const packed = await this.#deflater.deflate(data, true);
      return small(data, packed.length < data.length ? packed : data, whole);
    } catch (error) {
      if (error instanceof LeftOut) return error;
      throw error;
    }
  }

  /** A file of many pieces: each is read here, one after the other, and compressed beside the others. */
  async #packLarge(entry: TreeEntry): Promise<void> {
    let fd: number | undefined;
    try {
      const opened = await openEntry(entry);
      fd = opened.fd;
      await this.#packPieces(entry, fd, opened.size);
    } catch (error) {
      if (!(error instanceof LeftOut)) throw error;
      this.#drop();
      this.#contents.leave(entry, error.message);
    } finally {
      if (fd !== undefined) await closeFd(fd);
    }
  }

  async #packPieces(entry: TreeEntry, fd: number, size: number): Promise<void> {
    const head = this.#headOf(entry, size);
    let method: EntrySums["method"] | undefined;
    let crc = 0;
    let done = 0;
    let dictionary: Buffer | undefined;
    for (let last = false; !last;) {
      this.#options.signal.throwIfAborted();
      if (this.#finishing()) return this.#drop();
      await this.#budget.acquire(CHUNK);
      const buffer = this.#idle.pop() ?? Buffer.allocUnsafeSlow(CHUNK);
      const wanted = Math.min(CHUNK, size - done);
      const n = await readFully(fd, buffer.subarray(0, wanted), done).catch((error) => {
        this.#idle.push(buffer);
        this.#budget.release(CHUNK);
        return unreadable(error);
      });
      const piece = buffer.subarray(0, n);
      crc = zlib.crc32(piece, crc);
      done += piece.length;
      last = done === size || piece.length < wanted;
      if (method === undefined) {
        const chosen = this.#deflater.level === 0 || isCompressed(piece) ? STORED : DEFLATED;
        method = chosen;
        this.#inOrder(
          Promise.resolve(),
          0,
          () => this.#writer.begin(head, chosen),
        );
      }
      const packed = method === STORED
        ? Promise.resolve(piece)
        : this.#deflater.deflate(piece, last, dictionary);
      this.#inOrder(packed, CHUNK, async (data) => {
        await this.#writer.data(data);
        this.#idle.push(buffer);
        this.#options.onBytes(piece.length);
      });
      dictionary = dictionaryOf(piece);
    }
    const after = (await statFd(fd).catch(unreadable)).size;
    this.#inOrder(Promise.resolve(), 0, async () => {
      await this.#writer.end(crc, done);
      await this.#packed(entry, head, done === entry.size && done === after);
    });
  }

  /** It is in. */
  async #packed(entry: TreeEntry, head: EntryHead, whole: boolean): Promise<void> {
    this.#contents.add(entry, whole);
    const mayGo = whole && head.keepsMode === true;
    await this.#options.sources?.packed(entry, mayGo, () => this.#writer.sync());
  }

  #headOf(entry: TreeEntry, size: number): EntryHead {
    const { mode, mtimeMs } = entry;
    const keepsMode = this.#options.sources?.isShort ?? false;
    return { name: Buffer.from(entry.name), mode, mtimeMs, zip64: size >= LARGE, keepsMode };
  }

  #drop(): void {
    this.#inOrder(Promise.resolve(), 0, () => this.#writer.drop());
  }
}

function small(data: Buffer, packed = data, whole = true): Small {
  const method = packed === data ? STORED : DEFLATED;
  const sums = { method, crc: zlib.crc32(data), size: data.length, packed: packed.length } as const;
  return { data: packed, sums, whole };
}
