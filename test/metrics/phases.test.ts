import assert from "node:assert/strict";
import { test } from "node:test";
import { phaseSeconds } from "../../src/metrics/phases.ts";
import { endedEntry } from "../gathers/stage.ts";

const at = (seconds: number) =>
  new Date(Date.UTC(2026, 0, 2, 3, 4, 5) + seconds * 1000).toISOString();

const step = (seconds: number, from: string, to: string, event = "x") => ({
  at: at(seconds),
  event,
  from,
  to,
});

const WAY = [
  step(7, "new", "inprogress.gathering.starting", "gather.start"),
  step(10, "inprogress.gathering.starting", "inprogress.gathering.collecting"),
  step(70, "inprogress.gathering.collecting", "inprogress.copying.receiving"),
  step(75, "inprogress.copying.receiving", "inprogress.copying.receiving"),
  step(80, "inprogress.copying.receiving", "inprogress.reaping"),
  step(81, "inprogress.reaping", "inprogress.packing"),
  step(85, "inprogress.packing", "completed"),
];

test("a gather's time is told by the phases that its progress had, and adds up", () => {
  const spent = phaseSeconds(endedEntry(1, { createdAt: at(0), transitions: WAY }));
  assert.deepEqual(Object.fromEntries(spent), {
    "queued": 7,
    "starting": 3,
    "gathering": 60,
    "copying": 10,
    "cleaning up": 1,
    "packing": 4,
  });
});

test("of a gather that outlived a life of the service no times are told", () => {
  const recovered = step(
    5000,
    "inprogress.copying.receiving",
    "inprogress.stopping",
    "gather.recover",
  );
  const transitions = [...WAY.slice(0, 3), recovered, step(5001, "inprogress.stopping", "error")];
  assert.equal(phaseSeconds(endedEntry(1, { createdAt: at(0), transitions })).size, 0);
});
