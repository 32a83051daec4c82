import { cleansUp } from "./release.ts";
import { record, type State } from "./state.ts";
import { dieOf } from "./stdio.ts";

/** Thrown inside a gather that was told to stop and cleans up: only oc 4.20 and later do (recorded: 4.22). */
export class Cancelled extends Error {}

/** How this process takes SIGINT and SIGTERM. */
export class Signals {
  /** True once a first signal has come and was not the end. */
  cancelled = false;
  /** Set by a scenario that ignores everything but SIGKILL. */
  deaf = false;
  readonly #wakers = new Set<() => void>();

  /**
   * Starts listening. Before 4.22 either signal ends the process at once, with nothing cleaned up; 4.22
   * takes the first as a request, and dies of the second.
   */
  constructor(state: State) {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        record(state, { type: "signal", pid: process.pid, at: Date.now(), signal });
        if (this.deaf) return;
        if (this.cancelled || !cleansUp(state.config.release)) return void dieOf(signal);
        this.cancelled = true;
        for (const wake of this.#wakers) wake();
      });
    }
  }

  /** Waits so many milliseconds, less when a signal comes meanwhile. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#wakers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#wakers.add(wake);
    });
  }
}
