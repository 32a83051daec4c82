/** How late the event loop is: what a request waits for besides its own work. */

/** Between two looks: milliseconds. Whatever holds the loop for longer than this is seen. */
const LOOK_MS = 250;

/**
 * Tells again and again, until `signal` aborts, how much later than it should a timer went off, in seconds. Keeps no process
 * alive.
 *
 * Not `monitorEventLoopDelay()`: what that gives includes the pause on Node and does not on Deno (seen with 24.21 and 2.9).
 */
export function watchLoopLag(observe: (seconds: number) => void, signal: AbortSignal): void {
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    observe(Math.max(0, now - last - LOOK_MS) / 1000);
    last = now;
  }, LOOK_MS).unref();
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}
