/** What is in an archive, as a list sorted by path. */
import { setImmediate } from "node:timers/promises";
import { Turns } from "../turns.ts";
import type { ZipPlace } from "../zip/entry.ts";

/** One thing in an archive. */
export interface Item {
  /** Where it is, with `/` between folders; what is in an archive in the archive stands behind `!/`. */
  path: string;
  type: "file" | "folder" | "link" | "archive";
  /** Bytes; 0 for folders and links. */
  size: number;
  /** Bytes in the archive, where it is packed by itself. */
  packed: number | null;
  /** Milliseconds since 1970. */
  modified: number | null;
  /** Where it, or the archive that it is in, is in a ZIP. */
  place: ZipPlace | null;
  /** Where its content begins in the tar, unpacked, and ends; then where in the tar that this is, … */
  way: readonly number[];
}

/** How many items are sorted in one go: some 2 ms. */
const RUN = 1024;

/**
 * Sorts by path, and keeps the last of those with the same, as unpacking would. In turns: 200,000 paths in one go are half a
 * second without an answer to anybody.
 */
export async function sortItems(items: readonly Item[]): Promise<Item[]> {
  let runs: Item[][] = [];
  for (let start = 0; start < items.length; start += RUN) {
    runs.push(items.slice(start, start + RUN).sort(byPath));
    await setImmediate();
  }
  while (runs.length > 1) {
    const merged: Item[][] = [];
    for (let i = 0; i < runs.length; i += 2) {
      merged.push(await merge(runs[i] ?? [], runs[i + 1] ?? []));
    }
    runs = merged;
  }
  const sorted = runs[0] ?? [];
  const unique: Item[] = [];
  const turns = new Turns();
  for (const [i, item] of sorted.entries()) {
    if (item.path !== sorted[i + 1]?.path) unique.push(item);
    if (turns.isOver) await turns.next();
  }
  return unique;
}

function byPath(a: Item, b: Item): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}

async function merge(a: readonly Item[], b: readonly Item[]): Promise<Item[]> {
  const all: Item[] = [];
  const turns = new Turns();
  let i = 0;
  let j = 0;
  for (;;) {
    const [left, right] = [a[i], b[j]];
    if (left && (!right || left.path <= right.path)) {
      all.push(left);
      i++;
    } else if (right) {
      all.push(right);
      j++;
    } else return all;
    if (turns.isOver) await turns.next();
  }
}

/** The place of the first item whose path is not before `path`. */
function placeOf(items: readonly Item[], path: string): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((items[middle]?.path ?? "") < path) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Finds a thing by its path. */
export function findItem(items: readonly Item[], path: string): Item | undefined {
  const item = items[placeOf(items, path)];
  return item?.path === path ? item : undefined;
}

/** The items whose path begins with `prefix` and comes behind `after`. */
export function* itemsBehind(
  items: readonly Item[],
  prefix: string,
  after: string | undefined,
): Generator<Item> {
  let i = placeOf(items, after !== undefined && after > prefix ? after : prefix);
  if (items[i]?.path === after) i++;
  for (let item = items[i]; item?.path.startsWith(prefix); item = items[++i]) yield item;
}

/**
 * What is directly in a folder or in an archive, sorted by path; `""` is the archive itself. Folders that no entry names are
 * there too. What is deeper is jumped over.
 */
export function childrenOf(items: readonly Item[], folder: string): Item[] {
  const isArchive = findItem(items, folder)?.type === "archive";
  const prefix = folder === "" ? "" : `${folder}${isArchive ? "!/" : "/"}`;
  const children = new Map<string, Item>();
  for (let i = placeOf(items, prefix); i < items.length;) {
    const item = items[i];
    if (!item?.path.startsWith(prefix)) break;
    const slash = item.path.indexOf("/", prefix.length);
    if (slash === -1) {
      if (item.path !== prefix) children.set(item.path, item);
      i++;
      continue;
    }
    const path = item.path.slice(0, slash);
    const isInside = path.endsWith("!") && children.get(path.slice(0, -1))?.type === "archive";
    if (!isInside && !children.has(path)) children.set(path, folderOf(path, item));
    i = placeOf(items, `${path}0`); // the character behind "/"
  }
  return [...children.values()].sort(byPath);
}

function folderOf(path: string, { modified }: Item): Item {
  return { path, type: "folder", size: 0, packed: null, modified, place: null, way: [] };
}
