/**
 * What outlives the process: one small JSON file a gather, so that a transition costs the same with ten gathers as with ten
 * thousand. Never a token, never output.
 */
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { Low } from "lowdb";
import type { Log } from "../log.ts";
import { reasonOf } from "../log.ts";
import { JournalFile } from "./journal-file.ts";
import { isOwnerFile, ownFolder } from "./owner.ts";

/** The version of the files that this service writes; an older one is read, a newer one set aside. */
export const JOURNAL_VERSION = 1;

/** Between two attempts to write when the file system refuses: milliseconds. */
const RETRY_MS = 1000;

/** How many files are read at boot before others get a turn: a millisecond or two. */
const READ_AT_ONCE = 32;

/** The next id, in a file of its own: it outlives the entries. */
const MARK_FILE = "ids.json";

/** What else may be in the folder, besides the owner's socket. */
const OWN_FILES = [MARK_FILE, `${MARK_FILE}.unreadable`];

/** Tells good data of the entry `id` from bad: returns it typed, or throws with what is wrong. */
export type Check<T> = (data: unknown, id: number) => T;

interface Slot<T> {
  low: Low<T | null>;
  file: JournalFile<T | null>;
  /** How often it was saved. */
  saves: number;
  /** Which of the saves is in the file. */
  written: number;
  /** It is being written, or waits to be tried again. */
  writing: boolean;
  /** The last write, under way or over. */
  inFlight: Promise<void> | undefined;
  /** It is written no more. */
  removed: boolean;
  /** Who waits for which save. */
  waiting: { save: number; resolve: () => void; reject: (error: unknown) => void }[];
}

/** The journal of entries of type `T`, one a gather. */
export class Journal<T> {
  readonly #folder: string;
  readonly #log: Log;
  readonly #slots = new Map<number, Slot<T>>();
  readonly #setAside = new Set<number>();
  #disown: (() => Promise<void>) | undefined;
  #mark: Slot<{ version: number; next: number }>;
  readonly #closing = new AbortController();
  #isRead = false;
  #closed = false;

  private constructor(folder: string, log: Log, disown: () => Promise<void>) {
    this.#folder = folder;
    this.#log = log;
    this.#disown = disown;
    this.#mark = this.#slot(join(folder, MARK_FILE), { version: JOURNAL_VERSION, next: 1 });
  }

