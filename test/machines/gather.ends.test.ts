/** How a gather runs to its end, also where its parts fail. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createActor, fromCallback, SimulatedClock } from "xstate";
import { type GatherEvent, gatherMachine, type ProcessInput } from "../../machines/gather.ts";
import { type SignalEvent, stopMachine } from "../../machines/stop.ts";
import { nameOf } from "./paths.ts";
import { begin, cancel, exited, input, packing, started } from "./running-gather.ts";

test("a gather that works runs oc, reaps, packs, and is completed", async () => {
  const gather = begin();
  assert.equal(gather.state(), "new");
  gather.send({ type: "gather.start" });
  assert.equal(gather.state(), "inprogress.gathering.starting");
  gather.send({ type: "oc.collecting" });
  assert.equal(gather.state(), "inprogress.gathering.collecting");
  gather.send({ type: "oc.copying" }, { type: "oc.copied" });
  assert.equal(gather.state(), "inprogress.copying.receiving");
  gather.send(exited(0));
  await gather.reaps();
  gather.send({ type: "pack.done", found: "data" });
  gather.ends("completed", "");
  assert.deepEqual(gather.log, ["process 7", "reap 7", "pack 7", "pack ended"]);
});

test("salvage that is done or fails leads on to stopping oc", async () => {
  for (const settle of ["resolve", "reject"] as const) {
    const gather = started(cancel(true));
    gather.parts.salvage[settle]();
    await gather.comesTo("inprogress.stopping");
    assert.deepEqual(gather.log, ["salvage 7", "0 SIGINT leader"]);
  }
});

test("late news of the process changes nothing once it is gone", async () => {
  const gather = started(exited(0), exited(1, true));
  await gather.reaps();
  gather.send(exited(1, true), { type: "process.gone" }, { type: "pack.done", found: "data" });
  gather.ends("completed", "");
  assert.deepEqual([gather.context().process, gather.context().exitCode], ["gone", 0]);
});

test("a recovered gather is stopped, not started, and keeps what had stopped it before", async () => {
  for (const [earlier, reason] of [["", "interrupted"], ["timeout", "timeout"]] as const) {
    const gather = begin();
    gather.send({ type: "gather.recover", reason: earlier });
    assert.deepEqual([gather.state(), gather.log], [
      "inprogress.stopping",
      ["process 7 recovered", "0 SIGINT leader"],
    ]);
    gather.send(exited(null));
    await gather.reaps();
    gather.send({ type: "pack.done", found: "data" });
    gather.ends("error", reason);
  }
});

test("one that cannot run any more ends as interrupted", () => {
  const gather = begin();
  gather.send({ type: "gather.abandon" });
  gather.ends("error", "interrupted");
});

test("a full disk salvages while oc collects, and finishes the packing", async () => {
  const full = { type: "disk.full" } as const;
  assert.equal(started(full).state(), "inprogress.salvaging");
  // It is told every second as long as it is so; what is fetched then is bounded in bytes from the beginning.
  const bounded = started(full, full, full);
  assert.deepEqual([bounded.state(), bounded.log], ["inprogress.salvaging", ["salvage 7 bounded"]]);
  assert.equal(started(cancel(true), full).state(), "inprogress.stopping");
  const gather = await packing(0);
  gather.send({ type: "disk.full" });
  assert.deepEqual(gather.log, ["pack.finish"]);
  gather.send({ type: "pack.done", found: "data" });
  gather.ends("error", "disk-full");
});

test("the reason of an oc that ended by itself is failed unless it ended with 0, else no-data unless there is some", async () => {
  const ends: [number | null, GatherEvent, string][] = [
    [1, { type: "pack.done", found: "data" }, "failed"],
    [null, { type: "pack.done", found: "nothing" }, "failed"],
    [0, { type: "pack.done", found: "nothing" }, "no-data"],
    [0, { type: "pack.done", found: "fallback" }, "no-data"],
    [0, { type: "pack.failed", diskFull: true }, "disk-full"],
    [0, { type: "pack.failed", diskFull: false }, "failed"],
  ];
  for (const [code, event, reason] of ends) {
    const gather = await packing(code);
    gather.send(event);
    gather.ends("error", reason);
  }
});

test("a gather none of whose parts works ends as failed, and nothing is thrown", () => {
  const actor = createActor(gatherMachine, { input, clock: new SimulatedClock() }).start();
  actor.send({ type: "gather.start" });
  assert.equal(actor.getSnapshot().value, "error");
  assert.deepEqual(actor.getSnapshot().output, { reason: "failed" });
});

test("a stop machine that breaks does not take the gather with it", () => {
  const broken = stopMachine.provide({
    actions: {
      noteLeaderDead: () => {
        throw new Error("broken");
      },
    },
  });
  const machine = gatherMachine.provide({
    actors: { process: fromCallback<SignalEvent, ProcessInput>(() => {}), stop: broken },
  });
  const actor = createActor(machine, { input, clock: new SimulatedClock() }).start();
  actor.send({ type: "gather.start" });
  actor.send(cancel());
  actor.send(exited(null, true));
  const { status, value, children } = actor.getSnapshot();
  assert.equal(children.stop?.getSnapshot().status, "error");
  assert.deepEqual([status, nameOf(value)], ["active", "inprogress.stopping"]);
  actor.send({ type: "process.gone" });
  assert.equal(nameOf(actor.getSnapshot().value), "error");
});
