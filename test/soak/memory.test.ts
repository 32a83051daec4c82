/** A tenth of the long form. The bounds are below what it would take to hold all of it. */
import assert from "node:assert/strict";
import { describe, test, type TestContext } from "node:test";
import { measureJournal, measureOutput, measureTree, type Use } from "./memory.ts";
import { TESTED } from "./sizes.ts";

const MIB = 2 ** 20;

function checkGrowth(t: TestContext, { before, peak, after }: Use, most: number): void {
  const text = [before, peak, after].map((bytes) => Math.round(bytes / MIB)).join(", ");
  t.diagnostic(`before, at most, after: ${text} MiB`);
  assert.ok(Math.max(peak, after) - before < most, `${text} MiB`);
}

describe("the service's memory", () => {
  test("does not hold oc's output, 95 MiB in 100,000 lines", async (t) => {
    checkGrowth(t, await measureOutput(TESTED.lines), 80 * MIB);
  });

  test("does not hold the tree that it packs, 208 MiB", async (t) => {
    checkGrowth(t, await measureTree(TESTED.files, { ARCHIVE_LEVEL: "1" }), 180 * MIB);
  });

  test("holds no output of ended gathers, 62 MiB as 1,000 records show it", async (t) => {
    const use = await measureJournal(TESTED.gathers);
    t.diagnostic(`CPU to read them: ${use.readMs} ms`);
    checkGrowth(t, use, 60 * MIB);
  });
});
