import assert from "node:assert/strict";
import { chmod, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mock, test, type TestContext } from "node:test";
import { gatherFolder } from "../../src/gathers/folders.ts";
import { Journal } from "../../src/gathers/journal.ts";
import { Registry } from "../../src/gathers/registry.ts";
import { removeGather, removeOldGathers, removeStrayFolders } from "../../src/gathers/removal.ts";
import type { Entry } from "../../src/gathers/entry.ts";
import { atEnd, testFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";
import { endedEntry, entry, keptLog, stageRegistry } from "./stage.ts";

const DAY = 24 * 3_600_000;

async function stage(t: TestContext) {
  const work = await testFolder(t);
  const staged = await stageRegistry(t);
  const fill = async (id: number) => {
    const { path, tree } = gatherFolder(work, id);
    await mkdir(join(tree, "closed"), { recursive: true });
    await writeFile(join(path, "archive.zip"), "zip");
    await writeFile(join(tree, "closed", "file"), "text");
    await chmod(join(tree, "closed"), 0o000); // as whoever made it may have left it
  };
  return { ...staged, work, fill };
}

/** Runs a look for old gathers once. */
async function lookOnce(
  { registry, work, log }: Awaited<ReturnType<typeof stage>>,
  maxAgeMs: number,
  isDone: () => boolean | Promise<boolean>,
): Promise<void> {
  const stop = new AbortController();
  removeOldGathers(registry, work, maxAgeMs, log, stop.signal);
  await until("the look", isDone);
  stop.abort();
}

test("a gather is removed with its record, its journal file and its folder, and nothing else", async (t) => {
  const { registry, journal, folder, work, fill } = await stage(t);
  const [one, two] = [registry.add(endedEntry(1)), registry.add(endedEntry(2))];
  for (const held of [one, two]) {
    await fill(held.entry.id);
    registry.persist(held);
  }
  await journal.flush();
  await removeGather(one, registry, work);
  assert.equal(registry.get(1), undefined);
  assert.deepEqual(await readdir(work), ["2"]);
  assert.deepEqual((await readdir(folder)).filter((name) => name.endsWith(".json")), ["2.json"]);
  await removeGather(one, registry, work); // again, or without files: nothing to do
});

test("a gather goes though whoever reads it makes scratch files in its folder meanwhile", async (t) => {
  const { registry, work, fill } = await stage(t);
  for (let id = 1; id <= 20; id++) {
    const held = registry.add(endedEntry(id));
    await fill(id);
    const reading = Promise.all(Array.from({ length: 3 }, async (_, reader) => {
      const file = join(gatherFolder(work, id).path, `.scratch-${reader}`);
      for (let n = 0; n < 20; n++) {
        await writeFile(file, "").then(() => rm(file)).catch(() => {}); // the folder has gone
      }
    }));
    await removeGather(held, registry, work);
    await reading;
  }
  assert.deepEqual(await readdir(work), []);
});

test("ended gathers go when they are too old since their end, others stay", async (t) => {
  const staged = await stage(t);
  const { registry, work, fill, events } = staged;
  const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
  registry.add(endedEntry(1, { finishedAt: ago(DAY + 1000) }));
  registry.add(endedEntry(2, { finishedAt: ago(DAY - 60_000) }));
  registry.add(endedEntry(3, { status: "error", finishedAt: ago(2 * DAY) }));
  registry.add(
    endedEntry(4, {
      finishedAt: ago(2 * DAY),
      leftovers: ["clusterrolebinding/must-gather-abcde"], // its record is all that names it
    }),
  );
  registry.add(
    entry(5, { status: "inprogress", createdAt: ago(3 * DAY), updatedAt: ago(3 * DAY) }),
  );
  registry.add(entry(6, { createdAt: ago(3 * DAY), updatedAt: ago(3 * DAY) }));
  registry.add(endedEntry(7, { finishedAt: null, updatedAt: ago(2 * DAY) }));
  for (const { entry } of registry.all()) await fill(entry.id);
  await lookOnce(staged, DAY, () => events("info").length === 3);
  assert.deepEqual([...registry.all()].map((held) => held.entry.id), [2, 4, 5, 6]);
  assert.deepEqual((await readdir(work)).toSorted(), ["2", "4", "5", "6"]);
  assert.equal(events("info").length, 3);
});

test("the look is repeated every minute until it is over", async (t) => {
  const staged = await stage(t);
  const { registry, work, log } = staged;
  mock.timers.enable({ apis: ["setInterval", "Date"], now: Date.parse("2026-01-02T00:00:00Z") });
  atEnd(t, () => mock.timers.reset());
  const stop = new AbortController();
  removeOldGathers(registry, work, DAY, log, stop.signal);
  const held = registry.add(endedEntry(1, { finishedAt: "2026-01-01T00:01:30.000Z" }));
  mock.timers.tick(60_000);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(registry.get(1), held);
  mock.timers.tick(60_000);
  await until("the removal", () => registry.get(1) === undefined);
  stop.abort();
  registry.add(endedEntry(2, { finishedAt: "2025-01-01T00:00:00.000Z" }));
  mock.timers.tick(600_000);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(registry.get(2));
});

test("one that cannot be removed is told and holds up no other", async (t) => {
  const staged = await stage(t);
  const { registry, work, fill, events, journal } = staged;
  const old = "2020-01-01T00:00:00.000Z";
  registry.add(endedEntry(1, { finishedAt: old }));
  registry.add(endedEntry(2, { finishedAt: old }));
  await fill(2);
  const { remove } = journal;
  journal.remove = (id) => id === 1 ? Promise.reject(new Error("EROFS")) : remove.call(journal, id);
  await lookOnce(staged, DAY, () => events("info").length === 1);
  assert.deepEqual(events("error"), ["cannot remove an old gather"]);
  assert.deepEqual(await readdir(work), []);
});

test("folders without a record go, and what is no gather's folder stays", async (t) => {
  const { registry, work, fill, log, events } = await stage(t);
  registry.add(endedEntry(1));
  registry.add(entry(2));
  for (const id of [1, 2, 3, 40]) await fill(id);
  for (const name of ["journal", "03", "3x", "-4", "0"]) await mkdir(join(work, name));
  await writeFile(join(work, "file"), "");
  await removeStrayFolders(registry, work, log);
  assert.deepEqual((await readdir(work)).toSorted(), [
    "-4",
    "0",
    "03",
    "1",
    "2",
    "3x",
    "file",
    "journal",
  ]);
  assert.equal(events("warn").length, 2);
});

test("the folder of a record that could not be read stays with its archive", async (t) => {
  const { work, fill } = await stage(t);
  const folder = await testFolder(t);
  await writeFile(join(folder, "3.json"), '{"version": 999}');
  for (const id of [3, 4]) await fill(id);
  for (const life of ["first", "second"]) {
    const { log } = keptLog();
    const journal = await Journal.open<Entry>(folder, log);
    await journal.read(() => {
      throw new TypeError("a newer version");
    }, () => {});
    await removeStrayFolders(new Registry(journal), work, log);
    assert.deepEqual(await readdir(work), ["3"], life);
    await journal.close();
  }
});
