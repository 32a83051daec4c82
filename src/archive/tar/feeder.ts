/** What was read is no tar, or a damaged one, or one made to do harm; the message says which. */
export class TarError extends Error {}

/** Headers and contents of a tar fill whole blocks of so many bytes. */
const BLOCK = 512;

/** The headers that lengthen others, by their letter: those of POSIX (`x`, `g`) and of GNU (`L`, `K`, `N`). */
const EXTENDED = /[xgLKN]/;

/**
 * The longest extended header, in bytes. The tars that we ask for hold two paths there, at most 4 KiB each; tar-stream takes
 * 4 MiB, and with a general header (`g`) of that size it needs 2.7 s for every entry that follows (measured).
 */
const LONGEST_EXTENDED = 16 * 1024;

/**
 * Hands a tar to a parser so that every header is seen before the parser sees it: headers one block at a time, contents as
 * they come. The parser must have dealt with a piece when `write` resolves, and tell of contents by {@link contentFollows}.
 */
export class TarFeeder {
  readonly #write: (data: Buffer) => Promise<void>;
  #block = Buffer.allocUnsafe(BLOCK);
  #filled = 0;
  /** What is left of the content of the entry at hand, with what fills its last block. */
  #content = 0;
  #padding = 0;
  /** Empty blocks one after the other, where a header is expected: two end a tar, and nothing counts behind them. */
  #empty = 0;
  #position = 0;

  constructor(write: (data: Buffer) => Promise<void>) {
    this.#write = write;
  }

  /** Bytes of the tar that were handed over: when the parser tells of an entry, its content begins there. */
  get position(): number {
    return this.#position;
  }

  /** Whether the mark at the tar's end has come. */
  get whole(): boolean {
    return this.#empty > 0;
  }

  /** Whether more of the content of the entry at hand is to come. */
  get isInside(): boolean {
    return this.#content > this.#padding;
  }

  /** The header just written is followed by so many bytes. */
  contentFollows(size: number): void {
    this.#content = Math.ceil(size / BLOCK) * BLOCK;
    this.#padding = this.#content - size;
  }

  /** Takes a piece of any length. Rejects with a {@link TarError} for a header that is not to be parsed. */
  async feed(piece: Buffer): Promise<void> {
    for (let at = 0; at < piece.length && this.#empty < 2;) {
      if (this.#content > 0) {
        const length = Math.min(this.#content, piece.length - at);
        this.#content -= length;
        this.#position += length;
        await this.#write(piece.subarray(at, at += length));
        continue;
      }
      const length = piece.copy(this.#block, this.#filled, at);
      at += length;
      this.#filled += length;
      if (this.#filled === BLOCK) await this.#header();
    }
  }

  async #header(): Promise<void> {
    const block = this.#block;
    this.#block = Buffer.allocUnsafe(BLOCK);
    this.#filled = 0;
    this.#position += BLOCK;
    if (block.every((byte) => byte === 0)) {
      this.#empty++;
      return;
    }
    this.#empty = 0;
    if (EXTENDED.test(block.toString("latin1", 156, 157))) {
      // The whole field, so that the parser cannot read another number out of it than we do.
      const [, octal] = /^ *([0-7]+)[ \0]*$/.exec(block.toString("latin1", 124, 136)) ?? [];
      const size = Number.parseInt(octal ?? "", 8);
      if (!(size > 0 && size <= LONGEST_EXTENDED)) {
        throw new TarError("the tar has an extended header that is empty, too long or damaged");
      }
      this.contentFollows(size);
    }
    await this.#write(block);
  }
}
