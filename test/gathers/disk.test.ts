import assert from "node:assert/strict";
import { mkdir, readdir, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { Disk, type DiskOptions } from "../../src/gathers/disk.ts";
import { gatherFolder } from "../../src/gathers/folders.ts";
import type { Held } from "../../src/gathers/held.ts";
import { Problem } from "../../src/problem.ts";
import { atEnd, testFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";
import { endedEntry, entry, stageRegistry } from "./stage.ts";

const MIB = 2 ** 20;

async function stage(t: TestContext) {
  const work = await testFolder(t);
  const staged = await stageRegistry(t);
  const disk = (workLimitBytes?: number, evict: DiskOptions["evict"] = "never") =>
    new Disk({ registry: staged.registry, log: staged.log, workPath: work, workLimitBytes, evict });
  const fill = async (id: number, bytes: number) => {
    const { path } = gatherFolder(work, id);
    await mkdir(path, { recursive: true });
    await writeFile(join(path, "archive.zip"), Buffer.alloc(bytes));
  };
  const kept = async () => {
    const folders = (await readdir(work)).toSorted();
    const full = folders.map(async (id) => (await readdir(join(work, id))).length > 0);
    const isFull = await Promise.all(full);
    return folders.filter((_, index) => isFull[index]).map(Number);
  };
  return { ...staged, work, disk, fill, kept };
}

const isFull = (words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Problem, String(error));
  assert.equal(error.status, 507);
  assert.match(error.detail, words);
  return true;
};

test("what gathers keep is counted against the limit, figures and what to do are told", async (t) => {
  const { disk, fill, registry } = await stage(t);
  registry.add(endedEntry(1));
  await fill(1, 3 * MIB);
  await disk(4 * MIB).admit();
  await assert.rejects(
    disk(3 * MIB).admit(),
    isFull(/^The service keeps 3\.0 MiB of at most 3\.0 MiB \(WORK_LIMIT\); .*\?purge=1$/),
  );
  const { used, limit } = await disk(5 * MIB).use();
  assert.deepEqual([used, limit], [3 * MIB, 5 * MIB]);
});

test("without a limit most of what is free may be used, and some of the file system stays free", async (t) => {
  const { disk, work } = await stage(t);
  const { limit, free, reserve, used } = await disk().use();
  const system = await statfs(work);
  assert.equal(used, 0);
  assert.ok(limit > 0 && limit <= 20 * 2 ** 30 && limit <= free * 0.7 + MIB);
  assert.equal(Math.round(reserve), Math.round(system.blocks * system.bsize * 0.15));
});

test("a quarter of what is free may still be fetched when there is no more room, or of a smaller limit", async (t) => {
  const { disk, fill, registry } = await stage(t);
  registry.add(entry(1, { status: "inprogress" }));
  await fill(1, 5 * MIB);
  assert.equal(await disk(4 * MIB).spareBytes(), MIB);
  const { free } = await disk().use();
  const spare = await disk(2 * free).spareBytes();
  assert.ok(Math.abs(spare - free / 4) < free / 100, `${spare} of ${free}`);
});

test("a work folder that is gone rejects, and is measured again when it is back", async (t) => {
  const { disk, work } = await stage(t);
  const measured = disk(MIB);
  await rm(work, { recursive: true });
  await assert.rejects(measured.use(), { code: "ENOENT" });
  await mkdir(work);
  await measured.admit();
});

test("gathers that ended long ago are measured once, running ones each time", async (t) => {
  const { disk, fill, registry } = await stage(t);
  registry.add(endedEntry(1, { finishedAt: "2020-01-01T00:00:00.000Z" }));
  registry.add(entry(2, { status: "inprogress" }));
  await fill(1, 1000);
  await fill(2, 100);
  const measured = disk(MIB);
  assert.equal((await measured.use()).used, 1100);
  assert.equal((await measured.use()).used, 1100);
  await fill(1, 5000);
  await fill(2, 200);
  const used = await until("the next measurement", async () => {
    const { used } = await measured.use();
    return used !== 1100 ? used : 0;
  });
  assert.equal(used, 1200);
});

test("a gather whose folder was cleared is measured once, also right after its end", async (t) => {
  const { disk, fill, registry } = await stage(t);
  const finishedAt = new Date().toISOString();
  registry.add(endedEntry(1, { finishedAt })).isCleared = true;
  registry.add(endedEntry(2, { finishedAt }));
  for (const id of [1, 2]) await fill(id, 10 ** id);
  const measured = disk(MIB);
  assert.equal((await measured.use()).used, 110);
  for (const id of [1, 2]) await fill(id, 2 * 10 ** id);
  assert.equal((await measured.use(performance.now())).used, 210);
});

for (
  const [evict, goes] of [
    ["never", []],
    ["replaced", [1, 3]],
    ["oldest", [1, 2, 3, 4, 5, 6]],
  ] as const
) {
  test(`EVICT=${evict} lets go the archives that it should, the oldest first, and no more than it must`, async (t) => {
    const { disk, fill, registry, kept } = await stage(t);
    registry.add(endedEntry(1, { customName: "a" }));
    registry.add(endedEntry(2)); // no name: nothing replaces it
    registry.add(endedEntry(3, { customName: "a", status: "error" }));
    registry.add(endedEntry(4, { customName: "a" }));
    registry.add(endedEntry(5, { customName: "b" }));
    registry.add(endedEntry(6, { customName: "b", status: "error" })); // newer, and not completed
    registry.add(entry(7, { status: "inprogress" }));
    for (let id = 1; id <= 7; id++) await fill(id, 1000);
    const all = [1, 2, 3, 4, 5, 6, 7];
    if (goes.length > 0) {
      await disk(6500, evict).admit(); // one is enough
      assert.deepEqual(await kept(), all.filter((id) => id !== goes[0]));
      const held = registry.get(goes[0] ?? 0);
      assert.equal(held?.entry.archive, null);
      assert.match(held?.entry.message ?? "", /^The archive is ready\. Its archive was removed to/);
    }
    await assert.rejects(disk(500, evict).admit(), isFull(/WORK_LIMIT/));
    assert.deepEqual(await kept(), all.filter((id) => !goes.some((other) => other === id)));
  });
}

test("requests that come together have no more archives removed than one of them", async (t) => {
  const { disk, fill, kept, registry } = await stage(t);
  for (const id of [1, 2, 3, 4]) {
    registry.add(endedEntry(id));
    await fill(id, MIB);
  }
  const room = disk(4 * MIB, "oldest");
  await Promise.all([room.admit(), room.admit(), room.admit()]);
  assert.deepEqual(await kept(), [2, 3, 4]);
});

test("when there is no more room while gathers run, the largest is told of, until it is over", async (t) => {
  const { disk, fill, registry } = await stage(t);
  const keep = setInterval(() => {}, 1000);
  atEnd(t, () => clearInterval(keep));
  registry.add(endedEntry(1));
  registry.add(entry(2, { status: "inprogress" }));
  const large = registry.add(entry(3, { status: "inprogress" }));
  registry.add(entry(4));
  await fill(1, 9000);
  await fill(2, 100);
  await fill(3, 200);
  const told: Held[] = [];
  const stop = new AbortController();
  disk(5000).watch((held) => told.push(held), stop.signal);
  await until("the news", () => told.length > 0);
  stop.abort();
  assert.deepEqual(told, [large]);
});

test("a gather for which room was made is not ended for what was there before", async (t) => {
  const { disk, fill, registry } = await stage(t);
  const keep = setInterval(() => {}, 1000);
  atEnd(t, () => clearInterval(keep));
  registry.add(endedEntry(1));
  await fill(1, 9000);
  const watched = disk(5000, "oldest");
  await watched.admit();
  registry.add(entry(2, { status: "inprogress" }));
  await fill(2, 100);
  let looks = 0;
  const live = registry.live.bind(registry);
  registry.live = () => (looks++, live());
  const told: Held[] = [];
  const stop = new AbortController();
  watched.watch((held) => told.push(held), stop.signal);
  await until("a second look", () => looks >= 2);
  stop.abort();
  assert.deepEqual(told, []);
});
