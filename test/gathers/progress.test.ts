import assert from "node:assert/strict";
import { test } from "node:test";
import type { GatherRequest } from "../../src/schema/request.ts";
import { type Entry, newEntry } from "../../src/gathers/entry.ts";
import { Durations } from "../../src/gathers/progress.ts";

const START = Date.parse("2026-01-01T00:00:00.000Z");
const at = (seconds: number) => new Date(START + seconds * 1000).toISOString();

function gather(id: number, changes: Partial<Entry> = {}, commandLine = ""): Entry {
  const request = {
    images: ["a"],
    imageStreams: [],
    allImages: false,
    commandLine,
  } as unknown as GatherRequest;
  return {
    ...newEntry(id, at(0), request, null),
    status: "inprogress",
    startedAt: at(0),
    ...changes,
  };
}
const completed = (id: number, seconds: number, commandLine = "") =>
  gather(id, { status: "completed", finishedAt: at(seconds) }, commandLine);

test("nothing is estimated where nothing is known", () => {
  assert.equal(new Durations().estimate(gather(1), START + 1000), undefined);
});

test("the median of what completed gathers of the same image and command took is expected", () => {
  const durations = new Durations();
  for (const [id, seconds] of [[1, 10], [2, 100], [3, 20]] as const) {
    durations.learn(completed(id, seconds));
  }
  durations.learn(completed(4, 1000, "PLAN=p /usr/bin/targeted"));
  const estimate = durations.estimate(gather(9), START + 5000);
  assert.deepEqual(estimate, { percent: 25, endsAt: START + 20_000 });
});

test("plans of other names are of one kind", () => {
  const durations = new Durations();
  durations.learn(completed(1, 10, "PLAN=one /usr/bin/targeted"));
  assert.equal(
    durations.estimate(gather(2, {}, "PLAN=two /usr/bin/targeted"), START + 5000)?.percent,
    50,
  );
  assert.equal(
    durations.estimate(gather(3, {}, "VM=two /usr/bin/targeted"), START + 5000),
    undefined,
  );
});

test("it never says 100 before the end and never goes back", () => {
  const durations = new Durations();
  durations.learn(completed(1, 10));
  const running = gather(2);
  assert.deepEqual(durations.estimate(running, START + 60_000), { percent: 99, endsAt: null });
  assert.equal(durations.estimate(running, START + 1000)?.percent, 99);
});

test("failed gathers and ended ones do not count", () => {
  const durations = new Durations();
  durations.learn(gather(1, { status: "error", finishedAt: at(1) }));
  assert.equal(durations.estimate(gather(2), START + 1000), undefined);
  durations.learn(completed(3, 10));
  assert.equal(durations.estimate(completed(3, 10), START + 1000), undefined);
});
