import type { Bytes } from "../bytes.ts";

/** A content of which somebody takes the beginning, and the rest is read by whoever gave it. */
export class Tap {
  readonly #iterator: AsyncIterator<Buffer>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(content: Bytes) {
    this.#iterator = content[Symbol.asyncIterator]();
  }

  /** Has no `return`: leaving early does not end the content. One call at a time reaches it. */
  [Symbol.asyncIterator](): AsyncIterator<Buffer> {
    const next = () => {
      const result = this.#last.then(() => this.#iterator.next());
      this.#last = result;
      result.catch(() => {});
      return result;
    };
    return { next };
  }

  /** Reads what is left. */
  async drain(): Promise<void> {
    const iterator = this[Symbol.asyncIterator]();
    while (!(await iterator.next()).done);
  }
}
