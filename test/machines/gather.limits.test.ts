/** What each limit of a gather leads to, in fake time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { copying, exited, input, minute, packing, started } from "./running-gather.ts";

test("the deadline counts from the first line of a pod", () => {
  const gather = started();
  gather.pass(3 * minute);
  gather.send({ type: "oc.collecting" });
  gather.pass(input.timeoutMs - 1);
  assert.equal(gather.state(), "inprogress.gathering.collecting");
  gather.pass(1);
  assert.equal(gather.state(), "inprogress.salvaging");
  assert.equal(gather.context().reason, "timeout");
});

test("the overall deadline counts from the start, however late the first line comes", () => {
  const silent = started();
  silent.pass(24 * minute);
  const late = started();
  late.pass(24 * minute);
  late.send({ type: "oc.collecting" });
  for (const gather of [silent, late]) {
    gather.pass(minute - 1);
    assert.match(gather.state(), /^inprogress\.gathering\./);
    gather.pass(1);
    assert.equal(gather.state(), "inprogress.salvaging");
    assert.equal(gather.context().reason, "timeout");
  }
});

test("no deadline of the collecting falls while oc copies", () => {
  const gather = started({ type: "oc.collecting" });
  gather.pass(19 * minute);
  gather.send({ type: "oc.copying" });
  for (let copied = 0; copied < 19; copied++) {
    gather.pass(minute);
    gather.send({ type: "oc.copied" });
  }
  assert.equal(gather.state(), "inprogress.copying.receiving");
});

test("copying stalls when nothing new came for two minutes; what comes re-arms it", () => {
  const gather = started(...copying);
  for (let copied = 0; copied < 3; copied++) {
    gather.pass(2 * minute - 1_000);
    gather.send({ type: "oc.copied" });
  }
  gather.pass(2 * minute - 1);
  assert.equal(gather.state(), "inprogress.copying.receiving");
  gather.pass(1);
  assert.equal(gather.state(), "inprogress.salvaging");
  assert.equal(gather.context().reason, "timeout");
});

test("all of the copying may take the timeout, whatever comes", () => {
  const gather = started(...copying);
  for (let copied = 0; copied < 19; copied++) {
    gather.pass(minute);
    gather.send({ type: "oc.copied" });
  }
  gather.pass(minute - 1);
  assert.equal(gather.state(), "inprogress.copying.receiving");
  gather.pass(1);
  assert.equal(gather.state(), "inprogress.salvaging");
  assert.equal(gather.context().reason, "timeout");
});

test("salvage has a minute; then it is aborted and oc is stopped, not before", () => {
  const gather = started({ type: "disk.full" });
  gather.pass(minute - 1);
  assert.deepEqual(gather.log, ["salvage 7 bounded"]);
  gather.pass(1);
  assert.equal(gather.state(), "inprogress.stopping");
  assert.deepEqual(gather.log, ["salvage 7 bounded", "salvage aborted", "60 SIGINT leader"]);
});

test("reaping holds the archive up for a minute at most, and not when it fails", async () => {
  const slow = started(exited(0));
  slow.pass(minute - 1);
  assert.equal(slow.state(), "inprogress.reaping");
  slow.pass(1);
  assert.equal(slow.state(), "inprogress.packing");

  const failing = started(exited(0));
  failing.parts.reap.reject(new Error("forbidden"));
  await failing.comesTo("inprogress.packing");
});

test("packing that takes too long is told to finish, and what it then has is an error's", async () => {
  const gather = await packing(0);
  gather.pass(2_100_000 - 1);
  assert.deepEqual(gather.log, []);
  gather.pass(1);
  assert.deepEqual(gather.log, ["pack.finish"]);
  assert.equal(gather.state(), "inprogress.packing");
  gather.send({ type: "pack.done", found: "data" });
  gather.ends("error", "timeout");
});

test("a gather that a full disk has ended is packed whole, however often it is told that the disk is full", async () => {
  const gather = await packing(1, ...copying, { type: "disk.full" });
  gather.send({ type: "disk.full" }, { type: "disk.full" });
  assert.deepEqual(gather.log, []);
  gather.send({ type: "pack.done", found: "data" });
  gather.ends("error", "disk-full");
});
