import { setImmediate } from "node:timers/promises";

/** The main thread is kept for so long at a time, in milliseconds. */
const TURN_MS = 8;

/** After so many items the clock is looked at. */
const LOOK_EVERY = 256;

/** Gives everything else its turn, where the last one was long ago. */
export class Turns {
  #began = performance.now();
  #items = 0;

  /** Whether it is time for `await turns.next()`. */
  get isOver(): boolean {
    if (++this.#items < LOOK_EVERY) return false;
    this.#items = 0;
    return performance.now() - this.#began > TURN_MS;
  }

  async next(): Promise<void> {
    await setImmediate();
    this.#began = performance.now();
  }
}
