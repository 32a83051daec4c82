/** Lists of what is in an archive. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  childrenOf,
  findItem,
  type Item,
  itemsBehind,
  sortItems,
} from "../../../src/archive/look/items.ts";

function item(path: string, type: Item["type"] = "file", size = 1): Item {
  return { path, type, size, packed: null, modified: null, place: null, way: [] };
}

const paths = (items: Iterable<Item>) => [...items].map(({ path, type }) => [path, type]);

test("a long list is sorted, and the last of the same path is kept", async () => {
  const items = Array.from({ length: 20_000 }, (_, n) => item(`${(n * 7919) % 19_993}`, "file", n));
  const sorted = await sortItems(items);
  const expected = [...new Set(items.map(({ path }) => path))].sort();
  assert.deepEqual(sorted.map(({ path }) => path), expected);
  assert.equal(findItem(sorted, "0")?.size, 19_993);
  assert.equal(findItem(sorted, "nothing"), undefined);
  assert.deepEqual(await sortItems([]), []);
});

test("what is directly in a folder, named by an entry or not, and in an archive", async () => {
  const items = await sortItems([
    item("a", "folder"),
    item("a-b"),
    item("a/1"),
    item("a/2/deep"),
    item("a/2/deep2"),
    item("b.tar.gz", "archive"),
    item("b.tar.gz!/in/x"),
    item("b.tar.gz!/y"),
    item("odd!/z"),
  ]);
  assert.deepEqual(paths(childrenOf(items, "")), [
    ["a", "folder"],
    ["a-b", "file"],
    ["b.tar.gz", "archive"],
    ["odd!", "folder"],
  ]);
  assert.deepEqual(paths(childrenOf(items, "a")), [["a/1", "file"], ["a/2", "folder"]]);
  assert.deepEqual(paths(childrenOf(items, "a/2")), [["a/2/deep", "file"], ["a/2/deep2", "file"]]);
  assert.deepEqual(paths(childrenOf(items, "b.tar.gz")), [
    ["b.tar.gz!/in", "folder"],
    ["b.tar.gz!/y", "file"],
  ]);
  assert.deepEqual(paths(childrenOf(items, "b.tar.gz!/in")), [["b.tar.gz!/in/x", "file"]]);
  assert.deepEqual(paths(childrenOf(items, "nothing")), []);
});

test("what begins with a prefix, from a place on", async () => {
  const items = await sortItems(["a", "ab/c", "ab/d", "ac", "b"].map((path) => item(path)));
  const list = (prefix: string, after?: string) =>
    [...itemsBehind(items, prefix, after)].map(({ path }) => path);
  assert.deepEqual(list("a"), ["a", "ab/c", "ab/d", "ac"]);
  assert.deepEqual(list("ab/"), ["ab/c", "ab/d"]);
  assert.deepEqual(list("a", "ab/c"), ["ab/d", "ac"]);
  assert.deepEqual(list("ab/", "zz"), []);
});
