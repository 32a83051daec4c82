/** Lists what is in a ZIP or a tar, packed or not, and what is in the tars in it. */
import { isUtf8 } from "node:buffer";
import { constants } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { type Bytes, bytesOfFile, unpacked } from "../bytes.ts";
import { CAPS, type Caps, Meter, TooMuchError } from "./caps.ts";
import { UnreadableError } from "../errors.ts";
import { closeFd, openFd, readFully } from "../fd.ts";
import { ItemList } from "./item-list.ts";
import type { Item } from "./items.ts";
import { escapeName } from "../names.ts";
import type { RawPath } from "../paths.ts";
import { Tap } from "./tap.ts";
import { TarError } from "../tar/feeder.ts";
import { zipEntries } from "../zip/directory.ts";
import { Turns } from "../turns.ts";
import { readTar, type TarEntry } from "../tar/reader.ts";
import { zipEntry, type ZipPlace } from "../zip/entry.ts";

/** What counts as an archive in an archive, by its name. */
const NESTED = /\.(?:tar|tar\.gz|tgz)$/;

/** How to list. */
export interface Listing {
  signal: AbortSignal;
  caps?: Caps;
  /**
   * Is shown every entry of the archive itself: what it is, and the beginning of a file. What it leaves of the file is passed
   * over. With it, ZIPs are read to their end too, and their sums compared.
   */
  look?: ((item: Item, content: Bytes) => Promise<void>) | undefined;
}

/** Where a tar is: what stands before its paths, and what leads to it. */
interface Within {
  prefix: string;
  place: ZipPlace | null;
  way: readonly number[];
  depth: number;
}

/**
 * Lists an archive, in the order of its entries; holds a few pieces of it in memory. A tar is read to its end, packed or not,
 * so that one that is cut or damaged anywhere is found out.
 *
 * Rejects with {@linkcode TooMuchError} for a bomb, {@linkcode UnreadableError} for what is no archive or a damaged one, the
 * system's error where the file cannot be read, and the signal's reason.
 */
export async function listArchive(file: string, listing: Listing): Promise<ItemList> {
  const { signal, look } = listing;
  const { size } = await stat(file);
  const meter = new Meter(listing.caps ?? CAPS, size);
  const turns = new Turns();
  try {
    if (await isZip(file)) return await new Lister(file, signal, meter, turns, look).zip();
    const lister = new Lister(file, signal, meter, turns, look);
    return await lister.tar(
      bytesOfFile(file, 0, size, signal),
      { prefix: "", place: null, way: [], depth: 0 },
    );
  } catch (error) {
    signal.throwIfAborted();
    throw asUnreadable(error);
  }
}

async function isZip(file: string): Promise<boolean> {
  const fd = await openFd(file, constants.O_RDONLY);
  try {
    const head = Buffer.alloc(2);
    await readFully(fd, head, 0);
    return head.toString("latin1") === "PK";
  } finally {
    await closeFd(fd);
  }
}

/** The system's errors, and ours, stay what they are; what zlib, tar-stream and node-stream-zip say is about the archive. */
function asUnreadable(error: unknown): unknown {
  if (error instanceof TooMuchError || !(error instanceof Error)) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code?.startsWith("E") && !code.startsWith("ERR_")) return error;
  if (code === "Z_BUF_ERROR") return new UnreadableError("it ends in the middle");
  if (code?.startsWith("Z_")) return new UnreadableError(`it is damaged (${error.message})`);
  if (error instanceof TarError) return new UnreadableError(error.message);
  return new UnreadableError(error.message, { cause: error });
}

class Lister {
  readonly #file: string;
  readonly #signal: AbortSignal;
  readonly #meter: Meter;
  readonly #turns: Turns;
  readonly #look: Listing["look"];
  readonly #items = new ItemList();

  constructor(
    file: string,
    signal: AbortSignal,
    meter: Meter,
    turns: Turns,
    look: Listing["look"],
  ) {
    this.#file = file;
    this.#signal = signal;
    this.#meter = meter;
    this.#turns = turns;
    this.#look = look;
  }

