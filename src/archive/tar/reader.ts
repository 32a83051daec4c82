import type { Readable } from "node:stream";
import { extract, type ExtractEvents, type Header } from "tar-stream";
import { rawPath } from "../paths.ts";
import type { RawPath } from "../paths.ts";
import { TarError, TarFeeder } from "./feeder.ts";

/** What one header of a tar says. Nothing of it is checked: a tar may claim anything. */
export interface TarEntry {
  name: RawPath;
  kind: "file" | "folder" | "link" | "hard link" | "device" | "fifo" | "sparse file" | "unknown";
  /** Bytes that follow, and where in the tar they begin. */
  size: number;
  offset: number;
  mode: number;
  /** NaN where the header holds no time. */
  mtimeMs: number;
  /** Where a link or a hard link points; `""` for all others. */
  link: RawPath;
}

/** The stream ended before the tar did. */
export class TarEndedEarly extends TarError {}

export interface TarReading {
  signal: AbortSignal;
  /** Told of every piece that comes in, before it is read; what it throws ends the reading. */
  count: (bytes: number) => void;
}

type Content = ExtractEvents["entry"][1];

/**
 * Names as bytes: tar-stream's types do not know of that. One byte in hand is enough to make it ask for a pause, so that
 * a piece has been dealt with when the next one is written.
 */
const PARSING = { filenameEncoding: "latin1", highWaterMark: 1 };

const KINDS: Readonly<Record<string, TarEntry["kind"]>> = {
  "file": "file",
  "contiguous-file": "file",
  "directory": "folder",
  "symlink": "link",
  "link": "hard link",
  "character-device": "device",
  "block-device": "device",
  "fifo": "fifo",
};

/**
 * Reads a tar and gives each entry to `take`, one after the other, with what follows its header; what `take` leaves is
 * passed over. Holds a few pieces of the stream in memory, whatever is in it.
 *
 * Resolves once the mark at the tar's end has come and the stream has ended, or `signal` or `count` end it behind the
 * mark. Rejects with what `take` or `count` throws, with the signal's reason, with {@link TarEndedEarly}, and with
 * {@link TarError} for what is no tar. Either way `take` is not running any more and `source` is destroyed.
 */
export async function readTar(
  source: Readable,
  take: (entry: TarEntry, content: AsyncIterable<Buffer>) => Promise<void>,
  { signal, count }: TarReading,
): Promise<void> {
  let failure: { error: unknown } | undefined;
  let taking: Promise<void> = Promise.resolve();
  let last: Content | undefined;
  let closed = false;
  let wake = (): void => {};

  const parser = extract(PARSING);
  parser.on("drain", () => wake());
  parser.on("error", (error) => failure ??= { error: new TarError(describe(error)) });
  parser.on("close", () => {
    closed = true;
    wake();
  });
  const feeder = new TarFeeder(async (data) => {
    if (closed || parser.write(data)) return;
    await new Promise<void>((resolve) => wake = resolve);
  });
  parser.on("entry", (headers, content, next) => {
    const entry = entryOf(headers, feeder.position);
    // tar-stream takes a folder to have no content, and never ends the stream of one that claims some.
    const size = headers.type === "directory" ? 0 : entry.size;
    content.on("error", () => {});
    feeder.contentFollows(size);
    if (typeof size !== "number") { // not octal and not binary: tar-stream would wait for ever
      failure ??= { error: new TarError("the tar is damaged: an entry has no size") };
      return next(new Error());
    }
    last = content;
    taking = take(entry, content as unknown as AsyncIterable<Buffer>).then(async () => {
      if (size > 0) await passOver(content);
      next();
    }).catch((error: unknown) => {
      failure ??= { error };
      next(new Error());
    });
  });

  // Behind the mark at the end nothing is missing, whatever happens to the stream.
  const fail = (error: unknown): void => {
    if (!feeder.whole) failure ??= { error };
  };
  const stop = (): void => {
    fail(signal.reason);
    parser.destroy();
    source.destroy();
  };
  signal.addEventListener("abort", stop);
  try {
    signal.throwIfAborted();
    for await (const piece of source as AsyncIterable<Buffer>) {
      count(piece.length);
      await feeder.feed(piece);
      if (failure) break;
    }
    if (!failure && !feeder.whole) {
      fail(new TarEndedEarly("the stream ended before the tar did"));
      if (feeder.isInside) last?.push(null); // what is in hand is still taken
      await taking;
    }
  } catch (error) {
    fail(error);
  } finally {
    signal.removeEventListener("abort", stop);
    if (failure) parser.destroy();
    source.destroy();
    await taking;
    parser.destroy();
  }
  if (failure) throw failure.error;
}

/** Reads to the end what nobody wanted. */
async function passOver(content: Content): Promise<void> {
  if (content.destroyed) return;
  await new Promise<void>((resolve) => {
    content.once("close", resolve);
    content.resume();
  });
}

function entryOf(headers: Header, offset: number): TarEntry {
  const pax = (headers.pax ?? {}) as Readonly<Record<string, string>>;
  const isSparse = Object.keys(pax).some((key) => key.startsWith("GNU.sparse."));
  return {
    // A name from an extended header is text, one from a plain header bytes.
    name: pax["path"] ? rawPath(pax["path"]) : headers.name,
    kind: isSparse ? "sparse file" : KINDS[headers.type ?? ""] ?? "unknown",
    size: headers.size,
    offset,
    mode: headers.mode,
    mtimeMs: headers.mtime.getTime(),
    link: pax["linkpath"] ? rawPath(pax["linkpath"]) : headers.linkname ?? "",
  };
}

function describe(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return /^invalid (tar )?header/i.test(text) ? "what came is no tar, or a damaged one" : text;
}
