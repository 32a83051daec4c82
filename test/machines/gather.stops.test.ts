/** What stops a gather, with which signals, and what it is then said to have ended of. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { GatherEvent } from "../../machines/gather.ts";
import {
  begin,
  cancel,
  copying,
  exited,
  interrupt,
  minute,
  packing,
  started,
} from "./running-gather.ts";

test("a cancelled oc is asked, told and killed a grace apart, and waited for", async () => {
  const gather = started({ type: "oc.collecting" }, cancel());
  gather.pass(35_000);
  assert.deepEqual(gather.log, [
    "0 SIGINT leader",
    "10 SIGTERM leader",
    "20 SIGKILL group",
    "30 SIGKILL group",
  ]);
  assert.equal(gather.state(), "inprogress.stopping");
  gather.clear();
  gather.send(exited(null));
  gather.pass(minute - 1);
  assert.deepEqual(gather.log, ["reap 7"]);
  await gather.reaps();
  gather.send({ type: "pack.done", found: "data" });
  gather.ends("error", "cancelled");
});

test("while oc copies, a cancel, a full disk and an interruption stop it at once", () => {
  for (const event of [cancel(), interrupt(10_000), { type: "disk.full" } as const]) {
    const gather = started(...copying, event);
    assert.deepEqual([gather.state(), gather.log], ["inprogress.stopping", ["0 SIGINT leader"]]);
  }
});

test("a cancel while it waits for a slot ends it without starting anything", () => {
  const gather = begin();
  gather.send(cancel());
  gather.ends("error", "cancelled");
  assert.deepEqual(gather.log, []);
});

test("a cancel that keeps salvages first; the same again changes nothing, one that does not keep ends it", () => {
  const gather = started({ type: "oc.collecting" }, cancel(true));
  assert.equal(gather.state(), "inprogress.salvaging");
  gather.send(cancel(true));
  assert.deepEqual([gather.state(), gather.log], ["inprogress.salvaging", ["salvage 7"]]);
  gather.send(cancel());
  assert.equal(gather.state(), "inprogress.stopping");
  assert.deepEqual(gather.log, ["salvage 7", "salvage aborted", "0 SIGINT leader"]);
  assert.deepEqual([gather.context().reason, gather.context().discard], ["cancelled", false]);
});

test("a second cancel skips the packing, whether it comes while stopping or reaping", async () => {
  const whileStopping = started(cancel(), cancel(), exited(null));
  whileStopping.parts.reap.resolve();
  await whileStopping.comesTo("error");
  whileStopping.ends("error", "cancelled");

  const whileReaping = started(cancel(), exited(null), cancel());
  assert.equal(whileReaping.state(), "inprogress.reaping");
  whileReaping.parts.reap.resolve();
  await whileReaping.comesTo("error");
  for (const { log } of [whileStopping, whileReaping]) assert.ok(!log.includes("pack 7"));
});

test("a cancel while packing finishes with what is in, a second one ends it at once", async () => {
  const gather = await packing(0);
  gather.send(cancel());
  assert.deepEqual([gather.state(), gather.log], ["inprogress.packing", ["pack.finish"]]);
  gather.send(cancel());
  gather.ends("error", "cancelled");
  assert.deepEqual(gather.log, ["pack.finish", "pack ended"]);
});

test("whichever stopped it first is the reason", async () => {
  const first: [GatherEvent[], string][] = [
    [[{ type: "disk.full" }, cancel(), cancel(), exited(0)], "disk-full"],
    [[cancel(true), { type: "disk.full" }, exited(0)], "cancelled"],
    [[interrupt(5_000), cancel(), exited(0)], "interrupted"],
    [[exited(0), cancel()], "cancelled"],
  ];
  for (const [events, reason] of first) {
    const gather = started(...events);
    await gather.reaps();
    gather.send({ type: "gather.hurry" }, { type: "disk.full" }, {
      type: "pack.done",
      found: "data",
    });
    gather.ends("error", reason);
  }
});

test("one stopped for another reason is packed, however often it is cancelled", async () => {
  const gather = started(interrupt(5_000), cancel(), cancel(), exited(null), cancel());
  await gather.reaps();
  gather.send(cancel(), cancel());
  assert.equal(gather.state(), "inprogress.packing");
  assert.equal(gather.context().discard, false);
});

test("an interruption shortens the grace between signals, whatever oc does, and never lengthens it", async () => {
  for (const events of [[], copying]) {
    const shortened = started(...events, interrupt(5_000));
    shortened.pass(10_000);
    assert.deepEqual(shortened.log, ["0 SIGINT leader", "5 SIGTERM leader", "10 SIGKILL group"]);
  }
  const salvaged = started(interrupt(5_000, true));
  salvaged.parts.salvage.resolve();
  await salvaged.comesTo("inprogress.stopping");
  salvaged.pass(5_000);
  assert.deepEqual(salvaged.log, ["salvage 7", "0 SIGINT leader", "5 SIGTERM leader"]);

  const longer = started(interrupt(30_000));
  longer.pass(10_000);
  assert.deepEqual(longer.log, ["0 SIGINT leader", "10 SIGTERM leader"]);
});

test("an interruption salvages only where there is time, and ends a salvage where there is none", () => {
  const gather = started(interrupt(5_000, true));
  assert.deepEqual([gather.state(), gather.log], ["inprogress.salvaging", ["salvage 7"]]);
  gather.send(interrupt(2_000, true));
  assert.equal(gather.state(), "inprogress.salvaging");
  gather.send(interrupt(5_000));
  gather.pass(4_000);
  assert.deepEqual(gather.log.slice(-3), [
    "0 SIGINT leader",
    "2 SIGTERM leader",
    "4 SIGKILL group",
  ]);
});

test("hurry ends a salvage, kills a group, lets reaping be and finishes packing", async () => {
  const hurry = { type: "gather.hurry" } as const;
  const gather = started({ type: "disk.full" }, hurry);
  assert.equal(gather.state(), "inprogress.stopping");
  gather.pass(1_000);
  gather.send(hurry);
  assert.deepEqual(gather.log.slice(-2), ["0 SIGINT leader", "1 SIGKILL group"]);
  gather.send(exited(null), hurry);
  assert.equal(gather.state(), "inprogress.packing");
  gather.send(hurry);
  assert.equal(gather.log.at(-1), "pack.finish");

  const ended = await packing(0);
  ended.send(hurry, { type: "pack.done", found: "data" });
  ended.ends("error", "interrupted");
});

test("what an oc that ended by itself leaves running is killed at once, and then all is as ever", async () => {
  for (const events of [[], copying]) {
    const gather = started(...events, exited(0, true));
    assert.deepEqual([gather.state(), gather.log], ["inprogress.stopping", ["0 SIGKILL group"]]);
    gather.pass(10_000);
    assert.equal(gather.log.at(-1), "10 SIGKILL group");
    gather.send({ type: "process.gone" });
    await gather.reaps();
    gather.send({ type: "pack.done", found: "data" });
    gather.ends("completed", "");
  }
});

test("a cancel counts also while only the orphans of an oc that ended by itself are stopped", async () => {
  const gather = started(exited(0, true), cancel(), { type: "process.gone" });
  await gather.reaps();
  gather.send({ type: "pack.done", found: "data" });
  gather.ends("error", "cancelled");
});

test("what an oc that was asked to stop leaves running is killed at once", () => {
  const gather = started(cancel());
  gather.pass(3_000);
  gather.send(exited(130, true));
  assert.deepEqual(gather.log, ["0 SIGINT leader", "3 SIGKILL group"]);
  assert.equal(gather.state(), "inprogress.stopping");
  gather.send({ type: "process.gone" });
  assert.equal(gather.state(), "inprogress.reaping");
  assert.equal(gather.context().exitCode, 130);
});

test("a process that dies during salvage does not end the salvage, and is not signalled after it", async () => {
  for (const news of [[exited(0)], [exited(0, true), { type: "process.gone" } as const]]) {
    const gather = started(cancel(true), ...news);
    assert.equal(gather.state(), "inprogress.salvaging");
    gather.parts.salvage.resolve();
    await gather.comesTo("inprogress.reaping");
    assert.deepEqual(gather.log, ["salvage 7", "reap 7"]);
  }
  const orphans = started(cancel(true), exited(0, true));
  orphans.parts.salvage.resolve();
  await orphans.comesTo("inprogress.stopping");
  assert.deepEqual(orphans.log, ["salvage 7", "0 SIGKILL group"]);
});
