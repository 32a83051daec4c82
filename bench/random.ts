/** Text drawn by chance, for files that are made. */
import { Random } from "../test/support/random.ts";

/** Chance that draws text too: the same with the same seed, and good enough to keep deflate from seeing a pattern. */
export class RandomText extends Random {
  hex(digits: number): string {
    let text = "";
    while (text.length < digits) text += this.below(0x100000000).toString(16).padStart(8, "0");
    return text.slice(0, digits);
  }

  uid(): string {
    return `${this.hex(8)}-${this.hex(4)}-4${this.hex(3)}-a${this.hex(3)}-${this.hex(12)}`;
  }

  /** One of them; empty where there is none. */
  oneOf(from: readonly string[]): string {
    return this.pick(from) ?? "";
  }
}
