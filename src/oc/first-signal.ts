/** The moment of the first signal: not between what oc makes and the words that name it. */
import type { Run } from "./run.ts";

/**
 * How long an oc that has not yet named its binding is let be after it was to be told to stop, milliseconds: in the recordings it
 * has named both within a second of its first word; a machine or a cluster may be busier than the recorded ones. Half of the default
 * STOP_GRACE.
 */
const NAMING_MS = 5000;

/**
 * Holds back SIGINT and SIGTERM until oc has named its binding, as an oc that dies of its first signal (before 4.22) may have made one
 * that nobody has heard of. Not beyond {@linkcode NAMING_MS}; then, or when it is named, the last that came is sent. SIGKILL is for what
 * must end now: it is never held back.
 */
export class FirstSignal {
  readonly #send: Run["signal"];
  #isFree = false;
  #held: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(send: Run["signal"]) {
    this.#send = send;
  }

  /** Passes a signal on, or holds it back. */
  readonly signal: Run["signal"] = (name, target) => {
    if (name === "SIGKILL" || this.#isFree) {
      this.#drop();
      return this.#send(name, target);
    }
    this.#held = () => this.#send(name, target);
    this.#timer ??= setTimeout(() => this.free(), NAMING_MS);
  };

  /** The binding is named, or oc has ended: nothing is held back any more. */
  free(): void {
    const held = this.#held;
    this.#drop();
    held?.();
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#held = undefined;
    this.#isFree = true;
  }
}
