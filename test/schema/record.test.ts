import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import {
  EXEC_OUTPUT_BYTES,
  GatherListItemSchema,
  type GatherRecord,
  GatherRecordSchema,
  LIST_EXEC_OUTPUT_BYTES,
} from "../../src/schema/record.ts";

const AT = "2026-11-22T13:37:19.239Z";

const RECORD: GatherRecord = {
  "id": 1,
  "created-at": AT,
  "updated-at": AT,
  "custom-name": "plan:p1",
  "status": "completed",
  "image": "quay.io/kubev2v/forklift-must-gather",
  "image-stream": "",
  "node-name": "",
  "command": "PLAN=p1 /usr/bin/targeted",
  "source-dir": "/must-gather/",
  "timeout": "20m",
  "server": "",
  "archive-size": 138180,
  "archive-name": "must-gather-plan:p1.tar.gz",
  "exec-output": "\nfirst\nsecond",
  "reason": "",
  "message": "",
  "state": "completed",
  "exit-code": 0,
  "started-at": AT,
  "finished-at": AT,
  "images": ["quay.io/kubev2v/forklift-must-gather"],
  "progress": {
    "phase": "done",
    "percent": 100,
    "lines": 2,
    "bytes": 138180,
    "queue-position": null,
    "eta": null,
  },
  "partial": false,
  "archive-url": "must-gather/1/data",
  "archive-digest": `sha-256=:${"A".repeat(43)}=:`,
  "leftovers": [],
  "verdict": {
    "entries": 15,
    "files": 12,
    "bytes": 345_678,
    "empty-files": 1,
    "error-files": { "count": 1, "paths": ["image/namespaces/a/pods.yaml"] },
    "missing": ["image/cluster-scoped-resources"],
  },
  "resolved-command": "NS=openshift-mtv PLAN=p1 /usr/bin/targeted",
  "redaction": {
    "rules": { "jwt": 2 },
    "values": 2,
    "distinct": 1,
    "files": { "count": 1, "paths": [{ "path": "image/a.log", "values": 2 }] },
    "binary": { "count": 1, "paths": ["image/core"] },
    "left-out": { "count": 1, "paths": [{ "path": "image/a.xz", "why": "it is packed" }] },
    "residue": { "count": 0, "paths": [] },
  },
  "transitions": [{
    "at": AT,
    "event": "gather.start",
    "from": "new",
    "to": "inprogress.gathering",
  }],
};

const fits = (change: Record<string, unknown>) =>
  v.is(GatherRecordSchema, { ...RECORD, ...change });

test("the keys stand in the contract's order, those of the old service first", () => {
  assert.deepEqual(Object.keys(GatherRecordSchema.entries), Object.keys(RECORD));
});

test("a whole record fits", () => {
  assert.deepEqual(v.parse(GatherRecordSchema, RECORD), RECORD);
});

test("a record fits without any of its keys only if it is none", () => {
  for (const key of Object.keys(RECORD)) {
    const rest: Record<string, unknown> = { ...RECORD };
    delete rest[key];
    assert.ok(!v.is(GatherRecordSchema, rest), key);
  }
  assert.ok(!fits({ "auth-token": "x" }));
});

test("null stands only where nothing is known", () => {
  const nullable = Object.keys(RECORD).filter((key) => fits({ [key]: null }));
  assert.deepEqual(nullable, ["exit-code", "started-at", "finished-at", "verdict", "redaction"]);
});

test("values clients would stumble over do not fit", () => {
  const bad: readonly Record<string, unknown>[] = [
    { "id": 0 },
    { "id": 1.5 },
    { "status": "cancelled" },
    { "reason": "oops" },
    { "created-at": "2026-11-22T13:37:19Z" },
    { "created-at": "2026-11-22T13:37:19.239+02:00" },
    { "custom-name": "a\nb" },
    { "custom-name": "\u00e9".repeat(129) },
    { "archive-size": -1 },
    { "archive-url": "/must-gather/1/data" },
    { "archive-digest": "sha256:00" },
    { "exec-output": "no newline first" },
    { "exec-output": `\n${"x".repeat(EXEC_OUTPUT_BYTES)}` },
    { "progress": { ...RECORD.progress, percent: 101 } },
    { "progress": { ...RECORD.progress, "queue-position": 0 } },
    { "transitions": [{}] },
  ];
  for (const change of bad) assert.ok(!fits(change), Object.keys(change).join());
});

test("in the list a record has no transitions and at most 1 KiB of output", () => {
  const { transitions: _, ...item } = RECORD;
  assert.deepEqual(Object.keys(GatherListItemSchema.entries), Object.keys(item));
  const output = (bytes: number) => ({ ...item, "exec-output": `\n${"x".repeat(bytes - 1)}` });
  assert.ok(v.is(GatherListItemSchema, output(LIST_EXEC_OUTPUT_BYTES)));
  assert.ok(!v.is(GatherListItemSchema, output(LIST_EXEC_OUTPUT_BYTES + 1)));
  assert.ok(!v.is(GatherListItemSchema, RECORD));
});
