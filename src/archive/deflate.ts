import { promisify } from "node:util";
import zlib from "node:zlib";
import { Gate } from "./gate.ts";

const deflateRaw = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.deflateRaw);

/**
 * Bytes that one job compresses. 1 MiB takes as much CPU in all (measured), twice the memory, and holds a runtime that
 * compresses in place up for twice as long: over 20 ms.
 */
export const CHUNK = 512 * 1024;

/** How far back deflate looks (RFC 1951). */
const WINDOW = 32 * 1024;

/** Up to here, bytes, compressing takes less of the main thread than handing it to the pool and back (27 against 80 µs). */
const AT_ONCE = 4096;

/** What of `piece` the next piece of the same file may refer back to. A copy: `piece` may be used again. */
export function dictionaryOf(piece: Buffer): Buffer {
  return Buffer.from(piece.subarray(Math.max(0, piece.length - WINDOW)));
}

/**
 * Compresses with raw deflate, at most `threads` pieces at a time, on libuv's pool. A file's pieces are compressed side by
 * side, each knowing the last 32 KB before it and ending on a byte, so that one after the other they are one stream; the
 * way of pigz. Deno 2.9 compresses in place and leaves the dictionary out of account: right, but on one core, 1 % larger.
 */
export class Deflater {
  readonly level: number;
  readonly #gate: Gate;

  constructor(level: number, threads: number) {
    this.level = level;
    this.#gate = new Gate(threads);
  }

  /** `piece` and `dictionary` must stay as they are until the promise settles. */
  async deflate(piece: Buffer, last: boolean, dictionary?: Buffer): Promise<Buffer> {
    const options: zlib.ZlibOptions = {
      level: this.level,
      finishFlush: last ? zlib.constants.Z_FINISH : zlib.constants.Z_SYNC_FLUSH,
      chunkSize: Math.max(1024, piece.length >> 2), // text shrinks to less: one buffer, one turn of the pool
      ...(dictionary && dictionary.length > 0 ? { dictionary } : {}),
    };
    if (piece.length <= AT_ONCE) return zlib.deflateRawSync(piece, options);
    await this.#gate.acquire(1);
    try {
      return await deflateRaw(piece, options);
    } finally {
      // A runtime that compresses in place gets round to everything else between two pieces.
      setImmediate(() => this.#gate.release(1));
    }
  }
}

const MAGIC = [
  "1f8b", // gzip
  "28b52ffd", // zstd
  "fd377a585a00", // xz
  "425a68", // bzip2
  "89504e470d0a1a0a", // PNG
  "ffd8ff", // JPEG
  "504b0304", // ZIP
  "377abcaf271c", // 7z
].map((hex) => Buffer.from(hex, "hex"));

/** Whether data that begins so is compressed already. Told by what it is, not by what it is called. */
export function isCompressed(beginning: Buffer): boolean {
  return MAGIC.some((magic) => beginning.subarray(0, magic.length).equals(magic));
}
