/** Keeps a content until its length is known: in memory where it is small, else in a file without a name. */
import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { closeFd, openFd, readFully, writeFully } from "../archive/fd.ts";

/** Bytes that stay in memory, and that are read at a time. */
const SMALL = 512 * 1024;

/** Takes a content in pieces, and gives it back. Whoever makes one closes it. */
export class Spool {
  readonly #folder: string;
  #pieces: Buffer[] = [];
  #fd: number | undefined;
  size = 0;

  /** @param folder where the file is made, should there be one */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** `piece` may be used again afterwards. Rejects as the file system does. */
  readonly write = async (piece: Buffer): Promise<void> => {
    if (this.#fd === undefined && this.size + piece.length <= SMALL) {
      this.#pieces.push(Buffer.from(piece));
      this.size += piece.length;
      return;
    }
    await this.toFile();
    await writeFully(this.#fd as number, piece, this.size);
    this.size += piece.length;
  };

  /** The descriptor of a file with all that was written; it stays this one's. */
  async toFile(): Promise<number> {
    if (this.#fd !== undefined) return this.#fd;
    const path = join(this.#folder, `.scratch-${randomUUID()}`);
    const flags = constants.O_CREAT | constants.O_EXCL | constants.O_RDWR;
    this.#fd = await openFd(path, flags, 0o600);
    await rm(path, { force: true });
    await writeFully(this.#fd, Buffer.concat(this.#pieces), 0);
    this.#pieces = [];
    return this.#fd;
  }

  /** All of it, in pieces of 512 KiB and the rest. */
  async *read(): AsyncGenerator<Buffer> {
    if (this.#fd === undefined) {
      if (this.size > 0) yield Buffer.concat(this.#pieces);
      return;
    }
    for (let at = 0; at < this.size;) {
      const piece = Buffer.allocUnsafe(Math.min(SMALL, this.size - at));
      const length = await readFully(this.#fd, piece, at);
      if (length === 0) throw new Error("A file that was put aside is shorter than it was");
      at += length;
      yield piece.subarray(0, length);
    }
  }

  /** All of it at once; for what is known to be small. */
  async whole(): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for await (const piece of this.read()) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  async close(): Promise<void> {
    this.#pieces = [];
    if (this.#fd !== undefined) await closeFd(this.#fd);
    this.#fd = undefined;
  }
}
