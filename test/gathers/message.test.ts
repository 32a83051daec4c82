import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry } from "../../src/gathers/entry.ts";
import { fullMessage, type Outcome, outcomeMessage } from "../../src/gathers/message.ts";
import { ReasonSchema } from "../../src/schema/record.ts";
import { endedEntry } from "./stage.ts";

const outcome: Outcome = { lastWords: "", troubles: [], found: "data", timeout: "20m" };

/** The message of a gather that ended as an error, by default without an archive. */
function failed(more: Partial<Entry>, told: Partial<Outcome> = {}): string {
  const entry = endedEntry(1, { status: "error", state: "error", archive: null, ...more });
  return outcomeMessage(entry, { ...outcome, ...told });
}

test("a completed gather says that its archive is ready", () => {
  assert.equal(outcomeMessage(endedEntry(1), outcome), "The archive is ready");
});

test("every reason has words of its own, and says that there is no archive", () => {
  const said = ReasonSchema.options.filter((reason) => reason !== "").map((reason) => {
    const message = failed({ reason });
    assert.match(message, /There is no archive$/);
    return message;
  });
  assert.equal(new Set(said).size, said.length);
});

test("what oc said last, what went wrong besides and what was kept are told", () => {
  const { archive } = endedEntry(1);
  assert.equal(
    failed({ reason: "failed", exitCode: 3, archive }, {
      lastWords: "error: no such thing.",
      troubles: ["The log of oc's output is cut: ENOSPC"],
    }),
    "oc failed with exit code 3. The log of oc's output is cut: ENOSPC. " +
      "oc said: error: no such thing. The archive holds what was collected until then",
  );
  assert.match(
    failed({ reason: "no-data", archive }, { found: "fallback" }),
    /only what oc's own fallback/,
  );
});

test("a failure is told by what failed: oc, its start, or the packing", () => {
  assert.match(failed({ reason: "failed", exitCode: 1 }), /exit code 1/);
  assert.match(failed({ reason: "failed", exitCode: null }), /signal or could not be started/);
  assert.match(failed({ reason: "failed", exitCode: 0 }), /could not be made/);
  assert.match(failed({ reason: "cancelled", startedAt: null }), /before it started/);
  assert.match(failed({ reason: "timeout" }), /20m.*longer timeout/);
});

test("a message is bounded", () => {
  const message = failed({ reason: "failed" }, { troubles: ["x".repeat(5000)] });
  assert.equal(message.length, 2000);
  assert.ok(message.endsWith("…"));
});

test("what stands in the cluster is told with the commands that remove it, as long as it stands", () => {
  const entry = endedEntry(1, {
    message: "Cancelled.",
    leftovers: ["namespace/openshift-must-gather-abcde", "clusterrolebinding/must-gather-vwxyz"],
  });
  assert.match(
    fullMessage(entry),
    /^Cancelled\. Still in the cluster.*: oc delete namespace openshift-must-gather-abcde; oc delete clusterrolebinding must-gather-vwxyz$/,
  );
  assert.equal(fullMessage({ ...entry, leftovers: [] }), "Cancelled.");
  const note = "No plan p was found";
  assert.equal(fullMessage({ ...entry, leftovers: [], note }), "Cancelled. No plan p was found");
  assert.equal(fullMessage({ ...entry, message: "", leftovers: [], note }), note);
  assert.match(fullMessage({ ...entry, note }), /^Cancelled\. No plan p was found\. Still in /);
});
