import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { type Check, Journal } from "../../src/gathers/journal.ts";
import { OwnedError } from "../../src/gathers/owner.ts";
import { atEnd, testFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";
import { keptLog } from "./stage.ts";

interface Note {
  text: string;
}

const asNote: Check<Note> = (data) => {
  if (typeof (data as Note | null)?.text !== "string") throw new TypeError("no note");
  return data as Note;
};

/** Opens and reads a journal; closed at the end of the test at the latest. */
async function open(t: TestContext, folder: string) {
  const kept = keptLog();
  const journal = await Journal.open<Note>(folder, kept.log);
  atEnd(t, () => journal.close());
  const entries = new Map<number, Note>();
  await journal.read(asNote, (note, id) => entries.set(id, note));
  return { ...kept, journal, entries };
}

/** The files of entries, without sockets. */
const files = async (folder: string) =>
  (await readdir(folder)).filter((name) => !name.endsWith(".sock")).toSorted();

const read = async (folder: string, name: string) =>
  JSON.parse(await readFile(join(folder, name), "utf8"));

/** Lets a file system refuse every write of one file. */
async function refuse(folder: string, name: string): Promise<() => Promise<void>> {
  const path = join(folder, `.${name}.tmp`);
  await symlink("/dev/full", path);
  return () => rm(path, { force: true });
}

test("what was saved is there for the next life, by id ascending", async (t) => {
  const folder = join(await testFolder(t), "made", "on", "the", "way");
  const first = await open(t, folder);
  assert.equal(first.entries.size, 0);
  for (const id of [10, 9, 2]) first.journal.save(id, { text: `note ${id}` });
  await first.journal.close();
  assert.equal((await stat(folder)).mode & 0o777, 0o700);
  const { entries, told } = await open(t, folder);
  assert.deepEqual([...entries], [2, 9, 10].map((id) => [id, { text: `note ${id}` }]));
  assert.deepEqual(told, []);
});

test("one process has the journal open, until it closes it", async (t) => {
  const folder = await testFolder(t);
  const { journal } = await open(t, folder);
  await assert.rejects(Journal.open(folder, keptLog().log), OwnedError);
  await journal.close();
  await (await open(t, folder)).journal.close();
});

test("states that come while a write runs become one write, and the last is the one that stays", async (t) => {
  const folder = await testFolder(t);
  const { journal } = await open(t, folder);
  const note = { text: "" };
  let writes = 0;
  Object.defineProperty(note, "toJSON", { value: () => (writes++, { text: note.text }) });
  journal.save(1, note);
  await turn(); // it is on its way
  for (let n = 1; n <= 1000; n++) {
    note.text = `state ${n}`;
    journal.save(1, note);
  }
  await journal.saved(1);
  assert.deepEqual(await read(folder, "1.json"), { text: "state 1000" });
  assert.equal(writes, 2);
});

test("saved() resolves under steady writes", async (t) => {
  const folder = await testFolder(t);
  const { journal } = await open(t, folder);
  let text = 0;
  let steady = true;
  const write = () => {
    journal.save(1, { text: String(++text) });
    if (steady) setImmediate(write);
  };
  write();
  for (let n = 0; n < 20; n++) {
    const now = text;
    await journal.saved(1);
    assert.ok(Number((await read(folder, "1.json")).text) >= now);
  }
  steady = false;
  await journal.saved(1);
});

test("a reader finds a whole file at any time", async (t) => {
  const folder = await testFolder(t);
  const { journal } = await open(t, folder);
  let steady = true;
  let n = 0;
  const write = () => {
    journal.save(1, { text: `${++n} `.repeat(n % 1000) });
    if (steady) setImmediate(write);
  };
  write();
  await journal.saved(1);
  for (let look = 0; look < 100; look++) asNote(await read(folder, "1.json"), 1);
  steady = false;
});

test("files that cannot be used are set aside and told, and the rest goes on", async (t) => {
  const folder = await testFolder(t);
  const bad: Record<string, string> = {
    "1.json": "",
    "2.json": '{"text": "cut',
    "3.json": "[]",
    "4.json": "null",
    "5.json": '{"other": 1}',
    "6.json": "\u0000\u0001",
  };
  for (const [name, text] of Object.entries(bad)) await writeFile(join(folder, name), text);
  await mkdir(join(folder, "7.json"));
  await writeFile(join(folder, "8.json"), '{"text": "good"}');
  const { entries, events, journal } = await open(t, folder);
  assert.deepEqual([...entries], [[8, { text: "good" }]]);
  assert.equal(events("error").length, 7);
  for (const [name, text] of Object.entries(bad)) {
    assert.equal(await readFile(join(folder, `${name}.unreadable`), "utf8"), text);
  }
  assert.deepEqual([1, 7, 8, 9].map((id) => journal.hasSetAside(id)), [true, true, false, false]);
  await journal.close();
  const again = await open(t, folder);
  assert.deepEqual(again.told, []);
  assert.ok(again.journal.hasSetAside(1), "also in a later life");
});

test("others get their turn while a long journal is read", async (t) => {
  const folder = await testFolder(t);
  for (let id = 1; id <= 500; id++) await writeFile(join(folder, `${id}.json`), '{"text":"note"}');
  const journal = await Journal.open<Note>(folder, keptLog().log);
  atEnd(t, () => journal.close());
  let checked = 0;
  const turns: number[] = [];
  const note = () => {
    turns.push(checked);
    if (checked < 500) next = setImmediate(note);
  };
  let next = setImmediate(note);
  atEnd(t, () => clearImmediate(next));
  await journal.read((data) => (checked++, asNote(data, checked)), () => {});
  const longest = Math.max(...turns.slice(1).map((at, n) => at - (turns[n] ?? 0)));
  assert.ok(longest <= 64, `${longest} files in a row`);
});

test("the check is told whose file it is", async (t) => {
  const folder = await testFolder(t);
  await writeFile(join(folder, "3.json"), '{"text": "3"}');
  await writeFile(join(folder, "4.json"), '{"text": "3"}');
  const kept = keptLog();
  const journal = await Journal.open<Note>(folder, kept.log);
  atEnd(t, () => journal.close());
  const ids: number[] = [];
  await journal.read((data, id) => {
    assert.equal(asNote(data, id).text, String(id));
    return data as Note;
  }, (_, id) => ids.push(id));
  assert.deepEqual(ids, [3]);
});

test("what a crash left of a write is removed, what is not ours is told and left", async (t) => {
  const folder = await testFolder(t);
  for (
    const name of [".3.json.tmp", ".ids.json.tmp", "notes.txt", "0.json", "01.json", ".hidden"]
  ) {
    await writeFile(join(folder, name), "x");
  }
  const { told, entries } = await open(t, folder);
  assert.equal(entries.size, 0);
  assert.deepEqual(await files(folder), [".hidden", "0.json", "01.json", "notes.txt"]);
  assert.equal(told.length, 4);
});

test("ids rise by one, and none is given twice: not after a removal, not after a crash", async (t) => {
  const folder = await testFolder(t);
  const { journal } = await open(t, folder);
  assert.deepEqual([journal.nextId(), journal.nextId(), journal.nextId()], [1, 2, 3]);
  journal.save(3, { text: "the newest" });
  await journal.saved(3);
  await journal.remove(3); // from here on the folder is as a crash would leave it
  const crashed = await testFolder(t);
  for (const name of await files(folder)) {
    await writeFile(join(crashed, name), await readFile(join(folder, name)));
  }
  assert.equal((await open(t, crashed)).journal.nextId(), 4);
});

test("an id is safe on disk when its entry is", async (t) => {
  const folder = await testFolder(t);
  const { journal } = await open(t, folder);
  const id = journal.nextId();
  journal.save(id, { text: "x" });
  await journal.saved(id);
  assert.equal((await read(folder, "ids.json")).next, 2);
});

test("without the file of ids they go on above the highest entry, also one that cannot be read", async (t) => {
  for (const spoil of [undefined, "garbage", '{"next": "7"}', '{"next": -1}', "null"]) {
    const folder = await testFolder(t);
    await writeFile(join(folder, "7.json"), '{"text": "x"}');
    await writeFile(join(folder, "9.json"), "unreadable");
    if (spoil !== undefined) await writeFile(join(folder, "ids.json"), spoil);
    const { journal } = await open(t, folder);
    await journal.flush();
    assert.equal((await read(folder, "ids.json")).next, 10, "known before the next crash");
    assert.equal(journal.nextId(), 10);
  }
});

test("a mark that is raised is safe before an id is given", async (t) => {
  const folder = await testFolder(t);
  const { journal } = await open(t, folder);
  journal.raiseMark(41);
  journal.raiseMark(5);
  await journal.close();
  assert.equal((await open(t, folder)).journal.nextId(), 42);
});

test("ids are not given before the journal was read", async (t) => {
  const folder = await testFolder(t);
  await writeFile(join(folder, "7.json"), '{"text": "x"}');
  const journal = await Journal.open<Note>(folder, keptLog().log);
  atEnd(t, () => journal.close());
  assert.throws(() => journal.nextId(), /not read/);
});

test("a file system that refuses is told to who waits, once to the log, and tried again until it goes", async (t) => {
  const folder = await testFolder(t);
  const { journal, events } = await open(t, folder);
  const recover = await refuse(folder, "1.json");
  journal.save(1, { text: "first" });
  await assert.rejects(journal.saved(1), { code: "ENOSPC" });
  journal.save(1, { text: "second" });
  await assert.rejects(journal.saved(1), { code: "ENOSPC" });
  assert.deepEqual(events("error"), ["journal cannot be written"]);
  await recover();
  await journal.saved(1);
  assert.deepEqual(await read(folder, "1.json"), { text: "second" });
  assert.deepEqual(events("info"), ["journal can be written again"]);
});

test("an id that cannot be made safe refuses its entry", async (t) => {
  const folder = await testFolder(t);
  const { journal } = await open(t, folder);
  const recover = await refuse(folder, "ids.json");
  const id = journal.nextId();
  journal.save(id, { text: "x" });
  await assert.rejects(journal.saved(id), { code: "ENOSPC" });
  assert.equal(journal.nextId(), id + 1, "and is not given again");
  await recover();
});

test("a refused entry can be removed at once, and nothing of it stays", async (t) => {
  const folder = await testFolder(t);
  const { journal } = await open(t, folder);
  await refuse(folder, "1.json");
  journal.save(1, { text: "x" });
  await assert.rejects(journal.saved(1), { code: "ENOSPC" });
  const started = performance.now();
  await journal.remove(1);
  assert.ok(performance.now() - started < 500);
  assert.deepEqual(await files(folder), []);
  journal.save(2, { text: "y" });
  await journal.saved(2);
});

test("an entry that is removed while it is being written stays removed", async (t) => {
  const folder = await testFolder(t);
  const { journal } = await open(t, folder);
  journal.save(1, { text: "x".repeat(1_000_000) });
  const waiting = journal.saved(1).then(() => {}, () => {});
  const removed = journal.remove(1);
  journal.save(1, { text: "late" });
  await removed;
  await waiting;
  await journal.flush();
  assert.deepEqual(await files(folder), []);
});

test("an entry that was released is written when it is saved again", async (t) => {
  const folder = await testFolder(t);
  const { journal } = await open(t, folder);
  journal.save(1, { text: "x" });
  await journal.release(1);
  await journal.release(1);
  journal.save(1, { text: "y" });
  await journal.saved(1);
  assert.deepEqual(await read(folder, "1.json"), { text: "y" });
});

test("an entry is released when an older write of it that is still on its way is over, too", async (t) => {
  const folder = await testFolder(t);
  const { journal } = await open(t, folder);
  journal.save(1, { text: "older, and long on its way ".repeat(100_000) });
  await turn(); // it is on its way
  journal.saveNow(1, { text: "newest" });
  await journal.release(1);
  assert.deepEqual(await files(folder), ["1.json"]);
});

test("an entry that is saved now is in its file at once, and the newest state is the one that stays", async (t) => {
  const folder = await testFolder(t);
  const { journal } = await open(t, folder);
  journal.saveNow(1, { text: "new" });
  assert.deepEqual(await read(folder, "1.json"), { text: "new" });
  journal.save(1, { text: "older, and long on its way ".repeat(100_000) });
  await turn(); // it is on its way
  journal.saveNow(1, { text: "newest" });
  await journal.saved(1);
  assert.deepEqual(await read(folder, "1.json"), { text: "newest" });
  await journal.remove(1);
  assert.deepEqual(await files(folder), []);
  await journal.close();
  journal.saveNow(2, { text: "late" });
  assert.deepEqual(await files(folder), []);
});

test("what was saved now is not written once more, nor what comes in one turn more than once", async (t) => {
  const folder = await testFolder(t);
  const { journal } = await open(t, folder);
  const inode = async () => (await stat(join(folder, "1.json"))).ino;
  journal.save(1, { text: "older" });
  const saved = journal.saved(1);
  journal.saveNow(1, { text: "newest" });
  const before = await inode();
  await saved;
  await journal.flush();
  assert.equal(await inode(), before);
  journal.save(1, { text: "a" });
  journal.save(1, { text: "b" });
  await journal.saved(1);
  assert.deepEqual(await read(folder, "1.json"), { text: "b" });
});

test("where it cannot be saved now, it is as soon as that goes", async (t) => {
  const folder = await testFolder(t);
  const { journal, events } = await open(t, folder);
  await refuse(folder, "1.now.json");
  journal.saveNow(1, { text: "x" });
  await journal.saved(1);
  assert.deepEqual(await read(folder, "1.json"), { text: "x" });
  assert.deepEqual(events("error"), []);
  await mkdir(join(folder, ".2.now.json.tmp"));
  journal.saveNow(2, { text: "y" });
  await journal.saved(2);
  assert.deepEqual(await read(folder, "2.json"), { text: "y" });
});

test("close() writes what is left, and nothing is written behind it", async (t) => {
  const folder = await testFolder(t);
  const { journal } = await open(t, folder);
  for (let id = 1; id <= 50; id++) journal.save(id, { text: "x" });
  await journal.close();
  assert.equal((await files(folder)).length, 50);
  journal.save(51, { text: "late" });
  await assert.rejects(journal.saved(51), /closed/);
  await journal.flush();
  assert.equal((await files(folder)).length, 50);
});

test("flush() and close() wait for no file system that refuses", async (t) => {
  const folder = await testFolder(t);
  const { journal } = await open(t, folder);
  await refuse(folder, "1.json");
  journal.save(1, { text: "x" });
  await assert.rejects(journal.saved(1), { code: "ENOSPC" });
  const waiting = assert.rejects(journal.saved(1));
  const started = performance.now();
  await journal.close();
  await waiting;
  assert.ok(performance.now() - started < 900);
  await until("the folder to be free", async () => !(await readdir(folder)).includes("owner.sock"));
});
