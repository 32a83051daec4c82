import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccessCheck } from "../../src/auth/access.ts";
import { letInBefore } from "../../src/auth/middleware.ts";

/** Knows these tokens; counts how often it makes a key of one. */
function stage(known: Set<string>) {
  let made = 0;
  const access: AccessCheck = {
    check: () => assert.fail("nobody is to be asked"),
    keyOf: (token) => (made++, `key of ${token}`),
    isKnown: (key) => [...known].some((token) => key === `key of ${token}`),
    close: () => {},
    counts: { asked: new Map(), hits: 0 },
  };
  const welcomed: string[] = [];
  const isWelcome = letInBefore(access, (token) => welcomed.push(token));
  return { isWelcome, welcomed, made: () => made };
}

test("each request is judged by its own header, whoever came on the connection before", () => {
  const known = new Set(["good", "better"]);
  const { isWelcome, welcomed, made } = stage(known);
  const [one, other] = [{}, {}];
  assert.equal(isWelcome("Bearer good", one), true);
  assert.equal(isWelcome("Bearer good", one), true);
  assert.equal(made(), 1, "the same on the same connection is read once");
  assert.equal(isWelcome("Bearer bad", one), false);
  assert.equal(isWelcome(undefined, one), false);
  assert.equal(isWelcome("Basic good", one), false);
  assert.equal(isWelcome("Bearer better", one), true);
  assert.equal(isWelcome("Bearer good", one), true);
  assert.equal(isWelcome("Bearer bad", other), false);
  assert.deepEqual(welcomed, ["good", "good", "better", "good"]);
});

test("who is known no more is not let in, on the same connection either", () => {
  const known = new Set(["good"]);
  const { isWelcome } = stage(known);
  const connection = {};
  assert.equal(isWelcome("Bearer good", connection), true);
  known.delete("good");
  assert.equal(isWelcome("Bearer good", connection), false);
});
