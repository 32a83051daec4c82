import zlib from "node:zlib";
import { CHUNK, Deflater, dictionaryOf } from "../deflate.ts";
import { truncateFd, writeFully } from "../fd.ts";
import { Gate } from "../gate.ts";

/** RFC 1952: deflate, no name, no time, made on unix. */
const HEADER = Buffer.from("1f8b0800000000000003", "hex");

/** A place to go back to. */
export interface Mark {
  /** In the file; known once what was before is written. */
  position: number;
  crc: number;
  size: number;
}

/** The last piece that is in the file, whole. */
interface Last extends Mark {
  data: Buffer;
  /** What `data` is a part of; used again when there is a later piece. */
  buffer: Buffer;
}

/**
 * Writes one gzip member into an empty file, compressing several pieces at a time; it holds `2 × threads + 3` of them at
 * most. It does not close the descriptor, and it takes one call at a time. Every method rejects as write(2) does, if not at
 * once then at a later call, and the file is then of no use but for {@link rollBack}.
 */
export class GzipWriter {
  readonly #fd: number;
  readonly #deflater: Deflater;
  readonly #atATime: number;
  #gate: Gate;
  readonly #idle: Buffer[] = [];
  #last: Last | undefined;
  #mark: Mark | undefined;
  #onDisk = 0;
  #piece: Buffer = Buffer.allocUnsafeSlow(CHUNK);
  #used = 0;
  #dictionary: Buffer | undefined;
  #crc = 0;
  #size = 0;
  #position = 0;
  /** Settles when every piece so far is written, in order. */
  #written: Promise<void> = Promise.resolve();

  constructor(fd: number, level: number, threads: number) {
    this.#fd = fd;
    this.#deflater = new Deflater(level, threads);
    this.#atATime = 2 * threads + 1; // one more is being filled, and the last one kept
    this.#gate = new Gate(this.#atATime);
    this.#inOrder(() => this.#append(HEADER));
  }

  /** Bytes that were handed over: those of the tar, not of the file. */
  get size(): number {
    return this.#size + this.#used;
  }

  /** How many of them are in the file. */
  get onDisk(): number {
    return this.#onDisk;
  }

  /** `data` may be used again afterwards. */
  async write(data: Buffer): Promise<void> {
    for (let at = 0; at < data.length;) {
      const n = data.copy(this.#piece, this.#used, at);
      this.#used += n;
      at += n;
      if (this.#used === CHUNK) await this.#submit(false);
    }
  }

  /** Remembers this place, for {@link rewind}. */
  async mark(): Promise<Mark> {
    if (this.#used > 0) await this.#submit(false);
    const mark: Mark = { position: 0, crc: this.#crc, size: this.#size };
    this.#inOrder(() => {
      mark.position = this.#position;
    });
    this.#mark = mark;
    return mark;
  }

  /** Forgets what was written since. */
  async rewind(mark: Mark): Promise<void> {
    await this.#written;
    this.#goTo(mark);
  }

  /** Resolves when all that was handed over is in the file. */
  async flush(): Promise<void> {
    if (this.#used > 0) await this.#submit(false);
    await this.#written;
  }

  /**
   * After a failure to write: forgets all but the first `size` bytes, which have to be in the file and to end in its last piece or
   * at the last mark, and gives back the room of the rest. Then it can be gone on with.
   */
  async rollBack(size: number): Promise<void> {
    await this.settled();
    const last = this.#last;
    const piece = this.#mark?.size === size || !last ? undefined : last;
    const to = piece ?? this.#mark;
    const kept = piece?.data.subarray(0, size - piece.size);
    if (!to || to.size + (kept?.length ?? 0) !== size) {
      throw new Error(`Cannot go back to ${size} bytes: they are not in the last piece`);
    }
    this.#written = Promise.resolve();
    this.#gate = new Gate(this.#atATime); // the old one lets nobody in any more
    this.#goTo(to);
    await truncateFd(this.#fd, this.#position);
    if (kept) await this.write(kept);
  }

  #goTo({ position, crc, size }: Mark): void {
    this.#used = 0;
    this.#last = undefined;
    this.#dictionary = undefined; // it would hold what is gone
    this.#crc = crc;
    this.#size = this.#onDisk = size;
    this.#position = position;
  }

  /** Writes what is left and the sums, and cuts the file there. */
  async close(): Promise<void> {
    await this.#submit(true);
    const sums = Buffer.alloc(8);
    sums.writeUInt32LE(this.#crc, 0);
    sums.writeUInt32LE(this.#size % 2 ** 32, 4);
    this.#inOrder(() => this.#append(sums));
    await this.#written;
    await truncateFd(this.#fd, this.#position);
  }

  /** Resolves when nothing is under way any more, whether it failed or not. */
  async settled(): Promise<void> {
    await this.#written.catch(() => {});
  }

  async #submit(last: boolean): Promise<void> {
    await this.#gate.acquire(1);
    const buffer = this.#piece;
    const piece = buffer.subarray(0, this.#used);
    const packed = this.#deflater.deflate(piece, last, this.#dictionary);
    packed.catch(() => {}); // `#written` tells of it, in order
    const before = { crc: this.#crc, size: this.#size };
    this.#crc = zlib.crc32(piece, this.#crc);
    this.#size += piece.length;
    this.#dictionary = dictionaryOf(piece);
    this.#piece = this.#idle.pop() ?? Buffer.allocUnsafeSlow(CHUNK);
    this.#used = 0;
    this.#inOrder(async () => {
      const position = this.#position;
      await this.#append(await packed);
      if (this.#last) this.#idle.push(this.#last.buffer);
      this.#last = { ...before, position, data: piece, buffer };
      this.#onDisk = before.size + piece.length;
      this.#gate.release(1);
    });
  }

  async #append(data: Buffer): Promise<void> {
    await writeFully(this.#fd, data, this.#position);
    this.#position += data.length;
  }

  #inOrder(step: () => Promise<void> | void): void {
    this.#written = this.#written.then(step);
    this.#written.catch((error: unknown) => this.#gate.fail(error));
  }
}