  async tar(source: Bytes, within: Within): Promise<ItemList> {
    let failure: { error: unknown } | undefined;
    // The reader forgives what happens behind the tar's mark; here gzip's sums there count too.
    const noted = async function* () {
      try {
        yield* unpacked(source);
      } catch (error) {
        failure = { error };
        throw error;
      }
    };
    const tar = Readable.from(noted(), { objectMode: false });
    tar.on("error", () => {}); // it reaches the reader as well
    const reading = { signal: this.#signal, count: (bytes: number) => this.#meter.bytes(bytes) };
    await readTar(tar, (entry, content) => this.#take(entry, new Tap(content), within), reading);
    if (failure) throw failure.error;
    return this.#items;
  }

  async #take(entry: TarEntry, content: Tap, within: Within): Promise<void> {
    if (this.#turns.isOver) await this.#turns.next();
    const path = pathOf(entry.name);
    this.#meter.entry(within.prefix + (path ?? ""));
    if (path === undefined) return;
    const { kind } = entry;
    if (kind !== "file" && kind !== "folder" && kind !== "link") return;
    const isFile = kind === "file";
    const item: Item = {
      path: within.prefix + path,
      type: kind,
      size: isFile ? entry.size : 0,
      packed: null,
      modified: timeOf(entry.mtimeMs),
      place: within.place,
      way: isFile ? [...within.way, entry.offset, entry.offset + entry.size] : within.way,
    };
    const i = this.#items.add(item);
    if (isFile && await this.#isArchive(item, content, within.depth)) {
      item.type = "archive";
      this.#items.setType(i, "archive");
    }
    if (within.depth === 0 && within.place === null) await this.#look?.(item, content);
    await content.drain();
  }

  /** Lists an archive in the archive; one that is none, whatever its name says, leaves nothing. */
  async #isArchive(item: Item, content: Tap, depth: number): Promise<boolean> {
    if (!NESTED.test(item.path) || depth >= this.#meter.depth) return false;
    const { length } = this.#items;
    const { place, way, path } = item;
    try {
      await this.tar(content, { prefix: `${path}!/`, place, way, depth: depth + 1 });
      return true;
    } catch (error) {
      if (error instanceof TooMuchError) throw error;
      this.#signal.throwIfAborted();
      this.#items.truncate(length);
      return false;
    }
  }

  async zip(): Promise<ItemList> {
    await zipEntries(this.#file, (entry) => {
      this.#meter.entry(entry.name);
      const path = tidy(entry.name);
      if (path === undefined) return;
      const isLink = (entry.attr >>> 28) === 0o12;
      const { offset, compressedSize: packed, size, crc, method } = entry;
      const isFile = !entry.isDirectory && !isLink;
      if (isFile) this.#meter.bytes(size);
      this.#items.add({
        path,
        type: entry.isDirectory ? "folder" : isLink ? "link" : "file",
        size: isFile ? size : 0,
        packed,
        modified: timeOf(entry.time),
        place: { offset, packed, size, crc, method },
        way: [],
      });
    });
    const { length } = this.#items;
    for (let i = 0; i < length; i++) {
      if (this.#turns.isOver) await this.#turns.next();
      const item = this.#items.at(i);
      if (item.type !== "file" || !item.place) continue;
      const content = () => new Tap(zipEntry(this.#file, item.place as ZipPlace, this.#signal));
      if (this.#look) await lookThrough(content(), (tap) => this.#look?.(item, tap));
      if (!NESTED.test(item.path)) continue;
      const isArchive = await lookThrough(content(), (tap) => this.#isArchive(item, tap, 0));
      if (isArchive) this.#items.setType(i, "archive");
    }
    return this.#items;
  }
}

/** Shows a content and reads what is left of it, so that it is compared with its sums. */
async function lookThrough<T>(tap: Tap, look: (tap: Tap) => T): Promise<Awaited<T>> {
  const result = await look(tap);
  await tap.drain();
  return result;
}

/** A tidy path; undefined for one that is none or leads upwards. */
function pathOf(name: RawPath): string | undefined {
  const bytes = Buffer.from(name, "latin1");
  return tidy(isUtf8(bytes) ? bytes.toString("utf8") : escapeName(bytes));
}

function tidy(text: string): string | undefined {
  const parts = text.split("/").filter((part) => part !== "" && part !== ".");
  return parts.length === 0 || parts.includes("..") ? undefined : parts.join("/");
}

/** What `Date` takes, or null. */
function timeOf(ms: number): number | null {
  return Number.isNaN(new Date(ms).getTime()) ? null : ms;
}
