import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mock, test, type TestContext } from "node:test";
import { Bodies } from "../../src/gathers/bodies.ts";
import { Durations } from "../../src/gathers/progress.ts";
import { Held } from "../../src/gathers/held.ts";
import { removeGather } from "../../src/gathers/removal.ts";
import { atEnd, testFolder } from "../support/folder.ts";
import { endedEntry, entry, request, stageRegistry } from "./stage.ts";

/** As if the collector of garbage came at once. Gives what stands in for `deref`. */
function collectAtOnce(t: TestContext) {
  const deref = mock.method(WeakRef.prototype, "deref", (): unknown => undefined);
  atEnd(t, () => mock.restoreAll());
  return deref.mock;
}

/** An ended gather, and how often its file was read. */
function stage(more: Parameters<typeof endedEntry>[1] = {}) {
  const file = JSON.stringify(endedEntry(7, more));
  const reads = { count: 0 };
  const held = new Held(JSON.parse(file), 1, () => {
    reads.count++;
    return JSON.parse(file);
  });
  return { held, reads, entry: JSON.parse(file) };
}

test("an ended gather that was let go is read again when it is asked for, and only then", (t) => {
  collectAtOnce(t);
  const { held, reads, entry } = stage();
  assert.deepEqual(held.entry, entry);
  held.letGo();
  assert.deepEqual([held.id, held.summary.status, reads.count], [7, "completed", 0]);
  assert.deepEqual(held.entry, entry);
  assert.equal(reads.count, 1);
  held.keep();
  assert.deepEqual([held.entry, held.entry], [entry, entry]);
  assert.equal(reads.count, 2, "it is kept now");
});

test("whoever has it changes the one that others have, though it was let go meanwhile", () => {
  const { held, reads } = stage();
  const mine = held.entry;
  held.letGo();
  mine.message = "changed";
  assert.equal(held.entry, mine);
  held.keep();
  assert.equal(held.entry.message, "changed");
  assert.equal(reads.count, 0);
});

test("its summary says what finds, sorts and counts it, whether its entry is here or not", () => {
  const { held } = stage({
    status: "error",
    reason: "failed",
    request: request({ customName: "plan:a", command: "VM=x gather" }),
    resolved: { command: "NS=n VM=x gather", commandLine: "" },
    archive: null,
    leftovers: ["namespace/openshift-must-gather-abcde"],
  });
  const expected = {
    status: "error",
    reason: "failed",
    customName: "plan:a",
    command: "NS=n VM=x gather",
    createdAt: held.entry.createdAt,
    endedAt: Date.parse("2026-01-02T03:05:00.000Z"),
    archive: null,
    leftovers: 1,
    mayStand: false,
    toPurge: false,
  };
  assert.deepEqual(held.summary, expected);
  held.letGo();
  assert.deepEqual(held.summary, expected);
  held.entry.leftovers = [];
  held.keep();
  assert.equal(held.summary.leftovers, 0);
});

test("an ended gather is let go once its file says so, and a change of it is in the file", async (t) => {
  collectAtOnce(t);
  const { registry, journal, folder } = await stageRegistry(t);
  const live = entry(1);
  const held = registry.add(live);
  registry.persist(held);
  assert.equal(held.entry, live, "a live one stays");
  live.status = "completed";
  registry.persist(held);
  await registry.settle(held);
  assert.notEqual(held.entry, live);
  assert.deepEqual(held.entry, live);

  const again = held.entry;
  again.message = "changed later";
  mock.restoreAll(); // `again` is in use
  registry.changed(held);
  await journal.flush();
  assert.match(await readFile(join(folder, "1.json"), "utf8"), /changed later/);
});

test("what the file system refuses to take stays in memory until it is written", async (t) => {
  const deref = collectAtOnce(t);
  const { registry, journal, events } = await stageRegistry(t);
  const held = registry.add(endedEntry(1));
  registry.persist(held);
  await journal.flush();
  const fails = mock.method(JSON, "stringify", () => {
    throw new Error("ENOSPC");
  });
  const mine = held.entry;
  deref.mockImplementation(() => mine);
  mine.message = "not written";
  registry.persist(held);
  await journal.flush();
  fails.mock.restore();
  deref.mockImplementation(() => undefined);
  assert.deepEqual(events("error"), ["journal cannot be written"]);
  assert.equal(held.entry.message, "not written");
});

test("one whose file somebody took or spoilt is told, left out of lists, and can be removed", async (t) => {
  collectAtOnce(t);
  const { registry, folder, events } = await stageRegistry(t);
  const work = await testFolder(t);
  for (const id of [1, 2, 3]) {
    await writeFile(join(folder, `${id}.json`), JSON.stringify(endedEntry(id)));
    registry.addRead(endedEntry(id));
  }
  await rm(join(folder, "1.json"));
  await writeFile(join(folder, "2.json"), "{");
  const all = [...registry.all()];
  for (const held of all.slice(0, 2)) {
    assert.throws(
      () => held.entry,
      new RegExp(`The record of gather ${held.id} cannot be read: (ENOENT|.*JSON)`),
    );
  }
  assert.deepEqual(events("error"), [
    "journal file cannot be read any more",
    "journal file cannot be read any more",
  ]);
  const bodies = new Bodies(registry, work, new Durations());
  const list = JSON.parse((await bodies.list("", () => all)).bytes.toString()) as { id: number }[];
  assert.deepEqual(list.map(({ id }) => id), [3]);
  for (const held of all) await removeGather(held, registry, work);
  assert.deepEqual([...registry.all()], []);
});
