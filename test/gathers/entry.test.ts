import assert from "node:assert/strict";
import { test } from "node:test";
import { checkEntry, hasEnded } from "../../src/gathers/entry.ts";
import { endedEntry, entry } from "./stage.ts";

/** As it comes back from a file. */
const read = (data: unknown) => checkEntry(JSON.parse(JSON.stringify(data)));

test("entries come back from their files as they were", () => {
  for (
    const each of [
      entry(1, { customName: "plan:a" }),
      endedEntry(2),
      entry(4, { note: "a sentence", resolved: { command: "NS=a b", commandLine: "NS='a b'" } }),
      entry(3, {
        status: "inprogress",
        state: "inprogress.gathering.collecting",
        process: { pid: 7, start: "boot:123" },
        made: [{
          kind: "namespace",
          name: "openshift-must-gather-abcde",
          deleted: false,
          gone: false,
        }],
        transitions: [{
          at: "2026-01-02T03:04:06.000Z",
          event: "gather.start",
          from: "new",
          to: "x",
        }],
        snapshot: { status: "active", value: "new" },
        idempotency: { key: "hash", fingerprint: "hash" },
      }),
    ]
  ) assert.deepEqual(read(each), each);
});

test("a newer version is refused by its number, and whatever is none of ours with what is wrong", () => {
  assert.throws(() => read({ ...entry(1), version: 2 }), /version 2.*up to 1/);
  for (const data of [null, [], "text", {}, { ...entry(1), version: undefined }]) {
    assert.throws(() => read(data), TypeError);
  }
  const bad: Record<string, unknown>[] = [
    { id: 0 },
    { id: "1" },
    { status: "cancelled" },
    { reason: "bored" },
    { request: null },
    { request: { customName: "x" } },
    { archive: { ...endedEntry(1).archive, file: "../../etc/passwd" } },
    { archive: { ...endedEntry(1).archive, size: 0 } },
    { process: { pid: 1 } },
    { unknown: 1 },
  ];
  for (const more of bad) {
    const [key = ""] = Object.keys(more);
    assert.throws(() => read({ ...entry(1), ...more }), new RegExp(`Cannot use ${key}`), key);
  }
});

test("nothing is deleted later that oc cannot have made, whatever a file says", () => {
  const made = (kind: string, name: string) => ({
    ...entry(1),
    made: [{ kind, name, deleted: false, gone: false }],
  });
  read(made("namespace", "openshift-must-gather-abcde"));
  read(made("clusterrolebinding", "must-gather-abcde"));
  for (
    const [kind, name] of [
      ["namespace", "default"],
      ["namespace", "must-gather-abcde"],
      ["namespace", "openshift-must-gather-abcde\n"],
      ["namespace", "openshift-must-gather-abcde --all"],
      ["clusterrolebinding", "cluster-admin"],
      ["clusterrolebinding", "openshift-must-gather-abcde"],
      ["clusterrole", "must-gather-abcde"],
    ] as const
  ) assert.throws(() => read(made(kind, name)), TypeError, name);
});

test("a gather has ended when it is completed or an error", () => {
  assert.deepEqual(
    (["new", "inprogress", "completed", "error"] as const).map((status) =>
      hasEnded(entry(1, { status }))
    ),
    [false, false, true, true],
  );
});
