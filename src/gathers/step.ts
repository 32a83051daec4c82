/** The words in which the steps of a machine are written down. */

/** The value of a machine as a text, `inprogress.gathering.starting`. */
export function stateText(value: unknown): string {
  if (typeof value === "string") return value;
  return Object.entries(value as Record<string, unknown>)
    .map(([key, inner]) => `${key}.${stateText(inner)}`)
    .join("+");
}

/** XState's names of its own events, shorter: `xstate.after.deadline.gather.inprogress…` is `after deadline`. */
export function eventName(type: string): string {
  const [, what, name] = /^xstate\.(after|done\.actor|error\.actor)\.([^.]+)/.exec(type) ?? [];
  if (what === undefined || name === undefined) return type;
  return what === "after"
    ? `after ${name}`
    : `${name} ${what === "done.actor" ? "done" : "failed"}`;
}
