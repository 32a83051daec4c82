import assert from "node:assert/strict";
import { test } from "node:test";
import { ExpiringCache } from "../src/expiring-cache.ts";

test("an entry ends at its time", () => {
  const clock = { ms: 0 };
  const cache = new ExpiringCache<string>(10, () => clock.ms);
  cache.set("a", "one", 1_000);
  clock.ms = 999;
  assert.equal(cache.get("a"), "one");
  clock.ms = 1_000;
  assert.equal(cache.get("a"), undefined);
  assert.equal(cache.size, 0);
});

test("beyond its size the entry longest unused goes", () => {
  const cache = new ExpiringCache<number>(3, () => 0);
  for (const [i, key] of ["a", "b", "c"].entries()) cache.set(key, i, 1);
  cache.get("a");
  cache.set("d", 3, 1);
  assert.equal(cache.size, 3);
  assert.equal(cache.get("b"), undefined);
  assert.deepEqual(["a", "c", "d"].map((key) => cache.get(key)), [0, 2, 3]);
});

test("an entry that is set again does not push out another", () => {
  const cache = new ExpiringCache<number>(2, () => 0);
  cache.set("a", 0, 1);
  cache.set("b", 1, 1);
  cache.set("a", 2, 1);
  assert.deepEqual([cache.get("a"), cache.get("b")], [2, 1]);
});
