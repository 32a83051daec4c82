import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { CredentialStore } from "../../src/gathers/credentials.ts";
import type { Entry } from "../../src/gathers/entry.ts";
import { gatherFolder } from "../../src/gathers/folders.ts";
import { Journal } from "../../src/gathers/journal.ts";
import type { Packer } from "../../src/gathers/packer.ts";
import type { Reaper } from "../../src/gathers/reaper.ts";
import { Purger } from "../../src/gathers/purger.ts";
import { readJournal, recoverGathers } from "../../src/gathers/recovery.ts";
import type { Held } from "../../src/gathers/held.ts";
import { Registry } from "../../src/gathers/registry.ts";
import type { Runner } from "../../src/gathers/runner.ts";
import { atEnd, testFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";
import { endedEntry, entry, keptLog } from "./stage.ts";

/** A journal of an earlier life with these entries, and a boot over it with everything but the journal made up. */
async function boot(t: TestContext, left: readonly (Entry | { file: string; text: string })[]) {
  const [folder, work] = [await testFolder(t), await testFolder(t)];
  for (const each of left) {
    const [file, text] = "file" in each
      ? [each.file, each.text]
      : [`${each.id}.json`, JSON.stringify(each)];
    await writeFile(join(folder, file), text);
  }
  const kept = keptLog();
  const journal = await Journal.open<Entry>(folder, kept.log);
  atEnd(t, () => journal.close());
  const registry = new Registry(journal);
  const done: string[] = [];
  const note = (what: string) => (held: Held) => void done.push(`${what} ${held.entry.id}`);
  const runner = {
    begin: note("begin"),
    recover: note("recover"),
    enqueue: note("enqueue"),
    abandon: note("abandon"),
    cancel: note("cancel"),
    ended: (held: Held) => Promise.resolve(note("ended")(held)),
  } as unknown as Runner;
  const clear = { fails: 0 };
  const packer: Packer = {
    pack: () => Promise.reject(new Error("not now")),
    clear: ({ path }) => {
      const id = Number(path.split("/").at(-1));
      done.push(`clear ${id}`);
      return id === clear.fails ? Promise.reject(new Error("EACCES")) : Promise.resolve();
    },
  };
  const without = new Set<number>();
  const credentials = { has: (id: number) => !without.has(id) } as CredentialStore;
  const reaper = { tend: note("tend") } as unknown as Reaper;
  const learnt: number[] = [];
  const read = () => readJournal(journal, registry, work, ({ id }) => learnt.push(id));
  const recover = () =>
    recoverGathers({
      registry,
      runner,
      purger: new Purger({ registry, runner, workPath: work, log: kept.log }),
      packer,
      credentials,
      reaper,
      workPath: work,
      log: kept.log,
    });
  const store = async (id: number, bytes: string) => {
    const { path } = gatherFolder(work, id);
    await mkdir(path, { recursive: true });
    await writeFile(join(path, "archive.zip"), bytes);
  };
  return {
    ...kept,
    folder,
    work,
    journal,
    registry,
    done,
    learnt,
    read,
    recover,
    store,
    clear,
    without,
  };
}

const running = (id: number) =>
  entry(id, { status: "inprogress", state: "inprogress.gathering.collecting" });

test("what the journal has is listed before anything is started", async (t) => {
  const { read, registry, done, learnt } = await boot(t, [
    entry(10),
    running(9),
    endedEntry(2),
  ]);
  await read();
  assert.deepEqual(learnt, [2, 9, 10]);
  assert.deepEqual([...registry.all()].map((held) => held.entry.id), [2, 9, 10]);
  assert.deepEqual(done, []);
});

test("files that are no entry, of a newer version or of another id are set aside; the rest goes on", async (t) => {
  const { read, registry, events, journal } = await boot(t, [
    endedEntry(1),
    { file: "2.json", text: JSON.stringify(endedEntry(1)) },
    { file: "3.json", text: JSON.stringify({ ...endedEntry(3), version: 2 }) },
    { file: "4.json", text: "{" },
  ]);
  await read();
  assert.deepEqual([...registry.all()].map((held) => held.entry.id), [1]);
  assert.equal(events("error").length, 3);
  assert.equal(journal.nextId(), 5);
});

test("ids go on above the folders of a journal that was lost", async (t) => {
  const { read, journal, store, folder } = await boot(t, []);
  await store(41, "zip");
  await read();
  await journal.flush();
  assert.equal(JSON.parse(await readFile(join(folder, "ids.json"), "utf8")).next, 42);
  assert.equal(journal.nextId(), 42);
});

test("what ran is ended first, then what waited waits again, in its order", async (t) => {
  const { read, recover, done, without } = await boot(t, [
    entry(1),
    running(2),
    entry(3),
    running(4),
    entry(5),
  ]);
  without.add(3); // its credentials went with the old process
  await read();
  await recover();
  assert.deepEqual(done, [
    "begin 2",
    "recover 2",
    "begin 4",
    "recover 4",
    "begin 1",
    "enqueue 1",
    "begin 3",
    "abandon 3",
    "begin 5",
    "enqueue 5",
  ]);
});

test("one that was started in the moment before the crash is known by its folder, and ended", async (t) => {
  const { read, recover, done, work } = await boot(t, [entry(1), entry(2)]);
  await mkdir(gatherFolder(work, 2).tree, { recursive: true });
  await mkdir(gatherFolder(work, 1).path, { recursive: true }); // of its credentials
  await read();
  await recover();
  assert.deepEqual(done, ["begin 2", "recover 2", "begin 1", "enqueue 1"]);
});

test("one that was to be purged at its end is, whenever the crash was", async (t) => {
  const purge = true;
  const { read, recover, done, registry, work, store } = await boot(t, [
    { ...running(1), purge },
    entry(2, { purge }),
    endedEntry(3, { purge }),
    endedEntry(4, { purge, leftovers: ["namespace/openshift-must-gather-abcde"] }),
  ]);
  await store(3, "zip");
  await read();
  await recover();
  assert.deepEqual(done.slice(0, 3), ["begin 1", "recover 1", "ended 1"]);
  assert.deepEqual(done.slice(3), [
    "begin 2",
    "ended 2",
    "cancel 2",
    "ended 3",
    "tend 4",
    "clear 4",
  ]);
  await until("they are gone", () => [...registry.all()].length === 1);
  await until("their files too", async () => (await readdir(work)).length === 0);
  assert.equal(registry.get(4)?.summary.leftovers, 1, "its record is all that names that");
});

test("an ended gather keeps its archive, and is cleared of what is not wanted any more", async (t) => {
  const { read, recover, done, registry, store, events } = await boot(t, [endedEntry(1)]);
  await store(1, "zip");
  await read();
  const revision = registry.get(1)?.revision;
  await recover();
  assert.deepEqual(done, ["tend 1", "clear 1"]);
  assert.ok(registry.get(1)?.entry.archive);
  assert.equal(registry.get(1)?.revision, revision);
  assert.deepEqual(events("error"), []);
});

test("an archive that is gone, or is another, is told in its record, once and for good", async (t) => {
  const { read, recover, registry, store, events, journal, folder } = await boot(t, [
    endedEntry(1),
    endedEntry(2),
    endedEntry(3, { archive: null }),
  ]);
  await store(2, "another length");
  await read();
  await recover();
  await journal.flush();
  for (const id of [1, 2]) {
    const written = JSON.parse(await readFile(join(folder, `${id}.json`), "utf8"));
    assert.equal(written.archive, null);
    assert.equal(written.status, "completed");
    assert.match(
      written.message,
      /^The archive is ready\. The archive is gone: .*start the gather/,
    );
    assert.deepEqual(written, registry.get(id)?.entry);
  }
  assert.equal(registry.get(3)?.entry.message, "The archive is ready");
  assert.deepEqual(events("error"), ["archive is gone", "archive is gone"]);
});

test("one that cannot be looked after is told and holds up no other", async (t) => {
  const { read, recover, done, clear, events } = await boot(t, [
    endedEntry(1, { archive: null }),
    endedEntry(2, { archive: null }),
  ]);
  clear.fails = 1;
  await read();
  await recover();
  assert.deepEqual(done, ["tend 1", "clear 1", "tend 2", "clear 2"]);
  assert.deepEqual(events("error"), ["cannot look after an ended gather"]);
});

test("one that is purged or evicted while boot looks at its archive is not told as lost", async (t) => {
  for (const how of ["purged", "evicted"]) {
    const { read, recover, registry, events } = await boot(t, [endedEntry(1)]);
    await read();
    const held = registry.get(1);
    assert.ok(held);
    const recovering = recover(); // it looks for the file now
    if (how === "purged") await registry.remove(held);
    else held.entry.archive = null;
    await recovering;
    assert.deepEqual(events("error"), [], how);
    assert.equal(held.entry.message, "The archive is ready", how);
  }
});
