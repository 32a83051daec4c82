/** How long an ended gather was in each of its phases. */
import type { Entry } from "../gathers/entry.ts";
import { phaseOf } from "../gathers/record.ts";

/**
 * The seconds a gather spent in each phase it was in, by the names that `progress.phase` has.
 *
 * Nothing for one that outlived a life of the service: nobody knows how much of the time between was its own.
 */
export function phaseSeconds({ createdAt, transitions }: Entry): ReadonlyMap<string, number> {
  const seconds = new Map<string, number>();
  if (transitions.some(({ event }) => event === "gather.recover")) return seconds;
  let since = Date.parse(createdAt);
  for (const { at, from } of transitions) {
    const phase = phaseOf(from);
    const until = Date.parse(at);
    seconds.set(phase, (seconds.get(phase) ?? 0) + (until - since) / 1000);
    since = until;
  }
  return seconds;
}
