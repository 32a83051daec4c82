/** Numbers that come again with the same seed, by mulberry32: small, fast, and good enough to keep deflate from seeing a pattern. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to below `limit`, whole. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor(((t ^ (t >>> 14)) >>> 0) / 0x100000000 * limit);
  }

  hex(digits: number): string {
    let text = "";
    while (text.length < digits) text += this.below(0x100000000).toString(16).padStart(8, "0");
    return text.slice(0, digits);
  }

  uid(): string {
    return `${this.hex(8)}-${this.hex(4)}-4${this.hex(3)}-a${this.hex(3)}-${this.hex(12)}`;
  }

  pick(from: readonly string[]): string {
    return from[this.below(from.length)] ?? "";
  }
}
