/** Runs gathers in their turn, and does what callers ask of running ones. */
import type { Lifecycle } from "./lifecycle.ts";
import type { Held } from "./held.ts";
import type { Registry } from "./registry.ts";
import { hasEnded } from "./entry.ts";
import { type Place, Scheduler } from "./scheduler.ts";

/** The gathers that wait and run. */
export class Runner {
  readonly #registry: Registry;
  readonly #lifecycle: Lifecycle;
  readonly #scheduler: Scheduler;
  readonly #concurrency: number;
  readonly #places = new Map<number, Place>();
  #running = 0;

  constructor(registry: Registry, lifecycle: Lifecycle, concurrency: number) {
    this.#registry = registry;
    this.#lifecycle = lifecycle;
    this.#concurrency = concurrency;
    this.#scheduler = new Scheduler(concurrency);
  }

  /** How many gathers could start at once. */
  freeSlots(): number {
    return Math.max(0, this.#concurrency - this.#running);
  }

  /** Makes the actor of a gather, in the state `new`. */
  begin(held: Held): void {
    this.#lifecycle.begin(held);
  }

  /** Gives a gather that has begun its place in the queue. */
  enqueue(held: Held): void {
    this.#inTurn(held, () => this.#lifecycle.send(held, { type: "gather.start" }));
  }

  /**
   * Ends what an earlier life of the service left of a gather that was live. At once: it runs, or has left something in the
   * cluster, whether there is a slot or not. It takes one all the same, so that no new gather does.
   */
  recover(held: Held): void {
    this.#lifecycle.send(held, { type: "gather.recover", reason: held.entry.reason });
    this.#inTurn(held, () => {});
  }

  /** Ends a waiting gather that cannot run any more. */
  abandon(held: Held): void {
    this.#lifecycle.send(held, { type: "gather.abandon" });
  }

  /**
   * Asks a live gather to end; nothing happens to an ended one. Asked a second time it packs nothing, unless that time asks to
   * keep what there is: the same request sent twice must not lose what it is for.
   */
  cancel(held: Held, keep: boolean): void {
    if (keep && held.entry.reason === "cancelled") return;
    this.#lifecycle.send(held, { type: "gather.cancel", keep });
    if (hasEnded(held.entry)) this.#places.get(held.id)?.leave();
    if (hasEnded(held.entry)) this.#places.delete(held.id);
  }

  /** Resolves when a gather has ended. */
  ended(held: Held): Promise<void> {
    return this.#lifecycle.ended(held);
  }

  /**
   * Starts no more gathers, and asks those that run to end. Unless what their pods hold is fetched first, what they made in the cluster
   * is deleted at once, in parallel to that: there may be no time for it later.
   */
  interrupt(graceMs: number, salvage: boolean): void {
    this.#scheduler.pause();
    for (const held of this.#inProgress()) {
      this.#lifecycle.send(held, { type: "gather.interrupt", graceMs, salvage });
      if (!salvage) this.#lifecycle.reapAtOnce(held);
    }
  }

  /** Tells those that run that there is no more time. */
  hurry(): void {
    for (const held of this.#inProgress()) this.#lifecycle.send(held, { type: "gather.hurry" });
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    await Promise.all(this.#inProgress().map((held) => this.ended(held)));
  }

  #inProgress(): Held[] {
    return this.#registry.live().filter(({ summary }) => summary.status === "inprogress");
  }

  #inTurn(held: Held, start: () => void): void {
    if (hasEnded(held.entry)) return; // cancelled before it had a place
    const place = this.#scheduler.enqueue(async () => {
      this.#running++;
      try {
        start();
        await this.#lifecycle.ended(held);
      } finally {
        this.#running--;
        this.#places.delete(held.id);
      }
    });
    this.#places.set(held.id, place);
  }
}
