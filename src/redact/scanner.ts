/** Goes through one file, whatever the pieces are in which it comes, and puts tokens in the place of secrets. */
import type { Hmac } from "node:crypto";
import type { Ledger } from "./ledger.ts";
import { Manifests } from "./manifests.ts";
import type { RuleSet } from "./rules.ts";
import { AHEAD, BEHIND, type Finding, type Mode, MORE, type Next, Window } from "./window.ts";

/** Bytes of a line that are held back before the place at hand, since a rule may still replace them. */
const HELD = BEHIND - 128;

const NEWLINE = 10;

/** Pieces are put together until there are so many bytes: each is copied once, not many times. */
const LEAST = 64 * 1024;

/** A value that is going out. */
interface Going {
  finding: Finding;
  digest: Hmac;
}

/**
 * Rewrites a file. What it holds in memory is bounded whatever the file is: the last {@linkcode BEHIND} bytes, what a rule
 * needs ahead, and at most 3 MiB of an object of which it is not yet known whether it is a Secret. A value may be of any
 * length: it goes out as it comes. What it writes does not depend on where the pieces begin.
 */
export class Scanner {
  readonly #rules: RuleSet;
  readonly #ledger: Ledger;
  readonly #manifests = new Manifests();
  readonly #window = new Window();
  readonly #least: number;
  /** What is at hand lies at the beginning of `#room`, which is used again and again. */
  #bytes: Buffer = Buffer.alloc(0);
  #room: Buffer = Buffer.alloc(0);
  /** Whether the first of `#bytes` is the file's. */
  #isFirst = true;
  /** Where in the file `#bytes` begin. */
  #base = 0;
  /** What is before it went out, or was replaced. */
  #free = 0;
  /** What is before it was looked at. */
  #at = 0;
  #state = 0;
  /** Which of the triggers that end at `#at` is to be asked again; -1 for none. */
  #again = -1;
  #going: Going | undefined;
  #mode: Mode | undefined;
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #out: Buffer[] = [];
  /** Values that went out. */
  values = 0;

  /** @param least bytes that are looked at together; a test has fewer */
  constructor(rules: RuleSet, ledger: Ledger, least = LEAST) {
    this.#rules = rules;
    this.#ledger = ledger;
    this.#least = least;
  }

  /** Takes a piece of any length, which may be used again afterwards, and gives what is ready: good until the next call. */
  push(piece: Buffer): Buffer[] {
    this.#waitingBytes += piece.length;
    // Half as much again as there is, so that what is held back is not looked at again for every piece.
    const held = this.#bytes.length - this.#free;
    if (this.#waitingBytes < this.#least || this.#waitingBytes < (held - AHEAD - BEHIND) / 2) {
      this.#waiting.push(Buffer.from(piece));
      return [];
    }
    this.#take(piece);
    this.#run(false);
    return this.#give();
  }

