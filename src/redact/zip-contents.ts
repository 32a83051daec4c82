/** Takes the secrets out of a ZIP. */
import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { ZipEntry } from "node-stream-zip";
import { CHUNK, Deflater, dictionaryOf } from "../archive/deflate.ts";
import { closeFd, openFd, readFully, writeFully } from "../archive/fd.ts";
import { CAPS, Meter } from "../archive/look/caps.ts";
import { zipEntries } from "../archive/zip/directory.ts";
import { zipEntry } from "../archive/zip/entry.ts";
import { inflateSmall, isSmall } from "../archive/zip/inflate.ts";
import { DEFLATED, type EntryHead, STORED } from "../archive/zip/format.ts";
import { ZipWriter } from "../archive/zip/writer.ts";
import { type Contents, type Place, putAside, rewriteWhole } from "./contents.ts";
import type { Sink } from "./gzip-sink.ts";
import { Spool } from "./spool.ts";

/** Of an entry's flags: it is encrypted. */
const ENCRYPTED = 1;

const WRITE = constants.O_CREAT | constants.O_EXCL | constants.O_RDWR;

/** Rewrites a ZIP that is in `source`: its directory is at its end, so it has to be there whole. */
export async function rewriteZip(
  contents: Contents,
  place: Place,
  source: Spool,
  sink: Sink,
): Promise<void> {
  const file = join(contents.folder, `.scratch-${randomUUID()}.zip`);
  const out = new Spool(contents.folder);
  try {
    const fd = await openFd(file, WRITE, 0o600);
    try {
      let at = 0;
      for await (const piece of source.read()) {
        await writeFully(fd, piece, at);
        at += piece.length;
      }
    } finally {
      await closeFd(fd);
    }
    out.size = await rewriteZipFile(contents, place, file, await out.toFile());
    if (contents.dry) return;
    for await (const piece of out.read()) await sink(piece);
  } finally {
    await rm(file, { force: true });
    await out.close();
  }
}

/** Rewrites the ZIP `file` into the empty file `fd`. Returns its size in bytes. */
export async function rewriteZipFile(
  contents: Contents,
  place: Place,
  file: string,
  fd: number,
): Promise<number> {
  const { redactor, signal, caps = CAPS, dry } = contents;
  const writer = new ZipWriter(fd);
  const deflater = new Deflater(contents.level, 1);
  const meter = new Meter(caps, (await stat(file)).size);
  const entries: ZipEntry[] = [];
  await zipEntries(file, (entry) => {
    meter.entry(entry.name);
    entries.push(entry);
  });
  const source = await openFd(file, constants.O_RDONLY);
  try {
    for (const entry of entries.sort((one, other) => one.offset - other.offset)) {
      signal.throwIfAborted();
      const path = `${place.path}${place.path === "" ? "" : "!/"}${entry.name}`;
      const head = headOf(entry, redactor.name(entry.name));
      if ((entry.flags & ENCRYPTED) !== 0) {
        redactor.ledger.leaveOut(redactor.name(path), "it is encrypted");
        continue;
      }
      meter.bytes(entry.size);
      const at = { ...entry, packed: entry.compressedSize };
      const small = isSmall(at) ? await readSmall(source, entry) : undefined;
      const whole = small && rewriteWhole(contents, { ...place, path }, small);
      if (whole && !dry) await addWhole(writer, deflater, head, whole);
      if (whole) continue;
      await putAside(contents, { ...place, path }, zipEntry(file, at, signal), async (spool) => {
        if (!dry) await addPieces(writer, deflater, head, spool);
      });
    }
  } finally {
    await closeFd(source);
  }
  return dry ? 0 : await writer.close();
}

/** Length of a local header without name and extra fields, and room for those. */
const LOCAL_HEADER = 30;
const EXTRA = 256;

/** The content of a small entry, with one read; undefined where its header is longer than usual. */
async function readSmall(fd: number, entry: ZipEntry): Promise<Buffer | undefined> {
  const { offset, compressedSize: packed, size, crc, method } = entry;
  const bytes = Buffer.allocUnsafe(LOCAL_HEADER + Buffer.byteLength(entry.name) + EXTRA + packed);
  const length = await readFully(fd, bytes, offset);
  if (length < LOCAL_HEADER) return undefined;
  const start = LOCAL_HEADER + bytes.readUInt16LE(26) + bytes.readUInt16LE(28);
  if (start + packed > length || (method !== STORED && method !== DEFLATED)) return undefined;
  return await inflateSmall(bytes.subarray(start, start + packed), { packed, size, crc, method });
}

async function addWhole(
  writer: ZipWriter,
  deflater: Deflater,
  head: EntryHead,
  data: Buffer,
): Promise<void> {
  const sums = { crc: crc32(data), size: data.length };
  if (data.length === 0) {
    return await writer.add(head, { ...sums, method: STORED, packed: 0 }, data);
  }
  const packed = await deflater.deflate(data, true);
  await writer.add(head, { ...sums, method: DEFLATED, packed: packed.length }, packed);
}

async function addPieces(
  writer: ZipWriter,
  deflater: Deflater,
  head: EntryHead,
  spool: Spool,
): Promise<void> {
  await writer.begin(head, DEFLATED);
  let crc = 0;
  let dictionary: Buffer | undefined;
  let done = 0;
  for await (const piece of inChunks(spool)) {
    crc = crc32(piece, crc);
    done += piece.length;
    await writer.data(await deflater.deflate(piece, done === spool.size, dictionary));
    dictionary = dictionaryOf(piece);
  }
  await writer.end(crc, done);
}

/** At least one piece, so that an empty file is deflated as well. */
async function* inChunks(spool: Spool): AsyncGenerator<Buffer> {
  if (spool.size === 0) yield Buffer.alloc(0);
  for await (const piece of spool.read()) {
    for (let at = 0; at < piece.length; at += CHUNK) yield piece.subarray(at, at + CHUNK);
  }
}

function headOf(entry: ZipEntry, name: string): EntryHead {
  const mode = entry.attr >>> 16;
  const kind = entry.isDirectory ? 0o40755 : 0o100644;
  return { name: Buffer.from(name), mode: mode || kind, mtimeMs: entry.time, zip64: true };
}
