import { loadRecording, podLines } from "./recording.ts";
import { timeNow, watcherLines } from "./release.ts";
import type { Run, RunPod, Ticker } from "./run.ts";
import { flagged, record } from "./state.ts";
import { closeStdout, say } from "./stdio.ts";

/** Thrown where somebody else deleted the namespace under a running gather; that was not recorded. */
export class Vanished extends Error {}

/** Seconds between two lines of the slow image, and between two of the watcher of the volume (recorded). */
const LINE = 1;
const BEAT = 5;

/** Lines of a flood that are written at once. */
const BATCH = 500;

interface PodLine {
  at: number;
  text: string;
}

/**
 * Follows one pod as oc does: silent until it first looks, then all that the pod has printed so far, then
 * line by line. Returns when the pod is done; throws `Cancelled` or `Vanished`; some never return.
 */
export async function follow(run: Run, pod: RunPod, poll: number): Promise<void> {
  const { scenario } = pod;
  const ticker = run.ticker();
  await ticker.pause(poll);
  await run.gate("before-gather");
  run.enter("gathering");
  const lines = linesOf(run, pod);
  const first = lines[0]?.at ?? 0;
  let at = first;
  for (const line of lines) {
    await ticker.pause(Math.max(0, line.at - at));
    at = line.at;
    await run.podLine(pod, line.text);
  }
  if (scenario.flood) await flood(run, pod, scenario.flood);
  if (scenario.panics) await panic(run);
  if (scenario.closesStdout) {
    await closeStdout();
    await ticker.pause(10);
    record(run.state, { type: "end", pid: process.pid, at: Date.now(), code: 0 });
    process.exit(0);
  }
  // Only a signal ends it from here: the first does nothing, oc is stuck in reading.
  if (scenario.hangs) await new Promise(() => {});
  if (scenario.endless) await keepOn(run, pod, ticker, lines);
  await run.gate("during-gather");
}

function linesOf(run: Run, pod: RunPod): PodLine[] {
  const { release } = run.state.config;
  const { start, beat, end } = watcherLines(release);
  if (pod.scenario.lines) {
    // The slow image with a number of lines keeps the slow image's pace.
    const pace = pod.scenario.content?.kind === "slow" ? LINE : 0;
    const own = pod.scenario.lines.map((text, n) => ({ at: n * pace, text }));
    const around = (text: string | undefined, at: number) =>
      text === undefined ? [] : [{ at, text }];
    const last = own.at(-1)?.at ?? 0;
    const [head, rest] = [own.slice(0, 1), own.slice(1)];
    return [...around(start, 0), ...head, ...around(beat, 0), ...rest, ...around(end, last)];
  }
  const own = podLines(loadRecording(release, pod.scenario.recording));
  if (!start || own.some(({ text }) => text === start)) return own;
  // Only 4.13 recorded this one, and its pods have no watcher of the volume.
  const [first, last] = [own[0]?.at ?? 0, own.at(-1)?.at ?? 0];
  return [{ at: first, text: start }, ...own, ...(end ? [{ at: last, text: end }] : [])];
}

/** The slow image: a line a second without end, until the test calls `finish()`. */
async function keepOn(run: Run, pod: RunPod, ticker: Ticker, lines: PodLine[]): Promise<void> {
  const { beat, end } = watcherLines(run.state.config.release);
  let count = lines.filter(({ text }) => text.startsWith("slow line")).length;
  for (let since = LINE; !flagged(run.state, "finish"); since += LINE) {
    await ticker.pause(LINE);
    if (run.vanished()) throw new Vanished(`pods "${pod.name}" not found`);
    if (beat && since % BEAT === 0) await run.podLine(pod, beat);
    await run.podLine(pod, `slow line ${++count}`);
  }
  pod.scenario = { ...pod.scenario, content: { kind: "slow", lines: count } };
  await run.podLine(pod, "slow done");
  if (end) await run.podLine(pod, end);
}

async function flood(run: Run, pod: RunPod, lines: number): Promise<void> {
  for (let from = 1; from <= lines; from += BATCH) {
    run.checkCancelled();
    const prefix = `[${pod.name}] POD ${timeNow()} flood line `;
    let text = "";
    for (let n = from; n < Math.min(from + BATCH, lines + 1); n++) text += `${prefix}${n}\n`;
    await say(1, text);
  }
}

/** oc's own end by a fault of its own: whatever it made stays. */
async function panic(run: Run): Promise<never> {
  await say(2, "panic: runtime error: invalid memory address or nil pointer dereference\n");
  await say(2, "[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x0]\n");
  record(run.state, { type: "end", pid: process.pid, at: Date.now(), code: 2 });
  process.exit(2);
}
