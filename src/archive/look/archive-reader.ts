/** Looking into archives: what is in one, and one file out of it. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import PQueue from "p-queue";
import { type Bytes, bytesOfFd, bytesOfFile, slice, unpacked } from "../bytes.ts";
import { CAPS, type Caps } from "./caps.ts";
import { codeOf } from "../../errors.ts";
import { closeFd } from "../fd.ts";
import type { ItemList } from "./item-list.ts";
import type { Item } from "./items.ts";
import { readList, writeList } from "./list-file.ts";
import { type Scratch, toScratch } from "./scratch.ts";
import { type Loan, Shelf } from "./shelf.ts";
import { zipEntry } from "../zip/entry.ts";

/** An archive on disk. */
export interface ArchiveFile {
  /** Where it is, and where its list and what is unpacked of it are kept. */
  folder: string;
  /** Its name there. */
  file: string;
  /** What tells it from others. */
  digest: string;
}

/** How much is kept, and for how long. */
export interface ReaderOptions {
  caps?: Caps;
  /** Bytes on disk for files that were unpacked out of tars; a larger file is unpacked each time. */
  scratchBytes?: number;
  /** Milliseconds. */
  idleMs?: number;
}

/** Too many wait for archives to be read. */
export class BusyError extends Error {
  override readonly name = "BusyError";
}

/** By default: less than any archive that is worth the trouble, and gone ten minutes after its last use. */
const SCRATCH_BYTES = 512 * 2 ** 20;
const IDLE_MS = 10 * 60_000;

/** Items of lists that are kept in memory, some 200 bytes each. */
const MOST_ITEMS = 100_000;

/** Archives that are read through at a time: each keeps a thread of libuv's pool busy, and some of the main one. */
const AT_ONCE = 2;

/** How many may wait for that. */
const MOST_WAITING = 100;

const never = new AbortController().signal;

/** Reads archives. What was read through once is kept: lists on disk, those used last in memory; files out of tars for a while. */
export class ArchiveReader {
  readonly #caps: Caps;
  readonly #scratchBytes: number;
  readonly #lists: Shelf<ItemList>;
  readonly #files: Shelf<Scratch>;
  readonly #queue = new PQueue({ concurrency: AT_ONCE });

  constructor({ caps = CAPS, scratchBytes = SCRATCH_BYTES, idleMs = IDLE_MS }: ReaderOptions = {}) {
    this.#caps = caps;
    this.#scratchBytes = scratchBytes;
    this.#lists = new Shelf({ most: MOST_ITEMS, idleMs, weigh: (items) => items.length });
    this.#files = new Shelf({
      most: scratchBytes,
      idleMs,
      weigh: ({ size }) => size,
      dispose: ({ fd }) => void closeFd(fd),
    });
  }

  /**
   * Everything in an archive, sorted by path. Goes on when the caller has gone: the next one has it at once.
   *
   * Rejects as `listArchive` does, and with {@linkcode BusyError}.
   */
  async list(archive: ArchiveFile): Promise<ItemList> {
    const { folder, file, digest } = archive;
    const { thing, release } = await this.#lists.borrow(digest, async () => {
      const kept = await readList(folder, digest);
      if (kept) return kept;
      return await this.#inTurn(async () => {
        const path = join(folder, file);
        const { listArchive } = await import("./list-archive.ts"); // with its readers: when it is used
        const items = await listArchive(path, { signal: never, caps: this.#caps });
        await items.sort();
        await writeList(folder, digest, items);
        return items;
      });
    });
    release(); // it is memory: nothing has to be disposed of
    return thing;
  }

  /**
   * The bytes of one file from `start` to before `end`. Begins with the first `next`; lets go of everything when it ends,
   * breaks, or is left. Rejects when the archive is not what its list says, and with the signal's reason.
   */
  async *content(
    archive: ArchiveFile,
    item: Item,
    start: number,
    end: number,
    signal: AbortSignal,
  ): AsyncGenerator<Buffer> {
    if (item.way.length === 0 || item.size > this.#scratchBytes) {
      yield* slice(await this.#whole(archive, item, signal), start, end);
      return;
    }
    const key = `${archive.digest} ${item.place?.offset ?? ""} ${item.way.join(" ")}`;
    let loan: Loan<Scratch>;
    try {
      loan = await this.#files.borrow(key, () => this.#unpack(archive, item));
    } catch (error) {
      if (!["ENOSPC", "EDQUOT"].includes(codeOf(error))) throw error;
      yield* slice(await this.#whole(archive, item, signal), start, end);
      return;
    }
    try {
      yield* bytesOfFd(loan.thing.fd, start, end, signal);
    } finally {
      loan.release();
    }
  }

  async #unpack(archive: ArchiveFile, item: Item): Promise<Scratch> {
    return await this.#inTurn(async () =>
      await toScratch(archive.folder, await this.#whole(archive, item, never))
    );
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#queue.size >= MOST_WAITING) {
      throw new BusyError("too many archives are being read; try again in a minute");
    }
    return await this.#queue.add(work);
  }

  /** A file from its beginning. */
  async #whole({ folder, file }: ArchiveFile, item: Item, signal: AbortSignal): Promise<Bytes> {
    const path = join(folder, file);
    let bytes: Bytes = item.place
      ? zipEntry(path, item.place, signal)
      : bytesOfFile(path, 0, (await stat(path)).size, signal);
    for (let i = 0; i + 1 < item.way.length; i += 2) {
      bytes = slice(unpacked(bytes), item.way[i] ?? 0, item.way[i + 1] ?? 0);
    }
    return bytes;
  }
}
