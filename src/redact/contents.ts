/** Takes the secrets out of a content of any kind: a text, or an archive and all that is in it. */
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { type Bytes, through } from "../archive/bytes.ts";
import { CAPS, type Caps, Meter, TooMuchError } from "../archive/look/caps.ts";
import { Tap } from "../archive/look/tap.ts";
import { codeOf } from "../errors.ts";
import { rawPath, rawText } from "../archive/paths.ts";
import { TarError } from "../archive/tar/feeder.ts";
import { tarEnd, tarHeader, tarPadding } from "../archive/tar/format.ts";
import { readTar, type TarEntry } from "../archive/tar/reader.ts";
import { gzipInto, type Sink } from "./gzip-sink.ts";
import { HEAD, type Kind, kindOf } from "./kinds.ts";
import type { Redactor } from "./redactor.ts";
import { Spool } from "./spool.ts";
import { rewriteZip } from "./zip-contents.ts";

/** Unpacked at a time, in bytes. */
const UNPACKED = 64 * 1024;

/** Archives within each other that are opened; one packed tar counts as two. */
export const DEEPEST = 10;

/** A content cannot be looked into and so does not go in; the message says why. */
export class ClosedError extends Error {
  override readonly name = "ClosedError";
}

/** How contents are rewritten. */
export interface Contents {
  redactor: Redactor;
  /** Where what does not fit into memory is put aside. */
  folder: string;
  /** Of gzip and deflate. */
  level: number;
  signal: AbortSignal;
  /** Nothing is written: only the ledger counts. */
  dry?: boolean;
  /** Is told why the outermost tar ends early; what is whole of it is kept then. */
  onCut?: (why: string) => void;
  caps?: Caps;
}

/** Where a content is. */
export interface Place {
  path: string;
  /** Archives around it. */
  depth: number;
}

/** Writes nothing. */
export const NOWHERE: Sink = () => Promise.resolve();

/**
 * Writes `source` to `sink` without its secrets. What is no text and no archive goes through as it is, and is noted. Rejects with
 * a {@linkcode ClosedError} where it is an archive that cannot be opened, is damaged, too deep or a bomb: what was written by
 * then is of no use.
 */
export async function rewrite(
  contents: Contents,
  place: Place,
  source: Bytes,
  sink: Sink,
): Promise<void> {
  const { head, all } = await peek(source);
  const { ledger } = contents.redactor;
  switch (kindOf(head)) {
    case "text": {
      const scanner = contents.redactor.file();
      for await (const piece of all) {
        contents.signal.throwIfAborted();
        for (const out of scanner.push(piece)) await sink(out);
      }
      for (const out of scanner.end()) await sink(out);
      if (scanner.values > 0) ledger.file(shown(contents, place), scanner.values);
      return;
    }
    case "binary":
      ledger.binary(shown(contents, place));
      for await (const piece of all) await sink(piece);
      return;
    case "packed":
      throw new ClosedError("it is packed in a way that is not opened here");
    default:
      return await opened(contents, place, kindOf(head), all, sink);
  }
}

/** As {@linkcode rewrite}, of a small content that is there; undefined where it is an archive. */
export function rewriteWhole(contents: Contents, place: Place, data: Buffer): Buffer | undefined {
  const kind = kindOf(data);
  const { ledger } = contents.redactor;
  if (kind === "binary") {
    ledger.binary(shown(contents, place));
    return data;
  }
  if (kind !== "text") return undefined;
  const scanner = contents.redactor.file();
  const out = scanner.whole(data);
  if (scanner.values > 0) ledger.file(shown(contents, place), scanner.values);
  return out;
}

/** The name that reports have: it has no secret either. */
function shown({ redactor }: Contents, { path }: Place): string {
  return redactor.name(path);
}

async function opened(
  contents: Contents,
  place: Place,
  kind: Kind,
  source: Bytes,
  sink: Sink,
): Promise<void> {
  if (place.depth >= DEEPEST) throw new ClosedError(`it is in more than ${DEEPEST} archives`);
  const within = { ...place, depth: place.depth + 1 };
  try {
    if (kind === "zip") return await zipFrom(contents, within, source, sink);
    if (kind === "tar") return await rewriteTar(contents, within, source, sink);
    const inner = gunzipped(source, contents.caps ?? CAPS);
    if (contents.dry) return await rewrite(contents, within, inner, NOWHERE);
    await gzipInto(sink, contents.level, (write) => rewrite(contents, within, inner, write));
  } catch (error) {
    contents.signal.throwIfAborted();
    throw asClosed(error);
  }
}

async function zipFrom(contents: Contents, place: Place, source: Bytes, sink: Sink): Promise<void> {
  const spool = new Spool(contents.folder);
  try {
    for await (const piece of source) await spool.write(piece);
    await rewriteZip(contents, place, spool, sink);
  } finally {
    await spool.close();
  }
}

