import { setTimeout as sleep } from "node:timers/promises";
import { ConnectionError, ServiceError } from "./errors.ts";

/** How long a service may be out of reach before it is given up: it may be restarting. Milliseconds. */
const OUTAGE_MS = 30_000;

/** The first wait between two tries, doubled each time up to the longest; milliseconds. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 2000;

/** Whether the same request may work a little later: nobody answered, or a proxy or a starting service did. */
export function isPassing(error: unknown): boolean {
  if (error instanceof ServiceError) return [502, 503, 504].includes(error.status);
  return error instanceof ConnectionError;
}

/**
 * Tries until it works, at most half a minute. Rejects with the last error, with one that does not pass at once, and with the
 * signal's reason when it aborts.
 *
 * @param onRetry is told of each error that is not the last, and how many came before it, and is waited for
 */
export async function retrying<T>(
  attempt: () => Promise<T>,
  signal: AbortSignal,
  onRetry: (error: Error, before: number) => Promise<void>,
): Promise<T> {
  const giveUpAt = performance.now() + OUTAGE_MS;
  let waitMs = FIRST_WAIT_MS;
  for (let tries = 0;; tries++) {
    try {
      signal.throwIfAborted();
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (!isPassing(error) || performance.now() + waitMs > giveUpAt) throw error;
      await onRetry(error as Error, tries);
    }
    await sleep(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }
}
