import { syncFd, truncateFd, writeFully } from "../fd.ts";
import { centralRecord, endRecords, localHeader } from "./format.ts";
import type { EntryHead, EntrySums } from "./format.ts";
import type { WholeEntry } from "./local-headers.ts";
import { Turns } from "../turns.ts";

/** Small pieces are gathered into writes of this many bytes; from a quarter of it on, a piece is written as it is. */
const STAGE = 1 << 20;

/** It begins so small, bytes, and doubles: most of a small archive's would never be used, and still count as garbage. */
const FIRST_STAGE = 64 * 1024;

/** The central directory is kept in blocks of this many bytes: a record for itself would cost as much again. */
const BLOCK = 256 * 1024;

/** The first of them: bytes. */
const FIRST_BLOCK = 16 * 1024;

const NOTHING_YET = { crc: 0, size: 0, packed: 0 } as const;

interface OpenEntry {
  head: EntryHead;
  method: EntrySums["method"];
  offset: number;
  packed: number;
}

/**
 * Writes a ZIP into an empty file, one entry after the other. It does not compress, it does not close the descriptor, and
 * it takes one call at a time. Every method rejects as write(2) does, and the file is then of no use but for {@link rollBack}.
 *
 * What is written before {@link close} can be read from its local headers alone: they hold the true sums, and that of an
 * entry which is not whole has no signature.
 */
export class ZipWriter {
  readonly #fd: number;
  #stage = Buffer.allocUnsafeSlow(FIRST_STAGE);
  #staged = 0;
  /** Where in the file the stage begins. */
  #flushed = 0;
  #open: OpenEntry | undefined;
  /** Where the last whole entry ends. */
  #end = 0;
  readonly #blocks: Buffer[] = [];
  #blockUsed = 0;
  #entries = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Entries that are whole. */
  get entries(): number {
    return this.#entries;
  }

  get #position(): number {
    return this.#flushed + this.#staged;
  }

  /** Goes on behind entries that are in the file, in their order, and cuts off what is behind them. */
  async resume(entries: Iterable<WholeEntry>): Promise<void> {
    const turns = new Turns();
    for (const { head, sums, offset, end } of entries) {
      this.#remember(centralRecord(head, sums, offset));
      this.#end = this.#flushed = end;
      if (turns.isOver) await turns.next();
    }
    await truncateFd(this.#fd, this.#end);
  }

  /** Adds an entry of which all is known. `data` may be used again afterwards. */
  async add(head: EntryHead, sums: EntrySums, data: Buffer): Promise<void> {
    const offset = this.#position;
    await this.#append(localHeader(head, sums));
    await this.#append(data);
    this.#remember(centralRecord(head, sums, offset));
    this.#end = this.#position;
  }

  /** Begins an entry that comes in pieces: then {@link data} for each, and {@link end} or {@link drop}. */
  async begin(head: EntryHead, method: EntrySums["method"]): Promise<void> {
    this.#open = { head, method, offset: this.#position, packed: 0 };
    const header = localHeader(head, { ...NOTHING_YET, method });
    header.fill(0, 0, 4); // data that looks like a header must not be taken for the next one, were this one left so
    await this.#append(header);
  }

  /** `data` may be used again afterwards. */
  async data(data: Buffer): Promise<void> {
    if (this.#open) this.#open.packed += data.length;
    await this.#append(data);
  }

  /** Writes the sums into the local header. */
  async end(crc: number, size: number): Promise<void> {
    const open = this.#open;
    if (!open) throw new Error("Cannot end an entry: none was begun");
    this.#open = undefined;
    const { head, method, offset, packed } = open;
    const sums = { method, crc, size, packed };
    const header = localHeader(head, sums);
    const staged = offset - this.#flushed;
    // What is appended in one piece is flushed in one piece, so a header is all in the stage or all in the file.
    if (staged >= 0) header.copy(this.#stage, staged);
    else await writeFully(this.#fd, header, offset);
    this.#remember(centralRecord(head, sums, offset));
    this.#end = this.#position;
  }

  /** Forgets the entry that was begun, and cuts off what of it is in the file: it may look like anything. */
  async drop(): Promise<void> {
    if (!this.#open) return;
    this.#open = undefined;
    const written = this.#flushed;
    this.#goBack();
    if (this.#flushed < written) await truncateFd(this.#fd, this.#flushed);
  }

  /** Resolves when all that is in is on the disk, with its length in bytes. */
  async sync(): Promise<number> {
    await this.#flush();
    await syncFd(this.#fd);
    return this.#flushed;
  }

  /** After a failure to write: gives back all room but that of whole entries. Then the file can still be closed. */
  async rollBack(): Promise<void> {
    this.#open = undefined;
    this.#goBack();
    await truncateFd(this.#fd, this.#flushed);
  }

  #goBack(): void {
    this.#staged = Math.max(0, this.#end - this.#flushed);
    this.#flushed = Math.min(this.#end, this.#flushed);
  }

  /** Writes the central directory and cuts the file there. Returns its size. */
  async close(): Promise<number> {
    const offset = this.#position;
    for (const [i, block] of this.#blocks.entries()) {
      await this.#append(
        i === this.#blocks.length - 1 ? block.subarray(0, this.#blockUsed) : block,
      );
    }
    await this.#append(endRecords(this.#entries, this.#position - offset, offset));
    await this.#flush();
    await truncateFd(this.#fd, this.#flushed);
    return this.#flushed;
  }

  #remember(record: Buffer): void {
    this.#entries++;
    for (let at = 0; at < record.length;) {
      let block = this.#blocks.at(-1);
      if (!block || this.#blockUsed === block.length) {
        this.#blocks.push(block = Buffer.allocUnsafeSlow(block ? BLOCK : FIRST_BLOCK));
        this.#blockUsed = 0;
      }
      const n = record.copy(block, this.#blockUsed, at);
      this.#blockUsed += n;
      at += n;
    }
  }

  async #append(data: Buffer): Promise<void> {
    if (data.length >= STAGE / 4) {
      await this.#flush();
      await writeFully(this.#fd, data, this.#flushed);
      this.#flushed += data.length;
      return;
    }
    if (this.#staged + data.length > STAGE) await this.#flush();
    this.#makeRoom(this.#staged + data.length);
    this.#staged += data.copy(this.#stage, this.#staged);
  }

  #makeRoom(bytes: number): void {
    if (bytes <= this.#stage.length) return;
    let length = this.#stage.length;
    while (length < bytes) length *= 2;
    const stage = Buffer.allocUnsafeSlow(length);
    this.#stage.copy(stage, 0, 0, this.#staged);
    this.#stage = stage;
  }

  async #flush(): Promise<void> {
    await writeFully(this.#fd, this.#stage.subarray(0, this.#staged), this.#flushed);
    this.#flushed += this.#staged;
    this.#staged = 0;
  }
}