  /** All of a file at once, which is not copied: it must stay as it is. It comes back itself where nothing is found. */
  whole(bytes: Buffer): Buffer {
    this.#bytes = bytes;
    this.#run(true);
    if (this.values === 0) return bytes;
    this.#emit(bytes.length);
    return Buffer.concat(this.#give());
  }

  /** The file has ended: gives the rest. */
  end(): Buffer[] {
    this.#take(Buffer.alloc(0));
    this.#run(true);
    this.#emit(this.#bytes.length);
    return this.#give();
  }

  #give(): Buffer[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  #take(piece: Buffer): void {
    const keep = Math.max(0, Math.min(this.#free, this.#at - BEHIND));
    if (keep > 0) this.#isFirst = false;
    this.#base += keep;
    const length = this.#bytes.length - keep;
    const total = length + this.#waitingBytes;
    if (total > this.#room.length) {
      const room = Buffer.allocUnsafeSlow(total + LEAST);
      this.#bytes.copy(room, 0, keep);
      this.#room = room;
    } else this.#room.copyWithin(0, keep, this.#bytes.length);
    let at = length;
    for (const each of this.#waiting.splice(0)) at += each.copy(this.#room, at);
    piece.copy(this.#room, at);
    this.#bytes = this.#room.subarray(0, total);
    this.#waitingBytes = 0;
    this.#free -= keep;
    this.#at -= keep;
    if (this.#going) this.#going.finding.from -= keep;
  }

  /** Writes out what is before `to`. */
  #emit(to: number): void {
    if (to <= this.#free) return;
    this.#out.push(this.#bytes.subarray(this.#free, to));
    this.#free = to;
  }

  #run(isFinal: boolean): void {
    for (;;) {
      const goesOn = this.#going
        ? this.#swallow(this.#going, isFinal)
        : this.#mode
        ? this.#step(this.#mode, isFinal)
        : this.#search(isFinal);
      if (!goesOn) break;
    }
    if (!this.#going && !isFinal) {
      this.#emit(Math.max(this.#at - HELD, this.#bytes.lastIndexOf(10, this.#at - 1) + 1));
    }
  }

  /** Each of these says whether there is more to do with the bytes at hand. */
  #swallow({ finding, digest }: Going, isFinal: boolean): boolean {
    const { from, ender, rule } = finding;
    const found = ender(this.#bytes, from, this.#bytes.length, isFinal);
    const to = Math.max(from, found < 0 ? -1 - found : found);
    digest.update(this.#bytes.subarray(from, to));
    this.#free = this.#at = to;
    if (found < 0) {
      finding.from = to;
      return false;
    }
    this.#out.push(this.#ledger.token(rule, digest));
    this.values++;
    this.#going = undefined;
    this.#mode = finding.mode;
    this.#state = 0;
    return true;
  }

  #step(mode: Mode, isFinal: boolean): boolean {
    const result = mode.step(this.#look(this.#at, isFinal));
    if (result === MORE) return false;
    if ("next" in result) this.#goTo(result);
    else this.#begin(result);
    return true;
  }

  #goTo({ next, mode }: Next): void {
    this.#at = Math.max(this.#at, next);
    this.#mode = mode;
    this.#state = 0;
  }

  #begin(finding: Finding): void {
    const start = Math.max(finding.start, this.#free);
    this.#emit(start);
    const digest = this.#ledger.begin();
    digest.update(this.#bytes.subarray(start, finding.from));
    this.#going = { finding, digest };
    this.#at = finding.from;
    this.#free = finding.from;
    this.#mode = undefined;
  }

  /** The way from byte to byte; nothing else happens to most of them. */
  #search(isFinal: boolean): boolean {
    const bytes = this.#bytes;
    const { next, classes, found } = this.#rules.triggers;
    let state = this.#state;
    let at = this.#at;
    if (this.#again >= 0) {
      if (this.#ask(at, state, isFinal)) return !this.#isWaiting;
    }
    const end = bytes.length;
    while (at < end) {
      state = next[state + (classes[bytes[at++] as number] as number)] as number;
      if (state < found) continue;
      // Lines matter only while an object is open whose kind is known; no other text ends so.
      if (bytes[at - 1] === NEWLINE && !this.#manifests.isWatching) continue;
      this.#again = 0;
      if (this.#ask(at, state, isFinal)) return !this.#isWaiting;
    }
    this.#at = at;
    this.#state = state;
    return false;
  }

  get #isWaiting(): boolean {
    return this.#again >= 0;
  }

  /** Asks the rules of the texts that end at `at`; whether the search is over for now. */
  #ask(at: number, state: number, isFinal: boolean): boolean {
    const hits = this.#rules.triggers.hits.get(state) ?? [];
    for (let i = this.#again; i < hits.length; i++) {
      const { text, exact, rule } = hits[i] as (typeof hits)[number];
      if (exact && this.#bytes.toString("latin1", at - text.length, at) !== text) continue;
      const answer = this.#rules.rules[rule]?.(this.#look(at, isFinal), this.#manifests);
      if (answer === undefined) continue;
      this.#at = at;
      this.#state = state;
      this.#again = i;
      if (answer === MORE) return true;
      this.#again = -1;
      if ("next" in answer) this.#goTo(answer);
      else this.#begin(answer);
      return true;
    }
    this.#again = -1;
    return false;
  }

  #look(at: number, isFinal: boolean): Window {
    const w = this.#window;
    const { length } = this.#bytes;
    w.bytes = this.#bytes;
    w.base = this.#base;
    w.at = at;
    w.begin = Math.max(0, at - BEHIND);
    w.isFirst = this.#isFirst && w.begin === 0;
    w.end = Math.min(length, at + AHEAD);
    w.isLast = w.end === at + AHEAD || (isFinal && w.end === length);
    w.free = Math.max(this.#free, at - HELD);
    w.limit = length;
    w.isFinal = isFinal;
    return w;
  }
}
