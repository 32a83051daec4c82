/** Bytes of files as they come: read, unpacked, cut. Each gives a few pieces at a time and lets go of all it holds when it ends. */
import { constants } from "node:fs";
import { pipeline, type Transform } from "node:stream";
import { createGunzip } from "node:zlib";
import { closeFd, openFd, readFully } from "./fd.ts";

/** Bytes, one piece after the other. */
export type Bytes = AsyncIterable<Buffer>;

/** Read at a time, in bytes. */
export const PIECE = 256 * 1024;

/** Unpacked at a time, in bytes: a tar of small files takes some milliseconds of the main thread for so much. */
const UNPACKED = 64 * 1024;

/**
 * The bytes of an open file from `start` to before `end`. Rejects where the file ends before, and with the signal's reason.
 * The caller closes it.
 */
export async function* bytesOfFd(
  fd: number,
  start: number,
  end: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  for (let position = start; position < end;) {
    signal.throwIfAborted();
    const piece = Buffer.allocUnsafeSlow(Math.min(PIECE, end - position));
    const length = await readFully(fd, piece, position);
    if (length === 0) throw new Error("The archive is shorter than it was");
    position += length;
    yield piece.subarray(0, length);
  }
}

/** As {@linkcode bytesOfFd}, of a file that is opened for it. */
export async function* bytesOfFile(
  path: string,
  start: number,
  end: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  signal.throwIfAborted();
  const fd = await openFd(path, constants.O_RDONLY);
  try {
    yield* bytesOfFd(fd, start, end, signal);
  } finally {
    await closeFd(fd);
  }
}

/** What `transform` makes of `source`. Rejects as either does; when it is over, nothing of `source` is still being read. */
export async function* through(source: Bytes, transform: Transform): AsyncGenerator<Buffer> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  pipeline(source, transform, () => resolve()); // what goes wrong reaches the loop below
  try {
    yield* transform as Bytes;
  } finally {
    transform.destroy();
    await over;
  }
}

/** The bytes as they are, or unpacked where they begin as gzip does. */
export async function* unpacked(source: Bytes): AsyncGenerator<Buffer> {
  const iterator = source[Symbol.asyncIterator]();
  const head: Buffer[] = [];
  let length = 0;
  let handedOn = false;
  const all = async function* () {
    try {
      yield* head;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  };
  try {
    while (length < 2) {
      const next = await iterator.next();
      if (next.done) break;
      head.push(next.value);
      length += next.value.length;
    }
    const magic = Buffer.concat(head);
    handedOn = true;
    if (magic[0] === 0x1f && magic[1] === 0x8b) {
      yield* through(all(), createGunzip({ chunkSize: UNPACKED }));
    } else yield* all();
  } finally {
    if (!handedOn) await iterator.return?.();
  }
}

/** The bytes from `start` to before `end`; what is behind them is not read. Rejects where there are not so many. */
export async function* slice(source: Bytes, start: number, end: number): AsyncGenerator<Buffer> {
  if (start >= end) return;
  let position = 0;
  for await (const piece of source) {
    const from = Math.max(0, start - position);
    const to = Math.min(piece.length, end - position);
    if (from < to) yield piece.subarray(from, to);
    position += piece.length;
    if (position >= end) return;
  }
  throw new Error("The archive ends in the middle of this file");
}
