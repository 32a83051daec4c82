import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { PackError } from "../../src/archive/errors.ts";
import { type Entry, hasEnded } from "../../src/gathers/entry.ts";
import { Events } from "../../src/gathers/events.ts";
import { gatherFolder } from "../../src/gathers/folders.ts";
import type { Gatherer, JobEvents } from "../../src/gathers/gatherer.ts";
import { Lifecycle } from "../../src/gathers/lifecycle.ts";
import { stateText } from "../../src/gathers/step.ts";
import type { Packer, PackerControl, PackerResult } from "../../src/gathers/packer.ts";
import { Durations } from "../../src/gathers/progress.ts";
import type { Reaper } from "../../src/gathers/reaper.ts";
import { atEnd, testFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";
import { endedEntry, entry, stageRegistry } from "./stage.ts";

const NAMESPACE = { kind: "namespace", name: "openshift-must-gather-abcde" } as const;

/** A lifecycle whose gatherer and packer do what the test says, and note what they are asked. */
async function stage(t: TestContext, more: Partial<Entry> = {}) {
  const work = await testFolder(t);
  const staged = await stageRegistry(t);
  const done: string[] = [];
  let events: JobEvents | undefined;
  let exited: JobEvents["exited"] | undefined;
  const run = {
    signal: (signal: string, target: string) => void done.push(`${signal} ${target}`),
    resume: () => void done.push("resume"),
  };
  const gatherer: Gatherer = {
    start(_, told) {
      done.push("start");
      events = told;
      exited = told.exited;
      return run;
    },
    adopt(_, told) {
      done.push("adopt");
      exited = told.exited;
      return run;
    },
    salvage(_job, _signal, _trouble, maxBytes) {
      done.push(`salvage ${maxBytes ?? "unbounded"}`);
      return Promise.resolve();
    },
    reap(job, _, removed) {
      done.push("reap");
      for (const made of job.entry.made) if (!made.deleted) removed(made);
      return Promise.resolve();
    },
    stands: () => Promise.resolve(false),
  };
  const packing = Promise.withResolvers<PackerResult>();
  let control: PackerControl | undefined;
  const packer: Packer = {
    pack(_, given) {
      done.push("pack");
      control = given;
      return packing.promise;
    },
    clear: () => Promise.resolve(void done.push("clear")),
  };
  const lifecycle = new Lifecycle({
    registry: staged.registry,
    gatherer,
    packer,
    reaper: { tend: () => done.push("tend") } as unknown as Reaper,
    events: new Events(),
    durations: new Durations(),
    ended: () => {},
    log: staged.log,
    workPath: work,
    spareBytes: () => Promise.resolve(1_000_000),
    timeoutGraceMs: 300_000,
    stopGraceMs: 20,
  });
  const held = staged.registry.add(entry(1, more));
  lifecycle.begin(held);
  atEnd(t, () => void held.actor?.stop());
  const start = async () => {
    lifecycle.send(held, { type: "gather.start" });
    await until("its start", () => events);
    if (!events) throw new Error("not started");
    return events;
  };
  const ended = async () => {
    await until("its end", () => hasEnded(held.entry));
    await lifecycle.ended(held);
    return held.entry;
  };
  const written = async () => {
    await staged.journal.flush();
    return JSON.parse(await readFile(join(staged.folder, "1.json"), "utf8")) as Entry;
  };
  return {
    ...staged,
    work,
    done,
    lifecycle,
    held,
    start,
    ended,
    written,
    packing,
    packer,
    gatherer,
    exit: (code: number | null, orphans = false) => exited?.({ code, orphans }),
    control: () => control,
  };
}

const data = (): PackerResult => ({
  found: "data",
  archive: endedEntry(1).archive,
  damaged: false,
});

const nothing: PackerResult = { found: "nothing", archive: null, damaged: false };

test("a gather goes its way from its start to its archive, and is written down at every step", async (t) => {
  const { start, exit, ended, held, packing, done, written, work, told } = await stage(t);
  const events = await start();
  events.started({ pid: 7, start: "boot:1" });
  events.output("stdout", Buffer.from("one\ntwo\n"));
  events.fact({ type: "created", ...NAMESPACE });
  assert.deepEqual((await written()).made, [{ ...NAMESPACE, deleted: false, gone: false }]);
  assert.deepEqual((await written()).process, { pid: 7, start: "boot:1" });
  events.fact({ type: "collecting" });
  assert.equal(held.entry.state, "inprogress.gathering.collecting");
  events.fact({ type: "copying" });
  await until("the size", () => held.entry.state === "inprogress.copying.receiving");
  events.fact({ type: "deleted", ...NAMESPACE });
  exit(0);
  await until("the packing", () => done.includes("pack"));
  packing.resolve(data());
  const entry = await ended();
  assert.deepEqual(
    [entry.status, entry.reason, entry.exitCode, entry.lines, entry.message, entry.process],
    ["completed", "", 0, 2, "The archive is ready", null],
  );
  assert.deepEqual(await written(), JSON.parse(JSON.stringify(entry)));
  assert.deepEqual(done, ["start", "reap", "pack", "tend", "clear"]);
  assert.equal(await readFile(join(gatherFolder(work, 1).path, "exec.log"), "utf8"), "one\ntwo\n");
  assert.deepEqual(entry.transitions.map(({ from, to }) => [from, to]), [
    ["new", "inprogress.gathering.starting"],
    ["inprogress.gathering.starting", "inprogress.gathering.collecting"],
    ["inprogress.gathering.collecting", "inprogress.copying.receiving"],
    ["inprogress.copying.receiving", "inprogress.reaping"],
    ["inprogress.reaping", "inprogress.packing"],
    ["inprogress.packing", "completed"],
  ]);
  const moves = told.filter(({ event }) => event === "gather moved");
  assert.equal(moves.length, 6);
  assert.equal(held.actor, undefined);
});

test("what oc made is on disk before anything else happens", async (t) => {
  const { start, folder } = await stage(t);
  const events = await start();
  events.fact({ type: "created", ...NAMESPACE });
  assert.match(readFileSync(join(folder, "1.json"), "utf8"), /openshift-must-gather-abcde/);
});

test("no oc is started before the journal says that it runs, however long other writes take", async (t) => {
  const { start, folder, journal, gatherer } = await stage(t);
  t.mock.method(journal, "save", () => {}); // they come later
  let written = "";
  const startOc = gatherer.start;
  gatherer.start = (job, told) => {
    written = readFileSync(join(folder, "1.json"), "utf8");
    return startOc(job, told);
  };
  await start();
  assert.match(written, /"status":"inprogress"/);
});

test("one that is cancelled while it waits ends at once, and nothing was made for it", async (t) => {
  const { lifecycle, held, ended, done, work } = await stage(t);
  lifecycle.send(held, { type: "gather.cancel", keep: false });
  const entry = await ended();
  assert.deepEqual([entry.status, entry.reason, entry.startedAt], ["error", "cancelled", null]);
  assert.match(entry.message, /^Cancelled before it started/);
  assert.deepEqual(done, ["tend", "clear"]);
  assert.deepEqual(await readdir(work), []);
  lifecycle.send(held, { type: "gather.cancel", keep: false });
  lifecycle.send(held, { type: "gather.start" });
  assert.deepEqual(done, ["tend", "clear"]);
});

test("one that is cancelled while it runs is stopped, and what it had is kept as partial", async (t) => {
  const { lifecycle, held, start, exit, ended, done, packing } = await stage(t);
  await start();
  lifecycle.send(held, { type: "gather.cancel", keep: false });
  assert.deepEqual([held.entry.status, held.entry.reason], ["inprogress", "cancelled"]);
  assert.deepEqual(done, ["start", "SIGINT leader"]);
  await until("the next signal", () => done.includes("SIGTERM leader"));
  exit(null);
  packing.resolve(data());
  const entry = await ended();
  assert.deepEqual([entry.status, entry.reason], ["error", "cancelled"]);
  assert.equal(entry.archive?.partial, true);
  assert.match(entry.message, /^Cancelled\. The archive holds what was collected/);
});

test("orphans are killed before anything goes on", async (t) => {
  const { start, exit, ended, done, packing } = await stage(t);
  const events = await start();
  exit(0, true);
  await until("the kill", () => done.includes("SIGKILL group"));
  assert.ok(!done.includes("SIGINT leader"));
  assert.ok(!done.includes("reap"));
  events.gone();
  packing.resolve(data());
  assert.equal((await ended()).status, "completed");
});

test("one that cannot be started is an error that says why", async (t) => {
  const { lifecycle, held, ended, work, packing } = await stage(t);
  await writeFile(gatherFolder(work, 1).path, "a file in its place");
  packing.resolve(nothing);
  lifecycle.send(held, { type: "gather.start" });
  const entry = await ended();
  assert.deepEqual([entry.status, entry.reason, entry.exitCode], ["error", "failed", null]);
  assert.match(entry.message, /could not be started: .*E(?:EXIST|NOTDIR)/);
});

test("what is fetched from the pods is bounded by the room there is when the disk is full, else not", async (t) => {
  for (
    const [event, expected] of [
      [{ type: "disk.full" }, "salvage 1000000"],
      [{ type: "gather.cancel", keep: true }, "salvage unbounded"],
    ] as const
  ) {
    const { lifecycle, held, start, exit, ended, done, packing } = await stage(t);
    await start();
    lifecycle.send(held, event);
    await until("the salvage", () => done.includes(expected));
    exit(null);
    packing.resolve(data());
    await ended();
  }
});

test("a second cancel skips the packing, and the end waits until that has let go", async (t) => {
  const { lifecycle, held, start, exit, ended, done, packing, control } = await stage(t);
  await start();
  exit(0);
  await until("the packing", () => done.includes("pack"));
  lifecycle.send(held, { type: "gather.cancel", keep: false });
  assert.equal(control()?.finish.aborted, true);
  lifecycle.send(held, { type: "gather.cancel", keep: false });
  assert.equal(control()?.signal.aborted, true);
  assert.equal(held.entry.status, "error");
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(!done.includes("clear"), "the tree is still being read");
  packing.resolve(data()); // it was done before it heard
  const entry = await ended();
  assert.ok(done.includes("clear"));
  assert.deepEqual([entry.reason, entry.archive], ["cancelled", null]);
});

for (
  const [code, reason] of [["ENOSPC", "disk-full"], ["EDQUOT", "disk-full"], [
    "EIO",
    "failed",
  ]] as const
) {
  test(`an archive that cannot be made because of ${code} ends as ${reason}`, async (t) => {
    const { start, exit, ended, packing } = await stage(t);
    await start();
    exit(0);
    packing.reject(new PackError(code, "Cannot write the archive: no."));
    const entry = await ended();
    assert.deepEqual([entry.status, entry.reason, entry.archive], ["error", reason, null]);
    assert.match(entry.message, /could not be made: Cannot write the archive: no/);
  });
}

test("what an earlier life left is taken over and ended, not started again", async (t) => {
  const { lifecycle, held, exit, ended, done, packing } = await stage(t, {
    status: "inprogress",
    state: "inprogress.gathering.collecting",
    startedAt: "2026-01-02T03:04:06.000Z",
    snapshot: { status: "active", value: { nonsense: {} } }, // never used
    made: [{ ...NAMESPACE, deleted: false, gone: false }],
  });
  assert.equal(held.entry.state, "inprogress.gathering.collecting");
  lifecycle.send(held, { type: "gather.recover", reason: "" });
  assert.deepEqual(done, ["adopt", "SIGINT leader"]);
  assert.equal(held.entry.startedAt, "2026-01-02T03:04:06.000Z");
  exit(null);
  packing.resolve(data());
  const entry = await ended();
  assert.deepEqual([entry.status, entry.reason], ["error", "interrupted"]);
  assert.deepEqual(entry.made, [{ ...NAMESPACE, deleted: true, gone: false }]);
});

test("files that cannot be cleared away are told, and the slot is free all the same", async (t) => {
  const { start, exit, ended, packing, packer, events } = await stage(t);
  packer.clear = () => Promise.reject(new Error("EACCES: permission denied"));
  await start();
  exit(0);
  packing.resolve(data());
  assert.equal((await ended()).status, "completed");
  assert.deepEqual(events("error"), ["cannot clear up after a gather"]);
});

test("a log that the disk refuses is told in the message, and nothing else is lost", async (t) => {
  const { start, exit, ended, packing, work, told } = await stage(t);
  await mkdir(join(gatherFolder(work, 1).path, "exec.log"), { recursive: true });
  const events = await start();
  events.output("stderr", Buffer.from("error: no such thing\n"));
  await until("the trouble", () => told.some(({ event }) => event === "gather in trouble"));
  exit(1);
  packing.resolve(nothing);
  const { message } = await ended();
  assert.match(message, /^oc failed with exit code 1\. The log of oc's output is cut: .*EISDIR/);
  assert.match(message, /oc said: error: no such thing/);
});

test("of what a hostile output names no more is kept than an oc can make", async (t) => {
  const { start, held } = await stage(t);
  const events = await start();
  for (let n = 10_000; n < 10_100; n++) {
    events.fact({ type: "created", kind: "namespace", name: `openshift-must-gather-${n}` });
  }
  events.fact({ type: "deleted", kind: "namespace", name: "openshift-must-gather-10001" });
  events.fact({ type: "deleted", kind: "namespace", name: "openshift-must-gather-zzzzz" });
  assert.equal(held.entry.made.length, 20);
  assert.deepEqual(held.entry.made.filter(({ deleted }) => deleted).map(({ name }) => name), [
    "openshift-must-gather-10001",
  ]);
});

test("states are written as paths", () => {
  assert.equal(stateText("new"), "new");
  assert.equal(stateText({ a: { b: "c" } }), "a.b.c");
});
