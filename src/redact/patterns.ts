/** Rules that are patterns, looked for line by line: a service's own, addresses, host names. */
import { type Ledger, tokenLength } from "./ledger.ts";

/** A part of a text: from, to. */
export type Span = readonly [from: number, to: number];

/** A rule. It is given text of which each character is a byte, and gives what goes out, in order. */
export interface Pattern {
  name: string;
  /** Where it is looked for. */
  target: "content" | "name" | "all";
  find: (text: string) => Iterable<Span>;
}

/** A line is looked at in parts of so many bytes where it is longer, */
const LONGEST = 64 * 1024;

/** which overlap by so many: what a pattern finds in such a line is no longer. */
const OVERLAP = 4096;

/** Puts tokens in the place of what patterns find. Holds one part of a line. */
export class PatternScanner {
  readonly #patterns: readonly Pattern[];
  readonly #ledger: Ledger;
  #held: Buffer = Buffer.alloc(0);
  values = 0;

  constructor(patterns: readonly Pattern[], ledger: Ledger) {
    this.#patterns = patterns;
    this.#ledger = ledger;
  }

  push(piece: Buffer): Buffer[] {
    const bytes = Buffer.concat([this.#held, piece]);
    const newline = bytes.lastIndexOf(10);
    if (newline >= 0) {
      this.#held = bytes.subarray(newline + 1);
      const lines = this.#replace(bytes.subarray(0, newline + 1));
      return this.#held.length > LONGEST ? [...lines, ...this.push(Buffer.alloc(0))] : lines;
    }
    if (bytes.length <= LONGEST) {
      this.#held = bytes;
      return [];
    }
    const [out, rest] = this.#cut(bytes);
    this.#held = rest;
    return out;
  }

  end(): Buffer[] {
    const rest = this.#held;
    this.#held = Buffer.alloc(0);
    return this.#replace(rest);
  }

  /** The beginning of a long line, up to what might belong to something that goes on behind it. */
  #cut(bytes: Buffer): [Buffer[], Buffer] {
    const safe = bytes.length - OVERLAP;
    const last = this.#spans(bytes.toString("latin1")).findLast(({ from }) => from < safe);
    const to = Math.max(safe, last?.to ?? 0);
    return [this.#replace(bytes.subarray(0, to)), Buffer.from(bytes.subarray(to))];
  }

  #replace(bytes: Buffer): Buffer[] {
    if (bytes.length === 0) return [];
    const out: Buffer[] = [];
    let done = 0;
    for (const { from, to, name } of this.#spans(bytes.toString("latin1"))) {
      const digest = this.#ledger.begin().update(bytes.subarray(from, to));
      out.push(bytes.subarray(done, from), this.#ledger.token(name, digest));
      this.values++;
      done = to;
    }
    out.push(bytes.subarray(done));
    return out;
  }

  /** What goes out, in order; where two overlap, the one that begins first, and the earlier rule's. Tokens stay. */
  #spans(text: string): { from: number; to: number; name: string }[] {
    const found: { from: number; to: number; name: string }[] = [];
    for (const { name, find } of this.#patterns) {
      for (const [from, to] of find(text)) if (to > from) found.push({ from, to, name });
    }
    if (found.length === 0) return found;
    found.sort((one, other) => one.from - other.from);
    const tokens = tokensIn(text);
    let end = 0;
    let next = 0;
    return found.filter(({ from, to }) => {
      while (next < tokens.length && (tokens[next]?.[1] ?? 0) <= from) next++;
      const token = tokens[next];
      if (token && token[0] <= from && to <= token[1]) return false;
      if (from < end) return false;
      end = to;
      return true;
    });
  }
}

/** The tokens that stand in a text already. */
function tokensIn(text: string): Span[] {
  const found: Span[] = [];
  for (let at = text.indexOf("<redacted:"); at >= 0; at = text.indexOf("<redacted:", at + 1)) {
    const length = tokenLength(text.slice(at, at + 96));
    if (length > 0) found.push([at, at + length]);
  }
  return found;
}
