/** What happens to gathers, as events that pages follow: numbered, kept for those who come back, bounded for those who do not read. */
import { countLines } from "../oc/output.ts";
import type { Entry } from "./entry.ts";

/** Events kept of each live gather, and of all together (the contract's). */
const KEPT = 1000;

/** Output is told at most so often: milliseconds. */
const LOG_EVERY_MS = 250;

/** And at most so much of it at a time, the newest, in bytes; `GET …/log` has all of it. */
const LOG_BYTES = 64 * 1024;

/** Events of ended gathers are kept so much longer, for pages that were cut off at the end: milliseconds. */
const LINGER_MS = 300_000;

/** `machine` is for the inspector: every step of every machine, also where a gather's record says nothing of it. */
export type EventType = "transition" | "progress" | "log" | "machine";

/** One event, as it goes over the wire. */
export interface Event {
  n: number;
  type: EventType;
  bytes: Uint8Array;
}

/** A reader of events. */
export interface Reader {
  /** Undefined follows all gathers. */
  id: number | undefined;
  types: ReadonlySet<EventType>;
  take: (event: Event) => void;
}

interface Pending {
  blocks: Buffer[];
  bytes: number;
  /** Lines and bytes that were printed since the last event and are not in it. */
  skippedLines: number;
  timer: NodeJS.Timeout | undefined;
}

/** The events of the service. Each is written once, whoever reads it. */
export class Events {
  /** Numbers begin anew with each life of the service. */
  readonly boot = Date.now().toString(36);
  readonly #readers = new Set<Reader>();
  readonly #all: Event[] = [];
  readonly #byGather = new Map<number, Event[]>();
  readonly #pending = new Map<number, Pending>();
  #n = 0;

  /** A machine took a step. */
  transition(entry: Entry, step: { at: string; event: string; from: string; to: string }): void {
    this.#flush(entry.id);
    const { id, status, reason, message } = entry;
    this.#publish(id, "transition", { id, ...step, status, reason, message });
    if (status === "completed" || status === "error") this.#lateForget(id);
  }

  /** There is progress. */
  progress(id: number, progress: object): void {
    this.#publish(id, "progress", { id, ...progress });
  }

  /** Whether somebody reads events of the type `machine`. */
  get isWatched(): boolean {
    for (const { types } of this.#readers) if (types.has("machine")) return true;
    return false;
  }

  /** A machine, of a gather or (null) of the service, took an event. Not numbered and not kept: a page that missed it looks afresh. */
  inspected(id: number | null, step: object): void {
    const bytes = Buffer.from(`event: machine\ndata: ${JSON.stringify({ id, ...step })}\n\n`);
    this.#tell(id, { n: this.#n, type: "machine", bytes });
  }

  /** oc printed whole lines. */
  output(id: number, block: Buffer): void {
    if (this.#readers.size === 0 && !this.#pending.has(id)) return; // nobody reads: `GET …/log` has it
    let pending = this.#pending.get(id);
    if (!pending) {
      pending = { blocks: [], bytes: 0, skippedLines: 0, timer: undefined };
      this.#pending.set(id, pending);
    }
    pending.blocks.push(Buffer.from(block));
    pending.bytes += block.length;
    while (pending.bytes > LOG_BYTES && pending.blocks.length > 1) {
      const oldest = pending.blocks.shift() ?? Buffer.alloc(0);
      pending.bytes -= oldest.length;
      pending.skippedLines += countLines(oldest);
    }
    pending.timer ??= setTimeout(() => this.#flush(id), LOG_EVERY_MS).unref();
  }

  /** A gather is gone for good. */
  forget(id: number): void {
    clearTimeout(this.#pending.get(id)?.timer);
    this.#pending.delete(id);
    this.#byGather.delete(id);
  }

  /**
   * Adds a reader and gives what it missed since the event with the id `last`; undefined when that is no longer known, so that the
   * reader has to look afresh.
   *
   * @returns what it missed, and what takes the reader out
   */
  follow(
    reader: Reader,
    last: string | undefined,
  ): { missed: Event[] | undefined; leave: () => void } {
    this.#readers.add(reader);
    const leave = () => void this.#readers.delete(reader);
    if (last === undefined) return { missed: [], leave };
    const [, boot, number] = /^([0-9a-z]+)-(\d{1,15})$/.exec(last) ?? [];
    const kept = (reader.id === undefined ? this.#all : this.#byGather.get(reader.id)) ?? [];
    const n = Number(number);
    const first = kept[0]?.n ?? this.#n + 1;
    // Everything since is kept when the list is not full, or reaches back to the event behind the last one.
    const isKnown = boot === this.boot && n <= this.#n && (kept.length < KEPT || first <= n + 1);
    const missed = kept.filter((event) => event.n > n && reader.types.has(event.type));
    return { missed: isKnown ? missed : undefined, leave };
  }

  #publish(id: number, type: EventType, data: object): void {
    const n = ++this.#n;
    const text = `id: ${this.boot}-${n}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
    const event: Event = { n, type, bytes: Buffer.from(text) };
    keep(this.#all, event);
    let own = this.#byGather.get(id);
    if (!own) this.#byGather.set(id, own = []);
    keep(own, event);
    this.#tell(id, event);
  }

  #tell(id: number | null, event: Event): void {
    for (const reader of this.#readers) {
      if ((reader.id === undefined || reader.id === id) && reader.types.has(event.type)) {
        reader.take(event);
      }
    }
  }

  #flush(id: number): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    clearTimeout(pending.timer);
    this.#pending.delete(id);
    const block = Buffer.concat(pending.blocks);
    const text = block.subarray(Math.max(0, block.length - LOG_BYTES)).toString("utf8");
    this.#publish(id, "log", { id, text, "skipped-lines": pending.skippedLines });
  }

  #lateForget(id: number): void {
    setTimeout(() => this.forget(id), LINGER_MS).unref();
  }
}

function keep(events: Event[], event: Event): void {
  events.push(event);
  if (events.length > KEPT) events.shift();
}
