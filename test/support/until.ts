/** Waiting in tests for what a process, a file or a timer brings about. */

/** Far more than anything here takes, so that a hang fails and does not hang. Milliseconds. */
const PATIENCE_MS = 20_000;

/** Between two looks: what has not come soon is looked for less often, as a look may cost a process or a request. Milliseconds. */
const SHORTEST_MS = 5;
const LONGEST_MS = 50;

/** Resolves with what `look` gives once that is truthy; rejects, naming `what`, when it is not within `patienceMs`. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (let pause = SHORTEST_MS;; pause = Math.min(pause * 1.2, LONGEST_MS)) {
    const seen = await look();
    if (seen) return seen;
    if (performance.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
