import assert from "node:assert/strict";
import { test } from "node:test";
import { Gate } from "../../src/archive/gate.ts";

/** Takes `units` and writes down when that was allowed. */
function enter(gate: Gate, units: number, into: number[]): Promise<void> {
  return gate.acquire(units).then(() => void into.push(units));
}

/** Lets everything happen that can happen. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test("a gate lets in what fits, in the order of asking, though a later one would fit", async () => {
  const gate = new Gate(10);
  const inside: number[] = [];
  for (const units of [6, 5, 1]) enter(gate, units, inside);
  await settle();
  assert.deepEqual(inside, [6]);
  gate.release(6);
  await settle();
  assert.deepEqual(inside, [6, 5, 1]);
});

test("what is larger than a gate goes alone", async () => {
  const gate = new Gate(10);
  const inside: number[] = [];
  for (const units of [1, 100, 2]) enter(gate, units, inside);
  await settle();
  assert.deepEqual(inside, [1]);
  gate.release(1);
  await settle();
  assert.deepEqual(inside, [1, 100]);
  gate.release(100);
  await settle();
  assert.deepEqual(inside, [1, 100, 2]);
});

test("a gate that failed turns away who waits and who comes, with the first reason", async () => {
  const gate = new Gate(1);
  await gate.acquire(1);
  const reason = new Error("the disk is full");
  const waiting = assert.rejects(gate.acquire(1), (error) => error === reason);
  gate.fail(reason);
  gate.fail(new Error("and then more"));
  await waiting;
  await assert.rejects(gate.acquire(1), (error) => error === reason);
});
