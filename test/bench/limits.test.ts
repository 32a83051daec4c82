import assert from "node:assert/strict";
import { test } from "node:test";
import { type Compared, ratioOf, tooDear } from "../../bench/support/limits.ts";

const poll: Compared = { name: "a poll", unit: "µs", ours: [33, 30, 90], bare: [20, 25], limit: 2 };

test("the cheapest rounds are compared, so that one the machine slowed down does not count", () => {
  assert.equal(ratioOf(poll), 1.5);
  assert.deepEqual(tooDear([poll]), []);
});

test("what passes its limit is told, with how much", () => {
  const slow = { ...poll, name: "a list", ours: [60, 100] };
  assert.deepEqual(tooDear([poll, slow]), [
    "a list costs 3.00 times its comparison, 1.50 times the limit of 2",
  ]);
});

test("what could not be measured does not pass for cheap", () => {
  assert.equal(tooDear([{ ...poll, ours: [NaN] }]).length, 1);
});
