import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { drainGathers } from "../../src/gathers/drain.ts";
import type { Lifecycle } from "../../src/gathers/lifecycle.ts";
import type { Held } from "../../src/gathers/held.ts";
import { Runner } from "../../src/gathers/runner.ts";
import { until } from "../support/until.ts";
import { entry, stageRegistry } from "./stage.ts";

/** A runner over gathers that do what they are told, and end when the test says so. */
async function stage(t: TestContext, concurrency: number) {
  const { registry } = await stageRegistry(t);
  const sent: string[] = [];
  const ends = new Map<Held, PromiseWithResolvers<void>>();
  const end = (held: Held) => {
    held.entry.status = "error";
    ends.get(held)?.resolve();
  };
  const lifecycle = {
    begin: (held: Held) => ends.set(held, Promise.withResolvers<void>()),
    ended: (held: Held) => ends.get(held)?.promise ?? Promise.resolve(),
    reapAtOnce: (held: Held) => sent.push(`reap ${held.entry.id}`),
    send(held: Held, event: { type: string }) {
      sent.push(`${event.type} ${held.entry.id}`);
      const { status } = held.entry;
      if (event.type === "gather.start") held.entry.status = "inprogress";
      if (event.type === "gather.cancel" && status === "new") end(held);
    },
  } as unknown as Lifecycle;
  const runner = new Runner(registry, lifecycle, concurrency);
  const begin = (id: number, status: "new" | "inprogress" = "new") => {
    const held = registry.add(entry(id, { status }));
    runner.begin(held);
    return held;
  };
  return { runner, sent, begin, end };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

test("gathers start in their turn, and a slot is free when one has ended", async (t) => {
  const { runner, sent, begin, end } = await stage(t, 2);
  const [one, two, three] = [begin(1), begin(2), begin(3)];
  assert.equal(runner.freeSlots(), 2);
  for (const held of [one, two, three]) runner.enqueue(held);
  await turn();
  assert.deepEqual(sent, ["gather.start 1", "gather.start 2"]);
  assert.equal(runner.freeSlots(), 0);
  end(one);
  await until("the next", () => sent.includes("gather.start 3"));
  assert.equal(runner.freeSlots(), 0);
  end(two);
  end(three);
  await until("free slots", () => runner.freeSlots() === 2);
});

test("one that is cancelled while it waits never starts, nor one that was before it got its place", async (t) => {
  const { runner, sent, begin, end } = await stage(t, 1);
  const [one, two, three, four] = [begin(1), begin(2), begin(3), begin(4)];
  runner.enqueue(one);
  runner.enqueue(two);
  runner.enqueue(three);
  await turn();
  runner.cancel(two, false);
  runner.cancel(four, false);
  runner.enqueue(four);
  end(one);
  await until("the next", () => sent.includes("gather.start 3"));
  end(three);
  await until("a free slot", () => runner.freeSlots() === 1);
  assert.deepEqual(sent.filter((event) => event.startsWith("gather.start")), [
    "gather.start 1",
    "gather.start 3",
  ]);
});

test("one that is cancelled while it runs keeps its slot until it has ended", async (t) => {
  const { runner, sent, begin, end } = await stage(t, 1);
  const [one, two] = [begin(1), begin(2)];
  runner.enqueue(one);
  runner.enqueue(two);
  await turn();
  runner.cancel(one, true);
  await turn();
  assert.deepEqual(sent, ["gather.start 1", "gather.cancel 1"]);
  end(one);
  await until("the next", () => sent.includes("gather.start 2"));
});

test("what an earlier life left is ended at once, whatever the slots, and new ones wait for it", async (t) => {
  const { runner, sent, begin, end } = await stage(t, 1);
  const [one, two] = [begin(1, "inprogress"), begin(2, "inprogress")];
  const three = begin(3);
  runner.recover(one);
  runner.recover(two);
  runner.enqueue(three);
  assert.deepEqual(sent, ["gather.recover 1", "gather.recover 2"]);
  runner.cancel(two, false); // reaches one that is being ended, and not one that waits
  await turn();
  assert.deepEqual(sent.slice(2), ["gather.cancel 2"]);
  end(two);
  await turn();
  assert.equal(sent.includes("gather.start 3"), false);
  end(one);
  await until("the next", () => sent.includes("gather.start 3"));
});

test("going down, what runs is asked to end and its leavings removed, and what waits stays as it is", async (t) => {
  const { runner, sent, begin, end } = await stage(t, 1);
  const [one, two] = [begin(1), begin(2)];
  runner.enqueue(one);
  runner.enqueue(two);
  await turn();
  sent.length = 0;
  const drained = drainGathers(runner, 25_000);
  assert.deepEqual(sent, ["gather.interrupt 1", "reap 1"]);
  end(one);
  await drained;
  await turn();
  assert.deepEqual(sent, ["gather.interrupt 1", "reap 1"]);
  assert.equal(two.entry.status, "new");
});

test("with time enough what the pods hold is fetched before anything is removed", async (t) => {
  const { runner, sent, begin, end } = await stage(t, 1);
  const one = begin(1);
  runner.enqueue(one);
  await turn();
  sent.length = 0;
  const drained = drainGathers(runner, 90_000);
  assert.deepEqual(sent, ["gather.interrupt 1"]);
  end(one);
  await drained;
});

test("who does not end in time is hurried, and not waited for beyond it", async (t) => {
  const { runner, sent, begin } = await stage(t, 1);
  runner.enqueue(begin(1));
  await turn();
  sent.length = 0;
  const started = performance.now();
  await drainGathers(runner, 2000);
  const took = performance.now() - started;
  assert.ok(took >= 990 && took < 1990, `${took} ms`);
  assert.deepEqual(sent, ["gather.interrupt 1", "reap 1", "gather.hurry 1"]);
});

test("with nothing to end, going down takes no time", async (t) => {
  const { runner } = await stage(t, 1);
  const started = performance.now();
  await drainGathers(runner, 25_000);
  assert.ok(performance.now() - started < 5000);
});
