/** Going down in order: nothing new starts, what runs is ended, all within DRAIN_GRACE. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Runner } from "./runner.ts";

/** Between one signal to oc and the next while the service goes down (the design's): milliseconds. */
const STOP_GRACE_MS = 5000;

/** The journal is written this long before the end, whatever else: milliseconds (the design's). */
const JOURNAL_MS = 5000;

/** Those that pack are told to finish this long before the journal is written: milliseconds. */
const FINISH_MS = 3000;

/** Only with so much time in all is what the pods hold fetched first: milliseconds (the design's). */
const SALVAGE_FROM_MS = 90_000;

/**
 * Ends what runs. Resolves when nothing runs any more, at the latest 5 s before the grace is over (or after half of a shorter
 * one): what has not ended by then is taken up at the next start.
 */
export async function drainGathers(runner: Runner, drainGraceMs: number): Promise<void> {
  const reserve = Math.min(JOURNAL_MS, drainGraceMs / 2);
  const untilHurry = Math.max(0, drainGraceMs - reserve - Math.min(FINISH_MS, reserve / 2));
  const over = new AbortController();
  const wait = (ms: number) => sleep(ms, false, { signal: over.signal }).catch(() => true);
  const idle = () => runner.idle().then(() => true);

  runner.interrupt(Math.min(STOP_GRACE_MS, drainGraceMs / 4), drainGraceMs >= SALVAGE_FROM_MS);
  try {
    if (await Promise.race([idle(), wait(untilHurry)])) return;
    runner.hurry();
    await Promise.race([idle(), wait(Math.max(0, drainGraceMs - reserve - untilHurry))]);
  } finally {
    over.abort();
  }
}
