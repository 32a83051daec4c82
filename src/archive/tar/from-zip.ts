import { Readable } from "node:stream";
import zlib from "node:zlib";
import StreamZip from "node-stream-zip";
import type { ZipEntry } from "node-stream-zip";
import { PIECE, through } from "../bytes.ts";
import { rawPath } from "../paths.ts";
import { tarEnd, tarHeader, tarPadding } from "./format.ts";
import { zipEntry } from "../zip/entry.ts";

/** A link's target, bytes: Linux follows none that is longer. */
const LONGEST_LINK = 4096;

/** What of an entry a tar needs, and where it is. */
interface Found {
  name: string;
  isFolder: boolean;
  /** st_mode where it was made on unix, else 0. */
  mode: number;
  mtimeMs: number;
  offset: number;
  packed: number;
  size: number;
  crc: number;
  method: number;
}

/**
 * The entries of a ZIP as a tar.gz, in their order in the file and under the names they have there. Nothing is opened before
 * the first byte is asked for; it holds the ZIP's directory and a few pieces in memory. It is destroyed like any stream, and
 * frees everything then; it breaks, and does not end, where the ZIP is damaged.
 */
export function zipToTar(file: string, level: number): Readable {
  const stop = new AbortController();
  const packed = through(tarOf(file, stop.signal), zlib.createGzip({ level, chunkSize: PIECE }));
  const stream = Readable.from(packed, { objectMode: false, highWaterMark: 1 });
  stream.once("close", () => stop.abort());
  return stream;
}

async function* tarOf(file: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  for (const entry of await entriesOf(file)) {
    const { name, isFolder, mtimeMs, size } = entry;
    const isLink = (entry.mode >>> 12) === 0o12 && size <= LONGEST_LINK;
    const head = { name: rawPath(name), mode: entry.mode || (isFolder ? 0o755 : 0o644), mtimeMs };
    if (isFolder) yield tarHeader({ ...head, kind: "folder", link: "", size: 0 });
    else if (isLink) {
      const target: Buffer[] = [];
      for await (const piece of zipEntry(file, entry, signal)) target.push(piece);
      const link = rawPath(Buffer.concat(target));
      yield tarHeader({ ...head, kind: "link", link, size: 0 });
    } else {
      yield tarHeader({ ...head, kind: "file", link: "", size });
      yield* zipEntry(file, entry, signal);
      yield tarPadding(size);
    }
  }
  yield tarEnd();
}

/** The directory of a ZIP, as node-stream-zip reads it. */
function entriesOf(file: string): Promise<Found[]> {
  return new Promise((resolve, reject) => {
    const entries: Found[] = [];
    const zip = new StreamZip({ file, storeEntries: false });
    zip.on("entry", (entry: ZipEntry) => {
      const { name, isDirectory: isFolder, time, offset, compressedSize, size, crc, method } =
        entry;
      const mode = entry.attr >>> 16;
      const place = { offset, packed: compressedSize, size, crc, method };
      entries.push({ name, isFolder, mode, mtimeMs: time, ...place });
    });
    zip.on("ready", () => zip.close(() => resolve(entries.sort((a, b) => a.offset - b.offset))));
    zip.on("error", (error: unknown) => zip.close(() => reject(error)));
  });
}
