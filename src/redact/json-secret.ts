/** `data` of a Secret in JSON, also within JSON that is itself a text. */
import { quoted } from "./enders.ts";
import { isToken } from "./ledger.ts";
import { Evidence, MOST_HELD, PLAIN_BASE64, SECRET_DATA, type Sight } from "./secret-evidence.ts";
import {
  AHEAD,
  bytesOf,
  type Finding,
  KEY,
  type Mode,
  MORE,
  type Next,
  skip,
  SPACE,
  type Window,
} from "./window.ts";

const SLASHES = bytesOf("\\");

/** The values of an object in JSON, behind its brace; `level`: backslashes before each quote. */
export class JsonMap implements Mode {
  readonly #level: number;
  /** The closing quote of a value that was replaced comes next. */
  #isClosing = false;

  constructor(level: number) {
    this.#level = level;
  }

  step(w: Window): Finding | typeof MORE | Next {
    let at = w.at;
    if (this.#isClosing) {
      if (w.end - at <= this.#level && !w.isLast) return MORE;
      at += this.#level + 1;
    }
    for (;;) {
      const token = nextToken(w.bytes, at, w.end, this.#level);
      if (token === undefined) return w.isLast ? { next: w.end } : MORE;
      const { kind, next } = token;
      if (kind === "other" || kind === "close" || kind === "open") return { next };
      if (kind === "mark") {
        at = next;
        continue;
      }
      const colon = nextToken(w.bytes, next, w.end, this.#level);
      if (colon === undefined) return w.isLast ? { next: w.end } : MORE;
      if (colon.kind !== "mark" || w.bytes[colon.start] !== 58) return { next };
      const value = nextToken(w.bytes, colon.next, w.end, this.#level, true);
      if (value === undefined) return w.isLast ? { next: w.end } : MORE;
      at = colon.next;
      if (value.kind === "word") {
        at = value.next;
        continue;
      }
      if (value.kind !== "string") return { next: value.start };
      const ender = quoted(34, this.#level, -1);
      const from = value.start;
      const stop = ender(w.bytes, from, w.end, w.isLast);
      if (stop < 0 && !w.isLast && w.end - from < AHEAD / 2) return MORE;
      if (stop === from || (stop > 0 && isToken(w.text(from, stop)))) {
        at = stop + this.#level + 1;
        continue;
      }
      this.#isClosing = true;
      return { rule: SECRET_DATA, start: from, from, ender, mode: this };
    }
  }
}

interface Token {
  kind: "string" | "open" | "close" | "mark" | "word" | "other";
  /** Of a string: behind its quote. */
  start: number;
  next: number;
  /** Of a string: its closing quote. */
  stop: number;
}

/** The next token of JSON; undefined where it is cut. */
function nextToken(
  bytes: Buffer,
  from: number,
  end: number,
  level: number,
  opening = false,
): Token | undefined {
  let at = from;
  for (;;) {
    at = skip(SPACE, bytes, at, end);
    if (at + level + 1 > end) return undefined;
    if (level === 0 || bytes[at] !== 92) break;
    // A line's end within JSON that is a text.
    const to = skip(SLASHES, bytes, at, end);
    if (to >= end) return undefined;
    const letter = bytes[to] as number;
    if (letter !== 110 && letter !== 114 && letter !== 116) break;
    at = to + 1;
  }
  const byte = bytes[at] as number;
  const mark = (kind: Token["kind"]): Token => ({ kind, start: at, next: at + 1, stop: at });
  if (byte === 123 || byte === 91) return mark("open");
  if (byte === 125 || byte === 93) return mark("close");
  if (byte === 58 || byte === 44) return mark("mark");
  const quote = skip(SLASHES, bytes, at, end);
  if (quote >= end) return undefined;
  if (bytes[quote] === 34 && quote - at === level) {
    const start = quote + 1;
    const stop = quoted(34, level, -1)(bytes, start, end, false);
    if (stop < 0 && !opening) return undefined;
    return { kind: "string", start, stop, next: stop < 0 ? start : stop + level + 1 };
  }
  const to = skip(KEY, bytes, at, end);
  if (to === end) return undefined;
  return to > at ? { kind: "word", start: at, next: to, stop: to } : mark("other");
}

/** Holds an object `data` back until what follows it says whose it is. */
export class JsonDoubt implements Mode {
  readonly #level: number;

  readonly #sight: Sight;

  constructor(level: number, sight: Sight) {
    this.#level = level;
    this.#sight = sight;
  }

  step(w: Window): typeof MORE | Next {
    const decided = this.#look(w);
    if (decided === MORE) {
      if (!w.isFinal && w.limit - w.at <= MOST_HELD) return MORE;
      return { next: w.at, mode: new JsonMap(this.#level) };
    }
    return { next: w.at, mode: decided ? new JsonMap(this.#level) : undefined };
  }

  #look(w: Window): boolean | typeof MORE {
    const evidence = new Evidence();
    let depth = 1;
    let inData = true;
    let key = "";
    let isValue = false;
    for (let at = w.at;;) {
      const token = nextToken(w.bytes, at, w.limit, this.#level);
      if (token === undefined) return MORE;
      if (!this.#sight.spend(token.next - at)) return true;
      at = token.next;
      if (token.kind === "other") return evidence.verdict;
      if (token.kind === "open") {
        if (inData) return false; // a value of `data` that is no text
        depth++;
      } else if (token.kind === "close") {
        inData = false;
        if (--depth < 0) return evidence.verdict;
      } else if (token.kind === "mark") {
        isValue = w.bytes[token.start] === 58;
        continue;
      } else if (token.kind === "string") {
        const text = w.text(token.start, Math.min(token.stop, token.start + 2048));
        if (!isValue && depth === 0 && text === "data") return evidence.verdict;
        if (!isValue) key = text;
        else if (inData && !PLAIN_BASE64.test(text) && !isToken(text)) return false;
        else if (depth === 0) evidence.note(key, text);
        if (evidence.isSecret !== undefined) return evidence.isSecret;
      }
      isValue = false;
    }
  }
}
