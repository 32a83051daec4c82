/** Who runs when: p-queue with MAX_CONCURRENT slots. A slot is free when the machine is final, so its process is gone. */
import PQueue from "p-queue";

/** A place in the queue. */
export interface Place {
  /** Leaves the queue; nothing happens when the turn has come already. */
  leave: () => void;
}

/** The queue of gathers. How many may wait is checked where they come in. */
export class Scheduler {
  readonly #queue: PQueue;

  /** @param concurrency how many run at once */
  constructor(concurrency: number) {
    this.#queue = new PQueue({ concurrency });
  }

  /**
   * Puts a gather at the end of the queue.
   *
   * @param run is called when its turn has come; its slot is free when what it returns resolves
   */
  enqueue(run: () => Promise<void>): Place {
    const leaving = new AbortController();
    let started = false;
    // The signal only takes a waiting job out: an abort of a running one would free its slot while it still runs.
    this.#queue.add(() => {
      started = true;
      return run();
    }, { signal: leaving.signal }).catch(() => {}); // `run` never rejects; this is the one who left
    return {
      leave: () => {
        if (!started) leaving.abort();
      },
    };
  }

  /** Starts no more; what runs goes on. */
  pause(): void {
    this.#queue.pause();
  }
}
