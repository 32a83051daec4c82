/** Lists of what is in an archive. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ItemList } from "../../../src/archive/look/item-list.ts";
import { childrenOf, type Item } from "../../../src/archive/look/items.ts";

function item(path: string, type: Item["type"] = "file", size = 1): Item {
  return { path, type, size, packed: null, modified: null, place: null, way: [] };
}

/** A sorted list. */
async function sorted(items: Item[]): Promise<ItemList> {
  const list = ItemList.from(items);
  await list.sort();
  return list;
}

const paths = (items: Iterable<Item>) => [...items].map(({ path, type }) => [path, type]);

test("a long list is sorted, and the last of the same path is kept", async () => {
  const items = Array.from({ length: 20_000 }, (_, n) => item(`${(n * 7919) % 19_993}`, "file", n));
  const list = await sorted(items);
  const expected = [...new Set(items.map(({ path }) => path))].sort();
  assert.deepEqual([...list].map(({ path }) => path), expected);
  assert.equal(list.length, expected.length);
  assert.equal(list.find("0")?.size, 19_993);
  assert.equal(list.find("nothing"), undefined);
  assert.deepEqual([...await sorted([])], []);
});

test("what is directly in a folder, named by an entry or not, and in an archive", async () => {
  const items = await sorted([
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
  assert.deepEqual(paths(await childrenOf(items, "")), [
    ["a", "folder"],
    ["a-b", "file"],
    ["b.tar.gz", "archive"],
    ["odd!", "folder"],
  ]);
  assert.deepEqual(paths(await childrenOf(items, "a")), [["a/1", "file"], ["a/2", "folder"]]);
  assert.deepEqual(paths(await childrenOf(items, "a/2")), [["a/2/deep", "file"], [
    "a/2/deep2",
    "file",
  ]]);
  assert.deepEqual(paths(await childrenOf(items, "b.tar.gz")), [
    ["b.tar.gz!/in", "folder"],
    ["b.tar.gz!/y", "file"],
  ]);
  assert.deepEqual(paths(await childrenOf(items, "b.tar.gz!/in")), [["b.tar.gz!/in/x", "file"]]);
  assert.deepEqual(paths(await childrenOf(items, "nothing")), []);
});

test("the places of paths, in the order of their bytes", async () => {
  const items = await sorted(
    ["a", "ab/c", "ab/d", "ac", "\u{1f4a9}", "\uff5e"].map((path) => item(path)),
  );
  const places = (of: (path: string) => number) => ["", "a", "ab", "ab/c", "b", "z"].map(of);
  assert.deepEqual(places((path) => items.placeOf(path)), [0, 0, 1, 1, 4, 4]);
  assert.deepEqual(places((path) => items.placeBehind(path)), [0, 1, 1, 2, 4, 4]);
  assert.deepEqual([items.pathAt(4), items.pathAt(5)], ["\uff5e", "\u{1f4a9}"]);
});

test("items come back as they were, also from a list that was cut and went on", () => {
  const place = { offset: 2 ** 33, packed: 5, size: 6, crc: 0xffffffff, method: 8 };
  const items: Item[] = [
    item("ünï/\u{1f4a9}", "folder", 0),
    { ...item("b", "link"), packed: 0, modified: -1, place },
    { ...item("c".repeat(100_000)), way: [1, 2, 2 ** 40, 4] },
  ];
  const list = ItemList.from(items);
  assert.deepEqual([...list], items);
  list.truncate(1);
  list.add({ ...item("d"), way: [7, 8] });
  list.setType(1, "archive");
  assert.deepEqual([...list], [items[0], { ...item("d", "archive"), way: [7, 8] }]);
});
