/**
 * Lets at most `limit` units through at a time, first come first served.
 *
 * Strict order is what keeps the packing free of deadlock: whoever must be written first was also let in first, so it
 * never waits for units that only its own end would free.
 */
export class Gate {
  readonly #limit: number;
  #held = 0;
  #failed = false;
  #reason: unknown;
  #waiting: { units: number; enter: () => void; fail: (reason: unknown) => void }[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Waits for `units`; more than the limit counts as the limit. Rejects once {@link fail} was called. */
  acquire(units: number): Promise<void> {
    if (this.#failed) return Promise.reject(this.#reason);
    if (this.#waiting.length === 0 && this.#fits(units)) {
      this.#held += units;
      return Promise.resolve();
    }
    return new Promise((enter, fail) => this.#waiting.push({ units, enter, fail }));
  }

  /** Gives back what {@link acquire} took. */
  release(units: number): void {
    this.#held -= units;
    for (let next = this.#waiting[0]; next && this.#fits(next.units); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#held += next.units;
      next.enter();
    }
  }

  /** Turns away everybody who waits and everybody to come. */
  fail(reason: unknown): void {
    if (!this.#failed) this.#reason = reason;
    this.#failed = true;
    for (const { fail } of this.#waiting.splice(0)) fail(this.#reason);
  }

  /** One that is larger than the limit goes alone rather than never. */
  #fits(units: number): boolean {
    return this.#held === 0 || this.#held + units <= this.#limit;
  }
}
