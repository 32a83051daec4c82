import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import { archiveName, toListItem, toRecord } from "../../src/gathers/record.ts";
import { GatherListItemSchema, GatherRecordSchema } from "../../src/schema/record.ts";
import { endedEntry, entry } from "./stage.ts";

const view = { execOutput: "\none\ntwo", queuePosition: 1, estimate: undefined };

test("the first fifteen keys are those of the service this one replaces, in their order, never null", () => {
  for (const each of [entry(1), endedEntry(2), entry(3, { status: "error", state: "error" })]) {
    const record = toRecord(each, view);
    const first = Object.entries(record).slice(0, 15);
    assert.deepEqual(first.map(([key]) => key), [
      "id",
      "created-at",
      "updated-at",
      "custom-name",
      "status",
      "image",
      "image-stream",
      "node-name",
      "command",
      "source-dir",
      "timeout",
      "server",
      "archive-size",
      "archive-name",
      "exec-output",
    ]);
    for (const [key, value] of first) assert.ok(value !== null && value !== undefined, key);
  }
});

test("records and items of the list are what their schemas promise", () => {
  for (const each of [entry(1, { customName: "plan:a" }), endedEntry(2)]) {
    v.parse(GatherRecordSchema, toRecord(each, view));
    v.parse(GatherListItemSchema, toListItem(each, view));
  }
});

test("a waiting gather has a place in the queue and no archive", () => {
  const record = toRecord(entry(7), view);
  assert.equal(record.status, "new");
  assert.deepEqual(
    [record["archive-size"], record["archive-name"], record["archive-url"], record.partial],
    [0, "", "", false],
  );
  assert.deepEqual(record.progress, {
    "phase": "queued",
    "percent": null,
    "lines": 0,
    "bytes": 0,
    "queue-position": 1,
    "eta": null,
  });
});

test("a completed gather always has the name, the size and the place of its archive", () => {
  const record = toRecord(endedEntry(7), { ...view, queuePosition: null });
  assert.deepEqual(
    [record["archive-size"], record["archive-name"], record["archive-url"]],
    [3, "must-gather.zip", "must-gather/7/data"],
  );
  assert.deepEqual([record.progress.phase, record.progress.percent], ["ended", 100]);
});

test("a completed gather whose archive was removed keeps its name, and offers nothing", () => {
  const gone = { ...endedEntry(7), archive: null, formerArchiveName: "must-gather.zip" };
  const record = toRecord(gone, { ...view, queuePosition: null });
  assert.deepEqual(
    [record["archive-size"], record["archive-name"], record["archive-url"]],
    [0, "must-gather.zip", ""],
  );
});

test("every state of the machine has a phase in plain words", () => {
  for (
    const [state, phase] of [
      ["new", "queued"],
      ["inprogress.gathering.starting", "starting"],
      ["inprogress.gathering.collecting", "gathering"],
      ["inprogress.copying.receiving", "copying"],
      ["inprogress.salvaging", "salvaging"],
      ["inprogress.stopping", "stopping"],
      ["inprogress.reaping", "cleaning up"],
      ["inprogress.packing", "packing"],
      ["completed", "ended"],
      ["error", "ended"],
    ] as const
  ) assert.equal(toRecord(entry(1, { state }), view).progress.phase, phase, state);
});

test("what is left in the cluster is in the message, with how to remove it", () => {
  const { message } = toRecord(
    endedEntry(1, { leftovers: ["clusterrolebinding/must-gather-abcde"] }),
    view,
  );
  assert.match(message, /oc delete clusterrolebinding must-gather-abcde/);
});

test("an archive is named after ARCHIVE_FILENAME, the custom name before its first dot", () => {
  const cases: [name: string, kind: "image" | "zip", file: string, expected: string][] = [
    ["", "image", "must-gather.tar.gz", "must-gather.tar.gz"],
    ["plan:foo", "image", "must-gather.tar.gz", "must-gather-plan:foo.tar.gz"],
    ["plan:foo", "zip", "must-gather.tar.gz", "must-gather-plan:foo.zip"],
    ["", "zip", "must-gather.tar.gz", "must-gather.zip"],
    ["v1.2.3", "image", "must-gather.tar.gz", "must-gather-v1.2.3.tar.gz"],
    ["a/b\\c/../d", "zip", "must-gather.tar.gz", "must-gather-a_b_c_.._d.zip"],
    ["name", "image", "archive", "archive-name"],
    ["name", "zip", "archive", "archive-name.zip"],
    ["name", "image", ".hidden.tgz", ".hidden-name.tgz"],
    ["..", "image", "x.zip", "x-...zip"],
    ["grüße 🦀", "zip", "x.zip", "x-grüße 🦀.zip"],
  ];
  for (const [name, kind, file, expected] of cases) {
    assert.equal(archiveName(name, kind, file), expected);
  }
});
