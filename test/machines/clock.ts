/** Fake time for running machines. */
import type { SimulatedClock } from "xstate";

/**
 * Lets `ms` pass in steps of a second: the clock starts a timer that was set by another timer's end only at the end of a
 * step, so in one long step a chain of timers would run late.
 */
export function advance(clock: SimulatedClock, ms: number): void {
  for (let left = ms; left > 0; left -= 1_000) clock.increment(Math.min(left, 1_000));
}
