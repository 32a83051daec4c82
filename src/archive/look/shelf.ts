/** Things that are dear to make and are kept for a while, so much of them and no more. */

/** How a shelf keeps things. */
export interface ShelfOptions<T> {
  /** What all of it may weigh; the thing used last is kept whatever it weighs. */
  most: number;
  /** A thing that was not used for so long goes: milliseconds. */
  idleMs: number;
  weigh: (thing: T) => number;
  /** Called once nobody uses a thing that has gone. */
  dispose?: (thing: T) => void;
}

/** A thing that somebody uses. It stays what it is until `release`, which has to be called. */
export interface Loan<T> {
  thing: T;
  release: () => void;
}

interface Place<T> {
  making: Promise<T>;
  weight: number;
  users: number;
  /** It is not on the shelf any more: the last user disposes of it. */
  gone: boolean;
  timer: NodeJS.Timeout | undefined;
}

/** Makes a thing once, however many ask for it meanwhile, and keeps those used last. */
export class Shelf<T> {
  readonly #options: ShelfOptions<T>;
  readonly #places = new Map<string, Place<T>>();

  constructor(options: ShelfOptions<T>) {
    this.#options = options;
  }

  /** Rejects as `make` does; then the next one to ask makes it again. */
  async borrow(key: string, make: () => Promise<T>): Promise<Loan<T>> {
    const place = this.#places.get(key) ?? this.#begin(key, make);
    this.#places.delete(key);
    this.#places.set(key, place); // the last is the one used last
    place.users++;
    clearTimeout(place.timer);
    try {
      const thing = await place.making;
      let released = false;
      return {
        thing,
        release: () => {
          if (released) return;
          released = true;
          this.#leave(key, place, thing);
        },
      };
    } catch (error) {
      place.users--;
      throw error;
    }
  }

  #begin(key: string, make: () => Promise<T>): Place<T> {
    const place = { making: make(), weight: 0, users: 0, gone: false, timer: undefined };
    place.making.then((thing) => {
      place.weight = this.#options.weigh(thing);
      this.#trim();
    }, () => {
      if (this.#places.get(key) === place) this.#places.delete(key);
    });
    return place;
  }

  #leave(key: string, place: Place<T>, thing: T): void {
    if (--place.users > 0) return;
    if (place.gone) return this.#options.dispose?.(thing);
    place.timer = setTimeout(() => this.#remove(key, place), this.#options.idleMs).unref();
  }

  #trim(): void {
    let weight = 0;
    for (const place of this.#places.values()) weight += place.weight;
    for (const [key, place] of [...this.#places].slice(0, -1)) {
      if (weight <= this.#options.most) return;
      weight -= place.weight;
      if (place.weight > 0) this.#remove(key, place);
    }
  }

  #remove(key: string, place: Place<T>): void {
    clearTimeout(place.timer);
    this.#places.delete(key);
    place.gone = true;
    if (place.users === 0) void place.making.then((thing) => this.#options.dispose?.(thing));
  }
}
