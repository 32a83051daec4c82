/** The phases of a gather as the console shows them. */
import assert from "node:assert/strict";
import { test } from "node:test";

interface Step {
  label: string;
  state: string;
}

// A variable, so that the compiler does not look into the page's plain JavaScript.
const file: string = new URL("../../src/web/steps.js", import.meta.url).href;
const { stepsOf } = await import(file) as { stepsOf: (record: unknown) => Step[] };

const AT = "2026-11-22T12:00:00.000Z";

/** How the steps look that did not go well. */
function bad(record: Record<string, unknown>, ...states: string[]): string[] {
  const transitions = states.map((to) => ({ at: AT, event: "some", from: "some", to }));
  return stepsOf({ "created-at": AT, "status": "error", "exit-code": null, ...record, transitions })
    .filter(({ state }) => state !== "done").map(({ label, state }) => `${label}: ${state}`);
}

test("the step in which a gather failed or was stopped bears the mark, and those after it do not", () => {
  const starting = "inprogress.gathering.starting";
  const collecting = "inprogress.gathering.collecting";
  const [reaping, packing] = ["inprogress.reaping", "inprogress.packing"];
  assert.deepEqual(
    bad({ reason: "failed", "exit-code": 1 }, starting, reaping, packing, "error"),
    ["Starting: failed", "Failed: failed"],
  );
  assert.deepEqual(
    bad({ reason: "failed", "exit-code": 0 }, starting, collecting, reaping, packing, "error"),
    ["Packing: failed", "Failed: failed"],
  );
  assert.deepEqual(
    bad(
      { reason: "timeout" },
      ...[starting, collecting, "inprogress.salvaging", "inprogress.stopping", reaping, "error"],
    ),
    ["Gathering: failed", "Timed out: failed"],
  );
  assert.deepEqual(
    bad({ reason: "cancelled" }, "error"),
    ["Queued: stopped", "Cancelled: stopped"],
  );
  assert.deepEqual(
    bad({ reason: "no-data" }, starting, collecting, reaping, packing, "error"),
    ["No data: failed"],
  );
  assert.deepEqual(bad({ reason: "", status: "completed" }, starting, reaping, "completed"), []);
});
