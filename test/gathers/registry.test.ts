import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { mock, test } from "node:test";
import type { LiveOutput } from "../../src/gathers/live-output.ts";
import { atEnd } from "../support/folder.ts";
import { endedEntry, entry, stageRegistry } from "./stage.ts";

const never = new AbortController().signal;

test("times rise strictly, also within a millisecond and when the clock goes back", async (t) => {
  const { registry } = await stageRegistry(t);
  mock.timers.enable({ apis: ["Date"], now: 1_800_000_000_000 });
  atEnd(t, () => mock.timers.reset());
  const times = [registry.timestamp(), registry.timestamp()];
  mock.timers.setTime(1_700_000_000_000);
  times.push(registry.timestamp(), registry.timestamp());
  mock.timers.setTime(1_900_000_000_000);
  times.push(registry.timestamp());
  assert.deepEqual(times, [
    "2027-01-15T08:00:00.000Z",
    "2027-01-15T08:00:00.001Z",
    "2027-01-15T08:00:00.002Z",
    "2027-01-15T08:00:00.003Z",
    "2030-03-17T17:46:40.000Z",
  ]);
});

test("times are later than those of all gathers of the journal", async (t) => {
  const { registry } = await stageRegistry(t);
  registry.add(endedEntry(1, { createdAt: "2099-01-01T00:00:00.000Z" }));
  registry.add(endedEntry(2, { createdAt: "no time" }));
  assert.equal(registry.timestamp(), "2099-01-01T00:00:00.001Z");
});

test("gathers are found by id and by name, the newest of a name", async (t) => {
  const { registry } = await stageRegistry(t);
  const [one, two, three] = [
    registry.add(endedEntry(1, { customName: "plan:a" })),
    registry.add(endedEntry(2)),
    registry.add(entry(3, { customName: "plan:a" })),
  ];
  assert.equal(registry.get(2), two);
  assert.equal(registry.get(4), undefined);
  assert.equal(registry.newestNamed("plan:a"), three);
  assert.equal(registry.newestNamed("plan:b"), undefined);
  assert.equal(registry.newestNamed(""), undefined, "no name is no name");
  assert.deepEqual([...registry.all()], [one, two, three]);
  await registry.remove(three);
  assert.equal(registry.newestNamed("plan:a"), one);
  await registry.remove(one);
  assert.equal(registry.newestNamed("plan:a"), undefined);
});

test("those that live and those that wait are told from those that ended", async (t) => {
  const { registry } = await stageRegistry(t);
  registry.add(endedEntry(1));
  const running = registry.add(entry(2, { status: "inprogress", state: "inprogress.reaping" }));
  const waiting = registry.add(entry(3));
  assert.deepEqual(registry.live(), [running, waiting]);
  assert.deepEqual(registry.queued(), [waiting]);
  running.entry.status = "error";
  await registry.settle(running);
  assert.deepEqual(registry.live(), [waiting]);
});

test("a change moves updated-at, makes a new revision and is written down", async (t) => {
  const { registry, journal, folder } = await stageRegistry(t);
  const held = registry.add(entry(1));
  const { revision } = held;
  held.entry.message = "changed";
  registry.changed(held);
  assert.notEqual(held.revision, revision);
  assert.equal(held.revision, registry.revision);
  assert.ok(held.entry.updatedAt > held.entry.createdAt);
  await journal.saved(1);
  const written = JSON.parse(await readFile(join(folder, "1.json"), "utf8"));
  assert.equal(written.message, "changed");
});

test("progress makes a revision at most once a second, moves no time and writes nothing", async (t) => {
  const { registry, journal, folder } = await stageRegistry(t);
  const held = registry.add(entry(1));
  const first = held.revision;
  const { updatedAt } = held.entry;
  mock.timers.enable({ apis: ["setTimeout"] });
  atEnd(t, () => mock.timers.reset());
  for (let ms = 0; ms < 3000; ms += 10) {
    registry.progressed(held);
    mock.timers.tick(10);
  }
  assert.equal(held.revision - first, 3);
  mock.timers.tick(10_000);
  assert.equal(held.revision - first, 3, "and none of its own accord");
  registry.progressed(held);
  registry.changed(held);
  const changed = held.revision;
  mock.timers.tick(5000);
  assert.equal(held.revision, changed, "what changed meanwhile told it already");
  assert.equal(updatedAt, entry(1).updatedAt);
  await journal.flush();
  assert.deepEqual((await readdir(folder)).filter((name) => name.endsWith(".json")), ["1.json"]);
});

test("who waits is woken by the next change, and leaves nothing behind", async (t) => {
  const { registry } = await stageRegistry(t);
  const held = registry.add(entry(1));
  const other = registry.add(entry(2));
  let woken = 0;
  const waits = [1, 2, 3].map(() =>
    registry.waitForChange(held, held.revision, 60_000, never).then(() => woken++)
  );
  registry.changed(other);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(woken, 0);
  registry.changed(held);
  await Promise.all(waits);
  assert.equal(held.waiting, undefined);
});

test("nobody waits for what has changed already, nor longer than asked, nor behind an abort", async (t) => {
  const { registry } = await stageRegistry(t);
  const held = registry.add(entry(1));
  await registry.waitForChange(held, held.revision - 1, 60_000, never);
  await registry.waitForChange(held, held.revision, 60_000, AbortSignal.abort());
  await registry.waitForChange(held, held.revision, 10, never);
  const gone = new AbortController();
  const waiting = registry.waitForChange(held, held.revision, 60_000, gone.signal);
  gone.abort();
  await waiting;
  assert.equal(held.waiting, undefined);
});

test("who waits when nothing more happens is let go, and so is who comes to wait after that", async (t) => {
  const { registry } = await stageRegistry(t);
  const held = registry.add(entry(1));
  const waiting = registry.waitForChange(held, held.revision, 60_000, never);
  registry.wakeAll();
  await waiting;
  const begun = performance.now();
  await registry.waitForChange(held, held.revision, 2000, never);
  assert.ok(performance.now() - begun < 1000);
});

test("one that was settled is known as before, without what only live ones have", async (t) => {
  const { registry } = await stageRegistry(t);
  const held = registry.add(entry(1, { status: "inprogress" }));
  held.output = {} as LiveOutput;
  registry.changed(held);
  held.entry.status = "completed";
  const { revision } = held;
  const woken = registry.waitForChange(held, revision, 60_000, never);
  await registry.settle(held);
  await woken; // who follows its output learns that no more comes
  assert.equal(held.output, undefined);
  assert.equal(registry.get(1), held);
});

test("one that was removed is gone for good, whoever still holds it", async (t) => {
  const { registry, journal, folder } = await stageRegistry(t);
  const held = registry.add(endedEntry(1, { customName: "plan:a" }));
  registry.persist(held);
  await journal.saved(1);
  const woken = registry.waitForChange(held, held.revision, 60_000, never);
  await registry.remove(held);
  await woken;
  assert.equal(registry.get(1), undefined);
  registry.persist(held);
  registry.persistNow(held);
  registry.changed(held);
  await registry.remove(held);
  await journal.flush();
  assert.deepEqual((await readdir(folder)).filter((name) => name.endsWith(".json")), []);
});

test("an id whose journal file was set aside may have a record, one of a removed record has none", async (t) => {
  const { registry } = await stageRegistry(t);
  const held = registry.add(endedEntry(1));
  assert.ok(registry.mayHave(1));
  assert.ok(!registry.mayHave(2));
  await registry.remove(held);
  assert.ok(!registry.mayHave(1));
});
