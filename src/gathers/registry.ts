/** All gathers by id: their entries, what is known of the live ones besides, and who waits for a change. */
import { checkEntry, type Entry, hasEnded } from "./entry.ts";
import { Held } from "./held.ts";
import type { Journal } from "./journal.ts";
import { reasonOf } from "../log.ts";
import { Problem } from "../problem.ts";

/** Between two revisions of a record that differ in progress alone: 1 s (the contract's). */
const PROGRESS_MS = 1000;

/** Who is told what happens to gathers, as it happens. */
export interface RegistryListener {
  /** There is more output or progress; at most once a second for each. */
  progressed: (held: Held) => void;
  removed: (id: number) => void;
}

const NOBODY: RegistryListener = { progressed: () => {}, removed: () => {} };

/** The gathers of the service. */
export class Registry {
  readonly #held = new Map<number, Held>();
  readonly #live = new Set<Held>();
  readonly #idsByName = new Map<string, number[]>();
  readonly #journal: Journal<Entry>;
  readonly #listener: RegistryListener;
  readonly #load: (id: number) => Entry;
  #lastTime = 0;
  #revision = 0;
  /** Nothing more will happen. */
  #isOver = false;

  constructor(journal: Journal<Entry>, listener: RegistryListener = NOBODY) {
    this.#journal = journal;
    this.#listener = listener;
    this.#load = (id) => {
      try {
        return journal.load(id, checkEntry);
      } catch (error) {
        throw new Problem({
          status: 500,
          detail: `The record of gather ${id} cannot be read: ${reasonOf(error)}`,
        });
      }
    };
  }

  /** The time as a text, later than any that this gave before, so that records sort by it. */
  timestamp(): string {
    this.#lastTime = Math.max(Date.now(), this.#lastTime + 1);
    return new Date(this.#lastTime).toISOString();
  }

  /** Another number with every change of any record. */
  get revision(): number {
    return this.#revision;
  }

  /** Takes an entry in. */
  add(entry: Entry): Held {
    return this.#add(entry, false);
  }

  /** Takes in what the journal says: it is not written again, and of an ended one no more is kept than what finds it. */
  addRead(entry: Entry): Held {
    return this.#add(entry, hasEnded(entry));
  }

  #add(entry: Entry, isRead: boolean): Held {
    const held = new Held(entry, ++this.#revision, this.#load, isRead);
    this.#held.set(entry.id, held);
    if (!hasEnded(entry)) this.#live.add(held);
    const name = entry.request.customName;
    const ids = this.#idsByName.get(name);
    if (ids) ids.push(entry.id);
    else if (name !== "") this.#idsByName.set(name, [entry.id]);
    this.#lastTime = Math.max(this.#lastTime, Date.parse(entry.createdAt) || 0);
    return held;
  }

  get(id: number): Held | undefined {
    return this.#held.get(id);
  }

  /** The newest gather with a custom name; `""` is none. */
  newestNamed(name: string): Held | undefined {
    const id = this.#idsByName.get(name)?.at(-1);
    return id === undefined ? undefined : this.#held.get(id);
  }

  /** All of them, by id ascending. */
  all(): IterableIterator<Held> {
    return this.#held.values();
  }

  /** Those that have not ended, by id ascending. */
  live(): Held[] {
    return [...this.#live];
  }

  /** Those that wait for a slot, the next one first. */
  queued(): Held[] {
    return this.live().filter((held) => held.entry.status === "new");
  }

  /** The record changed: writes the journal and wakes who waits. `updated-at` moves. */
  changed(held: Held): void {
    held.entry.updatedAt = this.timestamp();
    this.persist(held);
    this.revise(held);
  }

  /** It has ended, and its output is on disk: what is kept of live ones only goes, once the journal has its end. */
  async settle(held: Held): Promise<void> {
    this.#live.delete(held);
    if (held.output) {
      held.output = undefined;
      this.revise(held); // what follows the output learns that no more comes
    }
    await this.#release(held);
  }

  /** Writes the entry to the journal, without a new revision; a removed one stays removed. */
  persist(held: Held): void {
    if (this.#held.get(held.id) !== held) return;
    held.keep();
    this.#journal.save(held.id, held.entry);
    if (!this.#live.has(held)) void this.#release(held);
  }

  /** As {@linkcode persist}, and before anything else happens: what a crash would make forgotten for good. */
  persistNow(held: Held): void {
    if (this.#held.get(held.id) !== held) return;
    this.#journal.saveNow(held.id, held.entry);
  }

  /** There is more output or progress: a new revision, at most one a second. */
  progressed(held: Held): void {
    held.progressTimer ??= setTimeout(() => {
      held.progressTimer = undefined;
      this.revise(held);
      this.#listener.progressed(held);
    }, PROGRESS_MS).unref();
  }

  /** The record reads otherwise than before: a new revision, and who waits is woken. */
  revise(held: Held): void {
    clearTimeout(held.progressTimer);
    held.progressTimer = undefined;
    held.revision = ++this.#revision;
    held.wakeAll();
  }

  /**
   * Resolves when a record is another than that of `revision`, is gone, the time is up or `signal` aborts, whichever is
   * first.
   */
  async waitForChange(
    held: Held,
    revision: number,
    milliseconds: number,
    signal: AbortSignal,
  ): Promise<void> {
    if (held.revision !== revision || signal.aborted || this.#isOver) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        held.leave(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      held.wait(done);
      signal.addEventListener("abort", done, { once: true });
    });
  }

  /** Lets go whoever waits for a change, and whoever comes to wait for one: nothing more will happen. */
  wakeAll(): void {
    this.#isOver = true;
    for (const held of this.#held.values()) held.wakeAll();
  }

  /** Whether there is a record of this id, or a journal file that could not be read and may be one. */
  mayHave(id: number): boolean {
    return this.#held.has(id) || this.#journal.hasSetAside(id);
  }

  /** Forgets an ended gather: its record and its journal file. */
  async remove(held: Held): Promise<void> {
    const { id, summary: { customName } } = held;
    if (this.#held.get(id) !== held) return;
    try {
      held.keep(); // for whoever looks at it at this moment
    } catch {
      // Its file is gone already: what cannot be read can still be removed.
    }
    this.#held.delete(id);
    const ids = this.#idsByName.get(customName)?.filter((other) => other !== id) ?? [];
    if (ids.length > 0) this.#idsByName.set(customName, ids);
    else this.#idsByName.delete(customName);
    this.revise(held);
    this.#listener.removed(id);
    await this.#journal.remove(id);
  }

  /** Lets an ended gather go once its file says what its entry does. */
  #release(held: Held): Promise<void> {
    return this.#journal.release(held.id, () => held.letGo());
  }
}
