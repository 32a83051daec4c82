/**
 * What oc printed, on disk: the first 16 MiB and the last 240 MiB of it. The bytes are cut into files of 16 MiB, `exec.log`,
 * `exec.log.1`, …; when there are too many the second oldest goes. So the place of a byte in the whole output
 * tells the file it is in, and what is missing in between is known from the names that are left.
 */
import { type FileHandle, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../errors.ts";
import { newestLines } from "./output.ts";

/** 16 MiB, the first of them kept for good (the contract's). */
const SEGMENT_BYTES = 16 * 1024 * 1024;

/** How many of the newest are kept besides: 15 × 16 MiB = 240 MiB (the contract's). */
const NEWEST_SEGMENTS = 15;

/** What may wait to be written before the writer asks for a pause, in bytes. */
const PENDING_BYTES = 4 * 1024 * 1024;

function segmentPath(folder: string, index: number): string {
  return join(folder, index === 0 ? "exec.log" : `exec.log.${index}`);
}

/** Writes the output of one gather. Never throws: a disk that takes no more must not keep what oc says from being read. */
export class ExecLog {
  readonly #folder: string;
  readonly #onError: (error: unknown) => void;
  readonly #onDrain: () => void;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #position = 0;
  readonly #segmentBytes: number;
  #file: FileHandle | undefined;
  #writing: Promise<void> | undefined;
  #failed = false;
  #askedForPause = false;

  /**
   * @param folder where the files go; it exists
   * @param events `drain` is called when {@linkcode write} said that it wants a pause and that is over; `error` once, when the
   * disk refuses; what comes then is dropped
   * @param segmentBytes the size of one file; whoever reads has to know it, so nobody but a test gives another
   */
  constructor(
    folder: string,
    events: { drain: () => void; error: (error: unknown) => void },
    segmentBytes: number = SEGMENT_BYTES,
  ) {
    this.#folder = folder;
    this.#segmentBytes = segmentBytes;
    this.#onDrain = events.drain;
    this.#onError = events.error;
  }

  /** Takes a block; false asks for a pause until `drain`. */
  write(block: Buffer): boolean {
    if (this.#failed) return true;
    this.#pending.push(block);
    this.#pendingBytes += block.length;
    this.#writing ??= this.#run();
    if (this.#pendingBytes >= PENDING_BYTES) this.#askedForPause = true;
    return !this.#askedForPause;
  }

  /** Resolves when all is written and the file is closed. */
  async close(): Promise<void> {
    while (this.#writing) await this.#writing;
    await this.#closeFile();
  }

  async #run(): Promise<void> {
    while (this.#pending.length > 0) {
      const blocks = Buffer.concat(this.#pending);
      this.#pending = [];
      try {
        await this.#append(blocks);
      } catch (error) {
        this.#failed = true;
        this.#onError(error);
        await this.#closeFile();
      }
      this.#pendingBytes -= blocks.length;
      if (this.#askedForPause && this.#pendingBytes < PENDING_BYTES) {
        this.#askedForPause = false;
        this.#onDrain();
      }
    }
    this.#writing = undefined;
  }

  async #append(bytes: Buffer): Promise<void> {
    for (let done = 0; done < bytes.length && !this.#failed;) {
      const index = Math.floor(this.#position / this.#segmentBytes);
      const room = this.#segmentBytes - this.#position % this.#segmentBytes;
      // Written from its beginning: what a run that a crash made forgotten left there has another position.
      this.#file ??= await open(segmentPath(this.#folder, index), "w", 0o600);
      const { bytesWritten } = await this.#file.write(
        bytes,
        done,
        Math.min(room, bytes.length - done),
      );
      done += bytesWritten;
      this.#position += bytesWritten;
      if (bytesWritten === room) {
        await this.#closeFile();
        const oldest = index - NEWEST_SEGMENTS;
        if (oldest > 0) await rm(segmentPath(this.#folder, oldest), { force: true });
      }
    }
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => {});
  }
}

/** Which part of the output is on disk. */
export interface LogExtent {
  /** Bytes printed in all. */
  end: number;
  /** Where what was left out begins and ends; equal when nothing was. */
  gapStart: number;
  gapEnd: number;
}

/** Looks up which part of a gather's output is on disk; all zero when there is none. */
export async function logExtent(
  folder: string,
  segmentBytes: number = SEGMENT_BYTES,
): Promise<LogExtent> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const indexes = names
    .map((name) => name === "exec.log" ? 0 : Number(/^exec\.log\.(\d+)$/.exec(name)?.[1] ?? NaN))
    .filter((index) => !Number.isNaN(index))
    .sort((a, b) => a - b);
  const last = indexes.at(-1);
  if (last === undefined) return { end: 0, gapStart: 0, gapEnd: 0 };
  const { size } = await stat(segmentPath(folder, last)).catch(() => ({ size: 0 }));
  const firstOfNewest = indexes.find((index) => index > 0) ?? 1;
  return {
    end: last * segmentBytes + size,
    gapStart: segmentBytes,
    gapEnd: firstOfNewest * segmentBytes,
  };
}

/** Reads at most `length` bytes of the output from `position` on; fewer at the end of a file, none where there are none. */
export async function readLog(
  folder: string,
  position: number,
  length: number,
  segmentBytes: number = SEGMENT_BYTES,
): Promise<Buffer> {
  const index = Math.floor(position / segmentBytes);
  let file: FileHandle;
  try {
    file = await open(segmentPath(folder, index), "r");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
  try {
    const buffer = Buffer.allocUnsafe(length);
    const { bytesRead } = await file.read(buffer, 0, length, position % segmentBytes);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** The newest lines of the output, at most `limit` bytes of them. */
export async function logTail(
  folder: string,
  limit: number,
  segmentBytes: number = SEGMENT_BYTES,
): Promise<Buffer> {
  const { end } = await logExtent(folder, segmentBytes);
  let position = Math.max(0, end - limit - 1); // one byte more tells whether a line begins there
  const pieces: Buffer[] = [];
  while (position < end) {
    const piece = await readLog(folder, position, end - position, segmentBytes);
    if (piece.length === 0) break;
    pieces.push(piece);
    position += piece.length;
  }
  return newestLines(Buffer.concat(pieces), limit);
}

/** How much is read at a time while lines are counted and while the output is sent, in bytes. */
export const LOG_PIECE_BYTES = 64 * 1024;

/** Where the newest `lines` lines of the output begin, or what is on disk of them; `lines` is 1 or more. */
export async function positionOfLastLines(
  folder: string,
  lines: number,
  segmentBytes: number = SEGMENT_BYTES,
): Promise<number> {
  const { end, gapStart, gapEnd } = await logExtent(folder, segmentBytes);
  let missing = lines;
  let position = end;
  while (position > 0) {
    const segmentStart = Math.floor((position - 1) / segmentBytes) * segmentBytes;
    const start = Math.max(segmentStart, position - LOG_PIECE_BYTES);
    const piece = await readLog(folder, start, position - start, segmentBytes);
    for (let at = piece.length - 1; at >= 0; at--) {
      if (piece[at] !== 0x0a || start + at === end - 1) continue; // the newline of the last line ends it, no other
      if (--missing === 0) return start + at + 1;
    }
    position = start;
    if (position === gapEnd && gapEnd > gapStart) return position; // what lies before is left out
  }
  return 0;
}
