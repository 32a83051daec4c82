/** Ctrl-C and the signals that mean the same. */
import process from "node:process";
import { LeaveError } from "./errors.ts";

/** npm passes a Ctrl-C on that the terminal has brought us already: the same one within this time. Milliseconds. */
const SAME_MS = 500;

/** How often it is looked whether npm is still there. Milliseconds. */
const PARENT_MS = 1000;

/** The signals and what shells make of them as exit codes. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** The first signal asks for an end, the second one for a quick one. */
export class Interrupts {
  readonly #first = new AbortController();
  readonly #second = new AbortController();
  #firstAt = 0;
  #exitCode: number = EXIT_CODES.SIGINT;

  /** @param isUnderNpm a script's shell waits for us: once it is gone, npm was killed and nobody else will tell us */
  constructor(isUnderNpm: boolean) {
    for (const [signal, code] of Object.entries(EXIT_CODES)) {
      process.on(signal as keyof typeof EXIT_CODES, () => this.#take(code));
    }
    if (!isUnderNpm) return;
    const parent = process.ppid;
    const timer = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(timer);
      this.#take(EXIT_CODES.SIGTERM);
    }, PARENT_MS);
    timer.unref();
  }

  /** Aborts at the first signal. */
  get first(): AbortSignal {
    return this.#first.signal;
  }

  /** Aborts at the second. */
  get second(): AbortSignal {
    return this.#second.signal;
  }

  /** What to exit with after a signal. */
  get exitCode(): number {
    return this.#exitCode;
  }

  #take(code: number): void {
    if (!this.#first.signal.aborted) {
      this.#firstAt = performance.now();
      this.#exitCode = code;
      this.#first.abort(new LeaveError("interrupted"));
    } else if (performance.now() - this.#firstAt > SAME_MS) {
      this.#second.abort(new LeaveError("interrupted twice"));
    }
  }
}
