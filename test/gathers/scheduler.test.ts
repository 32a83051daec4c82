import assert from "node:assert/strict";
import { test } from "node:test";
import { Scheduler } from "../../src/gathers/scheduler.ts";
import { until } from "../support/until.ts";

/** A job that tells when it starts and runs until it is let go. */
function job(started: string[], name: string) {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { run: () => (started.push(name), promise), end: resolve };
}

/** Lets everything happen that is about to. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

test("so many run at once and no more, in the order in which they came", async () => {
  const scheduler = new Scheduler(2);
  const started: string[] = [];
  const jobs = ["a", "b", "c", "d"].map((name) => job(started, name));
  for (const each of jobs) scheduler.enqueue(each.run);
  await turn();
  assert.deepEqual(started, ["a", "b"]);
  jobs[1]?.end();
  await until("the next", () => started.length === 3);
  await turn();
  assert.deepEqual(started, ["a", "b", "c"]);
  jobs[0]?.end();
  await until("the next", () => started.length === 4);
});

test("who leaves while waiting never starts, and holds up nobody", async () => {
  const scheduler = new Scheduler(1);
  const started: string[] = [];
  const [a, b, c] = [job(started, "a"), job(started, "b"), job(started, "c")];
  scheduler.enqueue(a.run);
  const place = scheduler.enqueue(b.run);
  scheduler.enqueue(c.run);
  await turn();
  place.leave();
  place.leave();
  a.end();
  await until("the one behind", () => started.includes("c"));
  assert.deepEqual(started, ["a", "c"]);
});

test("who leaves while running keeps the slot until it has ended", async () => {
  const scheduler = new Scheduler(1);
  const started: string[] = [];
  const [a, b] = [job(started, "a"), job(started, "b")];
  const place = scheduler.enqueue(a.run);
  scheduler.enqueue(b.run);
  await turn();
  place.leave();
  await turn();
  assert.deepEqual(started, ["a"]);
  a.end();
  await until("the next", () => started.length === 2);
});

test("a job that fails frees its slot", async () => {
  const scheduler = new Scheduler(1);
  const started: string[] = [];
  scheduler.enqueue(() => Promise.reject(new Error("failed")));
  scheduler.enqueue(job(started, "b").run);
  await until("the next", () => started.length === 1);
});

test("behind a pause none starts, and what runs goes on", async () => {
  const scheduler = new Scheduler(1);
  const started: string[] = [];
  const [a, b] = [job(started, "a"), job(started, "b")];
  scheduler.enqueue(a.run);
  scheduler.enqueue(b.run);
  await turn();
  scheduler.pause();
  a.end();
  scheduler.enqueue(job(started, "c").run);
  await turn();
  assert.deepEqual(started, ["a"]);
});
