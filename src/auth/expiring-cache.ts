interface Entry<T> {
  readonly value: T;
  readonly until: number;
}

/** A bounded map whose entries end by themselves; beyond its size the one longest unused goes. */
export class ExpiringCache<T> {
  readonly #size: number;
  readonly #now: () => number;
  /** In the order of use: the first is the one longest unused. */
  readonly #entries = new Map<string, Entry<T>>();
  /** The key used last: nothing is to be moved for it. */
  #newest: string | undefined;

  /** @param now a clock in milliseconds */
  constructor(size: number, now: () => number) {
    this.#size = size;
    this.#now = now;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const isOver = entry.until <= this.#now();
    if (isOver || key !== this.#newest) this.#entries.delete(key);
    if (isOver) return undefined;
    if (key !== this.#newest) this.#entries.set(key, entry);
    this.#newest = key;
    return entry.value;
  }

  set(key: string, value: T, forMs: number): void {
    this.#entries.delete(key);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size < this.#size) break;
      this.#entries.delete(oldest);
    }
    this.#newest = key;
    this.#entries.set(key, { value, until: this.#now() + forMs });
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}
