import { createHash } from "node:crypto";
import { readFully } from "./fd.ts";

/** Read at a time, bytes. */
const WINDOW = 1 << 20;

/** Read first: a small file is all in it, and large buffers for small files keep the collector of garbage busy. */
const FIRST_WINDOW = 64 * 1024;

/** A digest as RFC 9530 writes it. */
function formatDigest(base64: string): string {
  return `sha-256=:${base64}:`;
}

/** Reads an open file in order, once, and digests what passes. The caller closes the descriptor. */
export class Cursor {
  readonly #fd: number;
  readonly #signal: AbortSignal;
  readonly #hash = createHash("sha256");
  #window = Buffer.allocUnsafeSlow(FIRST_WINDOW);
  #from = 0;
  #to = 0;
  #position = 0;
  /** The end of the file was read. */
  #isOver = false;

  constructor(fd: number, signal: AbortSignal) {
    this.#fd = fd;
    this.#signal = signal;
  }

  /** Of the first byte not yet taken. */
  get position(): number {
    return this.#position;
  }

  /**
   * The next `length` bytes, at most 1 MiB; they may be overwritten by the next call. Rejects where the file ends before,
   * and with the signal's reason.
   */
  async take(length: number): Promise<Buffer> {
    if (this.#to - this.#from < length) await this.#fill();
    if (this.#to - this.#from < length) await this.#fill(); // the first one brings less
    if (this.#to - this.#from < length) throw new RangeError("the file ends in the middle");
    const taken = this.#window.subarray(this.#from, this.#from + length);
    this.#from += length;
    this.#position += length;
    return taken;
  }

  /** The next `length` bytes, however many, in pieces that stay as they are. */
  async *pieces(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0;) {
      if (this.#from === this.#to) await this.#fill();
      const next = Math.min(left, Math.max(1, this.#to - this.#from));
      yield Buffer.from(await this.take(next));
      left -= next;
    }
  }

  /** Passes over what is left. */
  async skipRest(): Promise<void> {
    for (await this.#fill(); this.#to > this.#from; await this.#fill()) {
      await this.take(this.#to - this.#from);
    }
  }

  /** Of all that was read; once. */
  digest(): string {
    return formatDigest(this.#hash.digest("base64"));
  }

  async #fill(): Promise<void> {
    this.#signal.throwIfAborted();
    if (this.#isOver) return;
    const isFirst = this.#position + this.#to === 0;
    const window = isFirst || this.#window.length === WINDOW
      ? this.#window
      : Buffer.allocUnsafeSlow(WINDOW);
    this.#window.copy(window, 0, this.#from, this.#to);
    this.#window = window;
    this.#to -= this.#from;
    this.#from = 0;
    const room = window.subarray(this.#to);
    const n = await readFully(this.#fd, room, this.#position + this.#to);
    this.#hash.update(room.subarray(0, n));
    this.#to += n;
    this.#isOver = n < room.length;
  }
}
