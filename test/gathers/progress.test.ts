import assert from "node:assert/strict";
import { test } from "node:test";
import type { GatherRequest } from "../../src/schema/request.ts";
import { type Entry, newEntry } from "../../src/gathers/entry.ts";
import { Durations } from "../../src/gathers/progress.ts";
import { MILESTONES } from "../../src/oc/milestones.ts";

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

test("names with blanks are of the same kind too, and so is a command that was looked up", () => {
  const durations = new Durations();
  durations.learn(completed(1, 10, "NS=shop VM=web /usr/bin/targeted"));
  for (
    const line of [`NS=a VM='web (prod)' /usr/bin/targeted`, `NS=a VM='it'"'"'s' /usr/bin/targeted`]
  ) {
    assert.equal(durations.estimate(gather(2, {}, line), START + 5000)?.percent, 50, line);
  }
  const resolved = { command: "", commandLine: "NS=b VM=c /usr/bin/targeted" };
  assert.equal(
    durations.estimate(gather(3, { resolved }, "VM=x /usr/bin/targeted"), START + 5000)?.percent,
    50,
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

test("the first gather of Forklift's image is as far as its steps, one after the other and never back", () => {
  const durations = new Durations();
  const percents: (number | undefined)[] = [];
  const at = (state: string) =>
    percents.push(durations.estimate(gather(1, { state }), START + 1000)?.percent);
  at("inprogress.gathering.starting");
  for (let milestone = 1; milestone <= MILESTONES; milestone++) {
    durations.reached(1, milestone);
    at("inprogress.gathering.collecting");
  }
  durations.reached(1, 1);
  at("inprogress.gathering.collecting");
  for (const state of ["copying", "reaping", "packing", "stopping"]) at(`inprogress.${state}`);
  assert.deepEqual(percents, [undefined, 12, 25, 37, 50, 50, 62, 75, 87, 87]);
  assert.equal(durations.estimate(gather(1, { state: "inprogress.packing" }), START)?.endsAt, null);
});

test("what is learned meanwhile takes over from the steps, and what was told stays", () => {
  const durations = new Durations();
  durations.reached(1, MILESTONES);
  assert.equal(durations.estimate(gather(1), START + 1000)?.percent, 50);
  durations.learn(completed(2, 10));
  assert.equal(durations.estimate(gather(1), START + 1000)?.percent, 50);
  assert.equal(durations.estimate(gather(1), START + 8000)?.percent, 80);
});

test("steps are forgotten with the gather", () => {
  const durations = new Durations();
  durations.reached(1, 2);
  durations.learn(gather(1, { status: "error", finishedAt: at(1) }));
  assert.equal(durations.estimate(gather(1), START + 1000), undefined);
});
