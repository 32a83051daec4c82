import assert from "node:assert/strict";
import { test } from "node:test";
import { Lru } from "../src/lru.ts";

test("beyond its size the entry longest unused goes", () => {
  const map = new Lru<string, number>(3);
  for (const [value, key] of ["a", "b", "c"].entries()) map.set(key, value);
  map.get("a"); // used again
  map.set("d", 3);
  assert.deepEqual(["a", "b", "c", "d"].map((key) => map.get(key)), [0, undefined, 2, 3]);
  map.set("a", 4); // set again: none goes
  map.set("e", 5);
  assert.deepEqual(["a", "c", "d", "e"].map((key) => map.get(key)), [4, undefined, 3, 5]);
});

test("an entry that was deleted makes room", () => {
  const map = new Lru<string, number>(1);
  map.set("a", 1);
  map.delete("a");
  map.delete("never there");
  assert.equal(map.get("a"), undefined);
  map.set("b", 2);
  assert.equal(map.get("b"), 2);
});
