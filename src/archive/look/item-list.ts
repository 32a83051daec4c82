/** A long list of what is in an archive, kept so that the collector of garbage has nothing to do with it. */
import { setImmediate } from "node:timers/promises";
import { Turns } from "../turns.ts";
import type { Item } from "./items.ts";

const TYPES: readonly Item["type"][] = ["file", "folder", "link", "archive"];

/** Numbers of an item, in this order. */
const Field = {
  path: 0,
  pathEnd: 1,
  type: 2,
  size: 3,
  packed: 4,
  modified: 5,
  way: 6,
  wayEnd: 7,
  /** And four more of the place. */
  offset: 8,
} as const;
const FIELDS = 13;

/** Where there is no number. */
const NONE = NaN;

/** How many items are sorted in one go: some 2 ms. */
const RUN = 1024;

/**
 * Items in a few large buffers: 70,000 objects of their own keep the collector, and everybody else, busy for 40 ms at a time
 * (measured). Some 100 bytes and its path each.
 */
export class ItemList implements Iterable<Item> {
  #paths = Buffer.allocUnsafeSlow(64 * 1024);
  #pathsEnd = 0;
  #ways = new Float64Array(1024);
  #waysEnd = 0;
  #fields = new Float64Array(FIELDS * 1024);
  #length = 0;
  /** Where the items are, in their order; undefined where it is that of their coming. */
  #order: Uint32Array | undefined;

  static from(items: Iterable<Item>): ItemList {
    const list = new ItemList();
    for (const item of items) list.add(item);
    return list;
  }

  get length(): number {
    return this.#order?.length ?? this.#length;
  }

  /** Puts one at the end, and gives its place. Not once the list is sorted. */
  add({ path, type, size, packed, modified, place, way }: Item): number {
    const i = this.#length++;
    if (this.#fields.length < this.#length * FIELDS) this.#fields = grown(this.#fields);
    while (this.#ways.length < this.#waysEnd + way.length) this.#ways = grown(this.#ways);
    const most = this.#pathsEnd + 3 * path.length;
    if (this.#paths.length < most) {
      const paths = Buffer.allocUnsafeSlow(Math.max(2 * this.#paths.length, most));
      this.#paths.copy(paths, 0, 0, this.#pathsEnd);
      this.#paths = paths;
    }
    const start = this.#pathsEnd;
    this.#pathsEnd += this.#paths.write(path, start);
    this.#ways.set(way, this.#waysEnd);
    this.#waysEnd += way.length;
    this.#fields.set([
      start,
      this.#pathsEnd,
      TYPES.indexOf(type),
      size,
      packed ?? NONE,
      modified ?? NONE,
      this.#waysEnd - way.length,
      this.#waysEnd,
      place?.offset ?? NONE,
      place?.packed ?? NONE,
      place?.size ?? NONE,
      place?.crc ?? NONE,
      place?.method ?? NONE,
    ], i * FIELDS);
    return i;
  }

  /** Says of one what it is after all. */
  setType(i: number, type: Item["type"]): void {
    this.#fields[this.#at(i) + Field.type] = TYPES.indexOf(type);
  }

  /** Forgets all from a place on. Not once the list is sorted. */
  truncate(length: number): void {
    if (length >= this.#length) return;
    const at = this.#at(length);
    this.#pathsEnd = this.#fields[at + Field.path] ?? 0;
    this.#waysEnd = this.#fields[at + Field.way] ?? 0;
    this.#length = length;
  }

  /** The one at a place that there is. */
  at(i: number): Item {
    const at = this.#at(i);
    const field = (n: number) => this.#fields[at + n] ?? NONE;
    const orNull = (n: number) => Number.isNaN(field(n)) ? null : field(n);
    const { offset } = Field;
    return {
      path: this.pathAt(i),
      type: TYPES[field(Field.type)] ?? "file",
      size: field(Field.size),
      packed: orNull(Field.packed),
      modified: orNull(Field.modified),
      place: Number.isNaN(field(offset)) ? null : {
        offset: field(offset),
        packed: field(offset + 1),
        size: field(offset + 2),
        crc: field(offset + 3),
        method: field(offset + 4),
      },
      way: [...this.#ways.subarray(field(Field.way), field(Field.wayEnd))],
    };
  }

  pathAt(i: number): string {
    const at = this.#at(i);
    return this.#paths.toString("utf8", this.#fields[at], this.#fields[at + Field.pathEnd]);
  }

  *[Symbol.iterator](): Generator<Item> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }

  /** The place of the first whose path is not before `path`, in a sorted list. Paths are in the order of their bytes. */
  placeOf(path: string): number {
    const key = Buffer.from(path);
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = this.#at(middle);
      const [start, end] = [this.#fields[at], this.#fields[at + Field.pathEnd]];
      if (this.#paths.compare(key, 0, key.length, start, end) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The place of the first whose path is behind `path`, in a sorted list. */
  placeBehind(path: string): number {
    const i = this.placeOf(path);
    return i < this.length && this.pathAt(i) === path ? i + 1 : i;
  }

  /** One by its path, in a sorted list. */
  find(path: string): Item | undefined {
    const i = this.placeOf(path);
    return i < this.length && this.pathAt(i) === path ? this.at(i) : undefined;
  }

  /** Sorts by path, and keeps the last of those with the same, as unpacking would. In turns. */
  async sort(): Promise<void> {
    let order = Uint32Array.from({ length: this.#length }, (_, i) => i);
    let other = new Uint32Array(order.length);
    const compare = (a: number, b: number) => this.#compare(a, b) || a - b;
    for (let start = 0; start < order.length; start += RUN) {
      order.subarray(start, start + RUN).sort(compare);
      await setImmediate();
    }
    const turns = new Turns();
    for (let width = RUN; width < order.length; width *= 2) {
      for (let start = 0; start < order.length; start += 2 * width) {
        const middle = Math.min(start + width, order.length);
        const end = Math.min(middle + width, order.length);
        let [i, j] = [start, middle];
        for (let k = start; k < end; k++) {
          const isLeft = j === end || (i < middle && compare(order[i] ?? 0, order[j] ?? 0) < 0);
          other[k] = order[isLeft ? i++ : j++] ?? 0;
          if (turns.isOver) await turns.next();
        }
      }
      [order, other] = [other, order];
    }
    let length = 0;
    for (let i = 0; i < order.length; i++) {
      const [item = 0, next] = [order[i], order[i + 1]];
      if (next === undefined || this.#compare(item, next) !== 0) order[length++] = item;
      if (turns.isOver) await turns.next();
    }
    this.#order = order.slice(0, length);
  }

  #at(i: number): number {
    return (this.#order?.[i] ?? i) * FIELDS;
  }

  #compare(a: number, b: number): number {
    const [x, y, fields] = [a * FIELDS, b * FIELDS, this.#fields];
    const { pathEnd } = Field;
    return this.#paths.compare(
      this.#paths,
      fields[y],
      fields[y + pathEnd],
      fields[x],
      fields[x + pathEnd],
    );
  }
}

function grown(numbers: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * numbers.length);
  larger.set(numbers);
  return larger;
}
