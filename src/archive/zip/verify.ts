import { constants } from "node:fs";
import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import zlib from "node:zlib";
import StreamZip from "node-stream-zip";
import type { ZipEntry } from "node-stream-zip";
import { PackError } from "../errors.ts";
import { codeOf } from "../../errors.ts";
import { Cursor } from "../cursor.ts";
import { closeFd, openFd } from "../fd.ts";
import { Gate } from "../gate.ts";
import { Judge } from "../pack/verdict.ts";
import { DEFLATED, LOCAL_SIGNATURE, STORED } from "./format.ts";
import { AT_ONCE, compareSums, Fault, inflateSmall, isSmall } from "./inflate.ts";

/** Small entries are done without waiting for anything: after so many, everything else gets its turn. */
const AT_A_TURN = 64;

/** What an entry counts at least towards the bytes in flight. */
const LEAST = 16 * 1024;

/** What node-stream-zip says of an entry, without the rest: this is kept for each of up to a million. */
interface Expected {
  offset: number;
  packed: number;
  size: number;
  crc: number;
  method: number;
  isLink: boolean;
}

/** How to read an archive back. */
export interface VerifyOptions {
  /** What must be in it. */
  entries: number;
  /** Entries inflated at a time. */
  threads: number;
  signal: AbortSignal;
  /** Sees every entry go by, not quite in their order. */
  judge?: Judge;
}

/** An archive that was read back. */
export interface Verified {
  size: number;
  /** Of the whole file, as RFC 9530 writes it: `sha-256=:<base64>:`. */
  digest: string;
}

/**
 * Reads a ZIP back from the disk, once, from its first byte to its last: node-stream-zip must take it, its entries must lie
 * one behind the other as many as expected, and each must inflate to the size and CRC that stand in the directory and in
 * its own header. Rejects with a {@link PackError} of code `EVERIFY` when one does not, or with the signal's reason.
 *
 * The digest is made here and not while writing, because the sums of large entries are written into their headers later.
 */
export async function verifyZip(file: string, options: VerifyOptions): Promise<Verified> {
  const expected = await readDirectory(file);
  if (expected.length !== options.entries) {
    fail(file, `it has ${expected.length} entries, ${options.entries} were written`);
  }
  const fd = await openFd(file, constants.O_RDONLY);
  try {
    const cursor = new Cursor(fd, options.signal);
    await new Reader(file, cursor, options.threads, options.judge).check(expected);
    await cursor.skipRest();
    return { size: cursor.position, digest: cursor.digest() };
  } finally {
    await closeFd(fd);
  }
}

function fail(file: string, why: string, cause?: unknown): never {
  throw new PackError("EVERIFY", `The archive ${file} does not read back: ${why}`, cause);
}

/** The central directory, as node-stream-zip reads it: a second opinion on what we wrote, names included. */
function readDirectory(file: string): Promise<Expected[]> {
  return new Promise((resolve, reject) => {
    const entries: Expected[] = [];
    const zip = new StreamZip({ file, storeEntries: false });
    zip.on("entry", (entry: ZipEntry) => {
      const { offset, compressedSize, size, crc, method } = entry;
      const isLink = (entry.attr >>> 28) === 0o12;
      entries.push({ offset, packed: compressedSize, size, crc, method, isLink });
    });
    zip.on("ready", () => zip.close(() => resolve(entries)));
    zip.on("error", (error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      zip.close(() =>
        reject(new PackError("EVERIFY", `The archive ${file} does not read back: ${why}`, error))
      );
    });
  });
}

class Reader {
  readonly #file: string;
  readonly #cursor: Cursor;
  readonly #gate: Gate;
  readonly #judge: Judge | undefined;

  constructor(file: string, cursor: Cursor, threads: number, judge: Judge | undefined) {
    this.#file = file;
    this.#cursor = cursor;
    this.#gate = new Gate(2 * threads * AT_ONCE);
    this.#judge = judge;
  }

