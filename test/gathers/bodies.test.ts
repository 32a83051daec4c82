import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { test, type TestContext } from "node:test";
import { join } from "node:path";
import { Bodies, type List } from "../../src/gathers/bodies.ts";
import { gatherFolder } from "../../src/gathers/folders.ts";
import { LiveOutput } from "../../src/gathers/live-output.ts";
import { Durations } from "../../src/gathers/progress.ts";
import type { GatherListItem, GatherRecord } from "../../src/schema/record.ts";
import { testFolder } from "../support/folder.ts";
import { endedEntry, entry, stageRegistry } from "./stage.ts";

async function stage(t: TestContext) {
  const work = await testFolder(t);
  const staged = await stageRegistry(t);
  const bodies = new Bodies(staged.registry, work, new Durations());
  const record = async (id: number) => {
    const held = staged.registry.get(id);
    if (!held) throw new Error(`no gather ${id}`);
    const { bytes, etag } = await bodies.record(held);
    return { bytes, etag, record: JSON.parse(bytes.toString()) as GatherRecord };
  };
  const list = async () =>
    JSON.parse(
      (await bodies.list("", () => [...staged.registry.all()])).bytes.toString(),
    ) as GatherListItem[];
  const write = async (id: number, text: string) => {
    const { path } = gatherFolder(work, id);
    await mkdir(path, { recursive: true });
    await writeFile(join(path, "exec.log"), text);
  };
  return { ...staged, work, bodies, record, list, write };
}

test("a body is made once a revision, and each has a tag of its own", async (t) => {
  const { registry, record } = await stage(t);
  const held = registry.add(entry(1));
  const other = registry.add(entry(2));
  const first = await record(1);
  assert.match(first.etag, /^"[^"\s,]+"$/);
  assert.equal((await record(1)).bytes, first.bytes);
  assert.notEqual((await record(2)).etag, first.etag);
  held.entry.message = "changed";
  registry.changed(held);
  const second = await record(1);
  assert.notEqual(second.etag, first.etag);
  assert.equal(second.record.message, "changed");
  registry.changed(other);
  assert.equal((await record(1)).bytes, second.bytes);
});

test("the output of an ended gather is read from its log: 64 KiB in the record, 1 KiB in the list", async (t) => {
  const { registry, record, list, write } = await stage(t);
  registry.add(endedEntry(1));
  await write(1, Array.from({ length: 20_000 }, (_, n) => `line ${n}\n`).join(""));
  const long = (await record(1)).record["exec-output"];
  const short = (await list())[0]?.["exec-output"] ?? "";
  for (const [text, limit] of [[long, 64 * 1024], [short, 1024]] as const) {
    assert.ok(text.length <= limit && text.length > limit - 20);
    assert.match(text, /^\nline \d+\n[^]*\nline 19999$/);
  }
});

test("output that is gone, or that never was, is empty", async (t) => {
  const { registry, record, list, work } = await stage(t);
  registry.add(endedEntry(1));
  registry.add(entry(2));
  assert.equal((await record(1)).record["exec-output"], "");
  assert.equal((await record(2)).record["exec-output"], "");
  await rm(work, { recursive: true });
  registry.add(endedEntry(3));
  assert.deepEqual((await list()).map((item) => item["exec-output"]), ["", "", ""]);
});

test("the output of a running gather comes from memory", async (t) => {
  const { registry, record, work } = await stage(t);
  const held = registry.add(entry(1, { status: "inprogress", state: "inprogress.gathering" }));
  await mkdir(gatherFolder(work, 1).path);
  held.output = new LiveOutput(gatherFolder(work, 1).path, { drain: () => {}, error: () => {} });
  held.output.write("stdout", Buffer.from("one\ntwo\n"));
  assert.equal((await record(1)).record["exec-output"], "\none\ntwo");
  await held.output.close();
});

test("those that wait tell their place in the queue, also in the list, which has no transitions", async (t) => {
  const { registry, list, record } = await stage(t);
  registry.add(endedEntry(1));
  registry.add(entry(2));
  registry.add(entry(3, { status: "inprogress", state: "inprogress.packing" }));
  registry.add(entry(4));
  const items = await list();
  assert.deepEqual(items.map((item) => item.progress["queue-position"]), [null, 1, null, 2]);
  assert.ok(items.every((item) => !("transitions" in item)));
  assert.deepEqual((await record(4)).record.transitions, []);
});

test("a list is empty, or as it was asked for", async (t) => {
  const { bodies, registry } = await stage(t);
  assert.equal((await bodies.list("status=none", () => [])).bytes.toString(), "[]");
  const [one, two] = [registry.add(entry(1)), registry.add(entry(2))];
  const ids = JSON.parse((await bodies.list("", () => [two, one])).bytes.toString())
    .map((item: GatherListItem) => item.id);
  assert.deepEqual(ids, [2, 1]);
});

test("a list that several ask for at once is made once", async (t) => {
  const { bodies, registry } = await stage(t);
  registry.add(entry(1));
  let made = 0;
  const ask = () => bodies.list("", () => (made++, [...registry.all()]));
  const [one, two] = await Promise.all([ask(), ask()]);
  assert.equal(one, two);
  assert.equal(made, 1);
});

test("who asks for a list that is being made, but has changed since, gets it as it is now", async (t) => {
  const { bodies, registry } = await stage(t);
  registry.add(entry(1));
  const ask = () => bodies.list("", () => [...registry.all()]);
  const before = ask();
  registry.add(entry(2));
  const after = ask();
  const idsOf = async (list: Promise<List>) =>
    JSON.parse((await list).bytes.toString()).map(({ id }: GatherListItem) => id);
  assert.deepEqual(await idsOf(after), [1, 2]);
  assert.deepEqual(await idsOf(before), [1]);
  assert.deepEqual(await idsOf(ask()), [1, 2]);
});

test("a list is kept as long as no record has changed, for the query that it was made for", async (t) => {
  const { bodies, registry } = await stage(t);
  const held = registry.add(entry(1));
  assert.equal(bodies.keptList("limit=1"), undefined);
  const list = await bodies.list("limit=1", () => [held]);
  assert.equal(bodies.keptList("limit=1"), list);
  assert.equal(bodies.keptList("limit=2"), undefined);
  registry.changed(held);
  assert.equal(bodies.keptList("limit=1"), undefined);
});

test("a list too long to keep all of its items is kept whole until something changes", async (t) => {
  const { bodies, registry } = await stage(t);
  for (let id = 1; id <= 2500; id++) {
    registry.add(entry(id, { message: "x".repeat(2000) }));
  }
  let made = 0;
  const ask = () => bodies.list("", () => (made++, [...registry.all()]));
  const first = await ask();
  assert.ok(first.bytes.length > 4 * 2 ** 20);
  assert.equal(await ask(), first);
  assert.equal(made, 1);
  registry.add(entry(2501));
  assert.equal(JSON.parse((await ask()).bytes.toString()).length, 2501);
  assert.equal(made, 2);
});
