/** The phases of a gather as steps: those it went through, the one it is in, those to come. */
import { hasEnded, statusOf } from "./format.js";

const PHASES = [
  ["new", "Queued"],
  ["inprogress.gathering.starting", "Starting"],
  ["inprogress.gathering", "Gathering"],
  ["inprogress.copying", "Copying"],
  ["inprogress.salvaging", "Saving what there is"],
  ["inprogress.stopping", "Stopping"],
  ["inprogress.reaping", "Cleaning up"],
  ["inprogress.packing", "Packing"],
];

/** What every gather that goes well goes through. */
const USUAL = ["Queued", "Starting", "Gathering", "Copying", "Cleaning up", "Packing"];

/** What comes after oc's own work; the last of them also where that ended well. */
const AFTERWARDS = ["Saving what there is", "Stopping", "Cleaning up"];

function phaseOf(state) {
  return PHASES.find(([start]) => state.startsWith(start))?.[1];
}

/** Steps as `{label, state, ms}`: `done`, `current`, `todo`, or how it ended; `ms` is null where it is not known. */
export function stepsOf(record, now = Date.now()) {
  const stays = [{ label: "Queued", since: Date.parse(record["created-at"]) }];
  for (const { at, to } of record.transitions) {
    const label = phaseOf(to) ?? "End";
    if (stays.at(-1).label !== label) stays.push({ label, since: Date.parse(at) });
  }
  const ended = hasEnded(record);
  const steps = stays.filter(({ label }) => label !== "End").map(({ label, since }, index) => ({
    label,
    state: ended || index < stays.length - 1 ? "done" : "current",
    ms: (stays[index + 1]?.since ?? now) - since,
  }));
  if (ended) {
    const [label, , kind] = statusOf(record);
    const state = record.status === "completed" ? "done" : kind === "muted" ? "stopped" : "failed";
    const where = steps[endedAt(record, steps)];
    if (where) where.state = state;
    return [...steps, { label, state, ms: null }];
  }
  const reached = Math.max(-1, ...steps.map(({ label }) => USUAL.indexOf(label)));
  // After salvaging and stopping come only the last two.
  const from = ["Stopping", "Saving what there is"].includes(steps.at(-1).label)
    ? USUAL.indexOf("Cleaning up")
    : reached + 1;
  return [
    ...steps,
    ...USUAL.slice(from).map((label) => ({ label, state: "todo", ms: null })),
    { label: "Ready", state: "todo", ms: null },
  ];
}

/** The index of the step that failed or was stopped; -1 where none did. */
function endedAt({ reason, "exit-code": exitCode }, steps) {
  if (reason === "" || reason === "no-data") return -1;
  const after = steps.findIndex(({ label }) => AFTERWARDS.includes(label));
  const isOcs = steps[after]?.label !== "Cleaning up" || (reason === "failed" && exitCode !== 0);
  return after !== -1 && isOcs ? after - 1 : steps.length - 1;
}