  async check(expected: Expected[]): Promise<void> {
    const jobs = new Set<Promise<void>>();
    try {
      for (const [i, entry] of expected.entries()) {
        if (i % AT_A_TURN === 0) await setImmediate();
        const name = await this.#header(entry).catch((error) => this.#at(i, error));
        if (!isSmall(entry)) {
          await this.#large(entry).catch((error) => this.#at(i, error));
          this.#see(name, entry, undefined);
          continue;
        }
        const charge = Math.max(LEAST, entry.packed + entry.size);
        await this.#gate.acquire(charge);
        const data = Buffer.from(await this.#cursor.take(entry.packed));
        const job: Promise<void> = inflateSmall(data, entry)
          .then((plain) => this.#see(name, entry, plain))
          .catch((error) => this.#at(i, error))
          .then(() => this.#gate.release(charge), (error) => this.#gate.fail(error))
          .finally(() => jobs.delete(job));
        jobs.add(job);
      }
    } finally {
      await Promise.all(jobs);
    }
    await this.#gate.acquire(0); // rejects where one of the last has failed
  }

  #at(i: number, error: unknown): never {
    const fault = error instanceof Fault || String(codeOf(error)).startsWith("Z_") ||
      codeOf(error) === "ERR_BUFFER_TOO_LARGE";
    if (!fault) throw error;
    fail(this.#file, `entry ${i}: ${error instanceof Error ? error.message : error}`, error);
  }

  #see(name: string, { size, isLink }: Expected, plain: Buffer | undefined): void {
    const type = name.endsWith("/") ? "folder" : isLink ? "link" : "file";
    this.#judge?.see({ path: name, type, size }, Judge.wants(size) ? plain : undefined);
  }

  /** Its own header must say what the directory says, where the directory says it is. Gives its name. */
  async #header(entry: Expected): Promise<string> {
    if (entry.offset !== this.#cursor.position) {
      throw new Fault(`begins at ${entry.offset}, the one before ends at ${this.#cursor.position}`);
    }
    const fixed = Buffer.from(await this.#cursor.take(30));
    if (fixed.readUInt32LE(0) !== LOCAL_SIGNATURE) throw new Fault("no header where one should be");
    const name = (await this.#cursor.take(fixed.readUInt16LE(26))).toString("utf8");
    const extra = await this.#cursor.take(fixed.readUInt16LE(28));
    let packed = fixed.readUInt32LE(18);
    let size = fixed.readUInt32LE(22);
    if (packed === 0xffffffff && size === 0xffffffff && extra.readUInt16LE(0) === 0x0001) {
      size = Number(extra.readBigUInt64LE(4));
      packed = Number(extra.readBigUInt64LE(12));
    }
    const same = fixed.readUInt16LE(8) === entry.method && fixed.readUInt32LE(14) === entry.crc &&
      packed === entry.packed && size === entry.size;
    if (!same) throw new Fault("its own header and the directory differ");
    if (entry.method !== STORED && entry.method !== DEFLATED) throw new Fault("unknown method");
    return name;
  }

  async #large(entry: Expected): Promise<void> {
    const pieces = this.#cursor.pieces(entry.packed);
    let crc = 0;
    let size = 0;
    for await (const piece of entry.method === STORED ? pieces : inflated(pieces)) {
      crc = zlib.crc32(piece, crc);
      size += piece.length;
      if (size > entry.size) break;
    }
    compareSums(entry, size, crc);
  }
}

async function* inflated(packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const inflate = zlib.createInflateRaw({ chunkSize: 256 * 1024 });
  const source = Readable.from(packed, { objectMode: false, highWaterMark: 1 });
  source.on("error", (error) => inflate.destroy(error));
  try {
    for await (const piece of source.pipe(inflate)) yield piece;
  } finally {
    source.destroy();
    inflate.destroy();
  }
}
