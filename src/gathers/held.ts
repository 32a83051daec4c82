/** One gather in memory: all of a live one; of an ended one what finds, sorts and counts it, and the rest when it is asked for. */
import type { ActorRefFrom } from "xstate";
import type { gatherMachine } from "../../machines/gather.ts";
import type { Archive, Entry } from "./entry.ts";
import type { LiveOutput } from "./live-output.ts";

/** What is always known of a gather, without its journal file. */
export interface Summary {
  readonly status: Entry["status"];
  readonly reason: Entry["reason"];
  readonly customName: string;
  /** What was run, as it was resolved. */
  readonly command: string;
  readonly createdAt: string;
  /** When it ended, or changed last: milliseconds since 1970. */
  readonly endedAt: number;
  readonly archive: Pick<Archive, "file" | "size"> | null;
  /** How many objects it left in the cluster. */
  readonly leftovers: number;
  /** Something that oc made was not seen to be gone yet. */
  readonly mayStand: boolean;
  /** It is to be purged once it has ended. */
  readonly toPurge: boolean;
}

/** A gather that the service has a record of. */
export class Held {
  readonly id: number;
  /** Another number whenever the record is another. */
  revision: number;
  /** Until it has ended. */
  actor: ActorRefFrom<typeof gatherMachine> | undefined;
  /** From its start until it has ended. */
  output: LiveOutput | undefined;
  /** Its files stay as they are: its folder was cleared in this life of the service, and oc is not asked for it any more. */
  isCleared = false;
  progressTimer: NodeJS.Timeout | undefined;
  readonly #load: (id: number) => Entry;
  #entry: Entry | undefined;
  /** What was let go. Whoever still has it has the only one there is, so that no change is lost. */
  #letGo: WeakRef<Entry> | undefined;
  #summary: Summary | undefined;
  /** Who is called with the next revision. */
  waiting: Set<() => void> | undefined;

  /**
   * @param load reads what was let go; throws where its file cannot be read any more
   * @param isRead the entry was just read by `load`, and nobody else has it: it is let go at once
   */
  constructor(entry: Entry, revision: number, load: (id: number) => Entry, isRead = false) {
    this.id = entry.id;
    this.revision = revision;
    this.#load = load;
    // No weak reference: until V8 collects all of its memory such an entry stays, and boot reads thousands.
    if (isRead) this.#summary = summaryOf(entry);
    else this.#entry = entry;
  }

  /** All that is known of it. Throws where it was let go and its journal file cannot be read any more. */
  get entry(): Entry {
    const entry = this.#entry ?? this.#letGo?.deref();
    if (entry) return entry;
    const read = this.#load(this.id);
    this.#letGo = new WeakRef(read);
    return read;
  }

  get summary(): Summary {
    return this.#entry ? summaryOf(this.#entry) : this.#summary ??= summaryOf(this.entry);
  }

  /** Keeps its entry in memory: it is another than its file says, or the file goes. */
  keep(): void {
    this.#entry = this.entry;
    this.#letGo = undefined;
    this.#summary = undefined;
  }

  /** Its journal file says what its entry does: memory need not. */
  letGo(): void {
    if (!this.#entry) return;
    this.#summary = summaryOf(this.#entry);
    this.#letGo = new WeakRef(this.#entry);
    this.#entry = undefined;
  }

  /** Calls `wake` with the next revision. */
  wait(wake: () => void): void {
    (this.waiting ??= new Set()).add(wake);
  }

  /** Calls it no more. */
  leave(wake: () => void): void {
    this.waiting?.delete(wake);
    if (this.waiting?.size === 0) this.waiting = undefined;
  }

  /** Calls all who wait. */
  wakeAll(): void {
    for (const wake of [...this.waiting ?? []]) wake();
  }
}

function summaryOf(entry: Entry): Summary {
  const { status, reason, request, resolved, createdAt, finishedAt, updatedAt } = entry;
  return {
    status,
    reason,
    customName: request.customName,
    command: resolved?.command ?? request.command,
    createdAt,
    endedAt: Date.parse(finishedAt ?? updatedAt),
    archive: entry.archive && { file: entry.archive.file, size: entry.archive.size },
    leftovers: entry.leftovers.length,
    mayStand: entry.made.some(({ gone }) => !gone),
    toPurge: entry.purge ?? false,
  };
}
