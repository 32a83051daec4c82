/** A list that keeps its first `limit` items and counts the rest, so that a hostile tree cannot grow it for ever. */
export class Bounded<T> {
  readonly items: T[] = [];
  readonly #limit: number;
  /** All that were added, kept or not. */
  total = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(item: T): void {
    this.total++;
    if (this.items.length < this.#limit) this.items.push(item);
  }
}
