import { Lru } from "./lru.ts";

interface Entry<T> {
  readonly value: T;
  readonly until: number;
}

/** A bounded map whose entries end by themselves; beyond its size the one longest unused goes. */
export class ExpiringCache<T> {
  readonly #entries: Lru<string, Entry<T>>;
  readonly #now: () => number;

  /** @param now a clock in milliseconds */
  constructor(size: number, now: () => number) {
    this.#entries = new Lru(size);
    this.#now = now;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.until > this.#now()) return entry?.value;
    this.#entries.delete(key);
    return undefined;
  }

  set(key: string, value: T, forMs: number): void {
    this.#entries.set(key, { value, until: this.#now() + forMs });
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}