async function* gunzipped(source: Bytes, { harmless, ratio, bytes }: Caps): AsyncGenerator<Buffer> {
  let packed = 0;
  let size = 0;
  const counted = async function* () {
    for await (const piece of source) {
      packed += piece.length;
      yield piece;
    }
  };
  for await (const piece of through(counted(), createGunzip({ chunkSize: UNPACKED }))) {
    size += piece.length;
    if (size > bytes || (size > harmless && size > packed * ratio)) {
      throw new ClosedError(
        `it unpacks to more than ${ratio} times its size, which is not allowed`,
      );
    }
    yield piece;
  }
}

/** The system's errors and our own stay; all others are about the archive. */
function asClosed(error: unknown): unknown {
  if (error instanceof ClosedError || !(error instanceof Error)) return error;
  if (error instanceof TooMuchError || error instanceof TarError) {
    return new ClosedError(error.message);
  }
  const code = codeOf(error);
  if (code.startsWith("Z_")) return new ClosedError("it is cut or damaged");
  if (code.startsWith("E") && !code.startsWith("ERR_")) return error;
  return new ClosedError(error.message);
}

/** Rewrites a tar, entry by entry. */
async function rewriteTar(
  contents: Contents,
  place: Place,
  source: Bytes,
  sink: Sink,
): Promise<void> {
  const { signal } = contents;
  let failure: { error: unknown } | undefined;
  const noted = async function* () {
    try {
      yield* source;
    } catch (error) {
      failure = { error };
      throw error;
    }
  };
  const tar = Readable.from(noted(), { objectMode: false });
  tar.on("error", () => {}); // it reaches the reader as well
  // Of its size we know nothing; entries and names are bounded.
  const meter = new Meter({ ...(contents.caps ?? CAPS), ratio: Infinity }, 0);
  try {
    await readTar(tar, async (entry, content) => {
      meter.entry(rawText(entry.name));
      const tap = new Tap(content);
      await tarEntry(contents, place, entry, tap as Bytes, sink);
      await tap.drain();
    }, { signal, count: () => {} });
    if (failure) throw failure.error;
  } catch (error) {
    signal.throwIfAborted();
    const closed = asClosed(failure?.error ?? error);
    if (!contents.onCut || place.path !== "" || !(closed instanceof ClosedError)) throw closed;
    contents.onCut(closed.message);
  }
  await sink(tarEnd());
}

async function tarEntry(
  contents: Contents,
  place: Place,
  entry: TarEntry,
  content: Bytes,
  sink: Sink,
): Promise<void> {
  const { redactor } = contents;
  const path = `${place.path}${place.path === "" ? "" : "!/"}${rawText(entry.name)}`;
  const { kind, mode, mtimeMs } = entry;
  const head = { mode, mtimeMs, name: rawPath(redactor.name(rawText(entry.name))) };
  if (kind === "folder") {
    return await sink(tarHeader({ ...head, kind, link: "", size: 0 }));
  }
  if (kind === "link") {
    const link = rawPath(redactor.name(rawText(entry.link)));
    return await sink(tarHeader({ ...head, kind, link, size: 0 }));
  }
  if (kind !== "file") {
    return redactor.ledger.leaveOut(redactor.name(path), `it is a ${kind}`);
  }
  await putAside(contents, { ...place, path }, content, async (spool) => {
    await sink(tarHeader({ ...head, kind, link: "", size: spool.size }));
    for await (const piece of spool.read()) await sink(piece);
    await sink(tarPadding(spool.size));
  });
}

/** Rewrites an entry of an archive and does `write` with it, or notes why it does not go in. */
export async function putAside(
  contents: Contents,
  place: Place,
  source: Bytes,
  write: (spool: Spool) => Promise<void>,
): Promise<void> {
  const spool = new Spool(contents.folder);
  try {
    await rewrite(contents, place, source, contents.dry ? NOWHERE : spool.write);
    await write(spool);
  } catch (error) {
    if (!(error instanceof ClosedError)) throw error;
    contents.redactor.ledger.leaveOut(shown(contents, place), error.message);
  } finally {
    await spool.close();
  }
}

/** The beginning of a content, and all of it. */
async function peek(source: Bytes): Promise<{ head: Buffer; all: Bytes }> {
  const iterator = source[Symbol.asyncIterator]();
  const pieces: Buffer[] = [];
  let length = 0;
  while (length < HEAD) {
    const next = await iterator.next();
    if (next.done) break;
    pieces.push(next.value);
    length += next.value.length;
  }
  const all = async function* () {
    yield* pieces.splice(0);
    try {
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  };
  return { head: Buffer.concat(pieces), all: all() };
}