  /**
   * Opens the journal in a folder, which is made when it is not there.
   *
   * Throws `OwnedError` when another process has it open, and the system's error when the folder cannot be made.
   */
  static async open<T>(folder: string, log: Log): Promise<Journal<T>> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const disown = await ownFolder(folder);
    return new Journal<T>(folder, log, disown);
  }

  /**
   * Reads all entries, by id ascending, and hands each on. A file that cannot be read, or is not what `check` takes, is renamed to
   * `<name>.unreadable` and told; the rest goes on.
   */
  async read(check: Check<T>, take: (entry: T, id: number) => void): Promise<void> {
    const names = await readdir(this.#folder);
    const files: [number, string][] = [];
    for (const name of names) {
      const [, digits, setAside] = /^([1-9]\d{0,14})\.json(\.unreadable)?$/.exec(name) ?? [];
      if (digits !== undefined && setAside !== undefined) this.#setAside.add(Number(digits));
      else if (digits !== undefined) files.push([Number(digits), name]);
      else if (name.startsWith(".") && name.endsWith(".json.tmp")) {
        await rm(join(this.#folder, name), { force: true, recursive: true }); // a write that a crash cut
      } else if (!OWN_FILES.includes(name) && !isOwnerFile(name)) {
        this.#log.warn("journal holds a file that is not ours", { file: name });
      }
    }
    files.sort(([a], [b]) => a - b);

    for (const [n, [id, name]] of files.entries()) {
      if (n % READ_AT_ONCE === 0) await turn();
      const entry = await this.#readFile(name, (data) => check(data, id));
      if (entry === undefined) this.#setAside.add(id);
      else take(entry, id);
    }

    const mark = names.includes(MARK_FILE) ? await this.#readFile(MARK_FILE, checkMark) : undefined;
    if (mark) this.#mark.low.data = mark;
    this.raiseMark(files.at(-1)?.[0] ?? 0);
    this.raiseMark(Math.max(0, ...this.#setAside));
    this.#isRead = true;
  }

  /**
   * Reads one entry again, before it returns. Tells of and throws the system's error, a SyntaxError, or what `check` has against it:
   * somebody else was in the folder.
   */
  load(id: number, check: Check<T>): T {
    const file = `${id}.json`;
    try {
      return check(new JournalFile<unknown>(join(this.#folder, file)).readNow(), id);
    } catch (error) {
      this.#log.error("journal file cannot be read any more", { file, reason: reasonOf(error) });
      throw error;
    }
  }

  /** Whether there is a file of this entry that could not be read: its archive may still be wanted. */
  hasSetAside(id: number): boolean {
    return this.#setAside.has(id);
  }

  /**
   * Makes sure that ids given from now on, and after a crash, are above `id`, e.g. that of a folder whose record is lost:
   * what it is known from may be removed before the next id is given.
   */
  raiseMark(id: number): void {
    const mark = this.#mark.low.data;
    if (!mark || mark.next > id) return;
    mark.next = id + 1;
    this.#save(this.#mark);
  }

  /** Gives an id that was never given before. It is safe from a crash once {@linkcode saved} has resolved for it. */
  nextId(): number {
    const mark = this.#mark.low.data;
    if (!mark || !this.#isRead) throw new Error("Cannot give an id: the journal was not read yet");
    const id = mark.next++;
    this.#save(this.#mark);
    return id;
  }

  /** Takes a new state of an entry and writes it soon; states that come while a write runs become one. */
  save(id: number, entry: T): void {
    this.#save(this.#slotOf(id, entry));
  }

  /** Writes a new state of an entry before it returns. Where the file system refuses, it is written when that can be. */
  saveNow(id: number, entry: T): void {
    const slot = this.#slotOf(id, entry);
    if (slot.removed || this.#closed) return;
    try {
      slot.file.writeNow(entry);
      settle(slot, slot.saves);
    } catch {
      this.#save(slot); // tells why
    }
  }

  /**
   * Resolves when what was saved of an entry by now is in its file. Rejects with the system's error when the file system
   * refuses; the write is tried again all the same.
   */
  async saved(id: number): Promise<void> {
    const slot = this.#slots.get(id);
    await Promise.all([written(this.#mark), slot && written(slot)]);
  }

  /**
   * Forgets that an ended entry was ever open, once it is written, so that memory does not grow with ended gathers; in that very moment
   * `forget` is called, before anything new can be saved. Not where it could not be written, or was removed.
   */
  async release(id: number, forget: () => void = () => {}): Promise<void> {
    const slot = this.#slots.get(id);
    if (!slot) return;
    await written(slot).catch(() => {});
    await slot.inFlight?.catch(() => {}); // one that `saveNow` has overtaken would take the next opening's temporary file
    const isOpen = this.#slots.get(id) === slot && !slot.removed;
    if (!isOpen || slot.written !== slot.saves) return;
    this.#slots.delete(id);
    forget();
  }

  /** Removes an entry, after any write of it that is under way. What is saved of it meanwhile is not written. */
  async remove(id: number): Promise<void> {
    const slot = this.#slots.get(id);
    if (slot) {
      slot.removed = true;
      await slot.inFlight?.catch(() => {});
      rejectAll(slot, new Error(`Cannot write the entry ${id}: it was removed`));
    }
    this.#slots.delete(id);
    await rm(join(this.#folder, `${id}.json`), { force: true });
    await rm(join(this.#folder, `.${id}.json.tmp`), { force: true }); // of a write that was refused
  }

  /** Resolves when everything saved so far is in its file, or was tried once. */
  async flush(): Promise<void> {
    await Promise.all(this.#all().map((slot) => written(slot).catch(() => {})));
  }

  /** Writes what is left, or tries to once, and gives the folder up. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.flush();
    this.#closed = true;
    await Promise.allSettled(this.#all().map((slot) => slot.inFlight)); // of what was saved meanwhile
    await this.#disown?.();
    this.#disown = undefined;
  }

  #all(): Slot<unknown>[] {
    return [this.#mark, ...this.#slots.values()] as Slot<unknown>[];
  }

  #slotOf(id: number, entry: T): Slot<T> {
    const slot = this.#slots.get(id) ?? this.#slot<T>(join(this.#folder, `${id}.json`), entry);
    this.#slots.set(id, slot);
    slot.low.data = entry;
    return slot;
  }

  #slot<D>(path: string, data: D): Slot<D> {
    const file = new JournalFile<D | null>(path);
    return {
      low: new Low<D | null>(file, data),
      file,
      saves: 0,
      written: 0,
      writing: false,
      inFlight: undefined,
      removed: false,
      waiting: [],
    };
  }

  #save<D>(slot: Slot<D>): void {
    slot.saves++;
    if (!slot.writing) void this.#writeUntilClean(slot);
  }

  // One write at a time a file, its waiters told after it. (The promise of lowdb's own queue does not resolve as long as
  // newer data keeps coming.)
  async #writeUntilClean<D>(slot: Slot<D>): Promise<void> {
    slot.writing = true;
    let refused = false;
    await turn(); // steps that come together are one write
    while (slot.written < slot.saves && !slot.removed && !this.#closed) {
      const save = slot.saves;
      try {
        slot.inFlight = slot.low.write();
        await slot.inFlight;
      } catch (error) {
        if (!refused) this.#log.error("journal cannot be written", { reason: reasonOf(error) });
        refused = true; // told once, until it goes again
        rejectAll(slot, error);
        if (this.#closing.signal.aborted) break;
        await sleep(RETRY_MS, undefined, { signal: this.#closing.signal }).catch(() => {});
        continue;
      }
      if (refused) this.#log.info("journal can be written again");
      refused = false;
      settle(slot, save);
    }
    slot.writing = false;
    rejectAll(slot, new Error("Cannot write to the journal: it is closed"));
  }

  async #readFile<D>(name: string, check: (data: unknown) => D): Promise<D | undefined> {
    const path = join(this.#folder, name);
    try {
      return check(await new JournalFile<unknown>(path).read());
    } catch (error) {
      await rename(path, `${path}.unreadable`).catch(() => {});
      this.#log.error("journal file set aside", {
        file: `${name}.unreadable`,
        reason: reasonOf(error),
      });
      return undefined;
    }
  }
}

/** What was saved so far is in the file. */
function settle<D>(slot: Slot<D>, save: number): void {
  slot.written = Math.max(slot.written, save);
  slot.waiting = slot.waiting.filter((waiter) => {
    if (waiter.save <= save) waiter.resolve();
    return waiter.save > save;
  });
}

/** Resolves when what was saved by now is in the file. */
function written<D>(slot: Slot<D>): Promise<void> {
  if (slot.written === slot.saves) return Promise.resolve();
  if (!slot.writing) return Promise.reject(new Error("Cannot write to the journal: it is closed"));
  return new Promise((resolve, reject) => slot.waiting.push({ save: slot.saves, resolve, reject }));
}

function rejectAll<D>(slot: Slot<D>, error: unknown): void {
  for (const waiter of slot.waiting.splice(0)) waiter.reject(error);
}

function checkMark(data: unknown): { version: number; next: number } {
  const mark = data as { version?: unknown; next?: unknown } | null;
  if (typeof mark?.next !== "number" || !Number.isSafeInteger(mark.next) || mark.next < 1) {
    throw new TypeError('expected {"next": <id>}');
  }
  return { version: JOURNAL_VERSION, next: mark.next };
}
