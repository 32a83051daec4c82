/** `data` and `stringData` of Secrets, in YAML and JSON, also within lists and within JSON that is itself a text. */
import { quoted } from "./enders.ts";
import { isToken } from "./ledger.ts";
import { columnOf, valueAt } from "./values.ts";
import {
  AHEAD,
  type Answer,
  BLANK,
  bytesOf,
  type Finding,
  isIn,
  KEY,
  type Mode,
  MORE,
  type Next,
  skip,
  SPACE,
  type Window,
} from "./window.ts";

/** What is held back until it is known whether it is a Secret's, in bytes: etcd takes no object over 1.5 MiB. */
const MOST_HELD = 3 * 2 ** 20;

const RULE = "secret-data";
const NEWLINE = 10;
const DASH = 45;
const SLASHES = bytesOf("\\");
const PLAIN_BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** What was said of the objects around the place at hand; one a file. */
export class Manifests {
  /** YAML: columns of the keys `kind` whose value is Secret or SecretList, outermost first. */
  #kinds: { column: number; isList: boolean }[] = [];
  /** JSON: whether the last `kind` was one of those. */
  #jsonIsSecret = false;

  /** Whether lines matter. */
  get isWatching(): boolean {
    return this.#kinds.length > 0;
  }

  /** A line begins at `w.at`: what is indented further than it has ended. */
  line(w: Window): Answer {
    const at = skip(BLANK, w.bytes, w.at, w.end);
    if (at + 3 > w.end && !w.isLast) return MORE;
    if (at >= w.end || SPACE[w.bytes[at] as number] === 1) return undefined;
    const column = at - w.at;
    const text = w.text(at, Math.min(w.end, at + 3));
    if (column === 0 && (text === "---" || text === "...")) this.#kinds = [];
    else this.#kinds = this.#kinds.filter((kind) => kind.column <= column);
    return undefined;
  }

  /** Behind `kind`. */
  kind(w: Window): Answer {
    const { bytes } = w;
    const start = w.at - 4;
    const colon = /^\\*["']?[ \t]*:[ \t]*/.exec(w.text(w.at, Math.min(w.end, w.at + 200)));
    if (!colon) return w.at + 200 > w.end ? w.short() : undefined;
    if (isIn(KEY, w, start - 1)) return undefined;
    const from = w.at + colon[0].length;
    const value = w.text(from, Math.min(w.end, from + 80));
    const [all = "", slashes, kind] = /^(\\*)["']?([A-Za-z]*)/.exec(value) ?? [];
    if (all.length === value.length && value.length < 80 && !w.isLast) return MORE;
    const isSecret = kind === "Secret" || kind === "SecretList";
    if (colon[0].includes('"') || slashes) this.#jsonIsSecret = isSecret;
    else if (isSecret) {
      const column = columnOf(w, start);
      if (column >= 0 && bytes[start] === 107) {
        this.#kinds.push({ column, isList: kind === "SecretList" });
      }
    }
    return undefined;
  }

  /** Behind `data` or `Data`: undefined, or the mode that takes over. */
  data(w: Window): Answer | Next {
    const { bytes } = w;
    const after = w.at < w.end ? bytes[w.at] : 58;
    if (after !== 58 && after !== 34 && after !== 92) return undefined; // : " \
    const isString = w.text(w.at - 10, w.at) === "stringData";
    const start = w.at - (isString ? 10 : 4);
    if (!isString && bytes[start] !== 100) return undefined;
    if (isIn(KEY, w, start - 1)) return undefined;
    const slashes = skip(SLASHES, bytes, w.at, w.end);
    if (slashes + 1 >= w.end && !w.isLast) return MORE;
    if (slashes < w.end && bytes[slashes] === 34) return this.#json(w, slashes, isString);
    const colon = /^:[ \t]*(?:#[^\n]*)?\r?(?=\n)/.exec(w.text(w.at, Math.min(w.end, w.at + 200)));
    if (!colon) return bytes[w.at] === 58 && w.at + 200 > w.end ? w.short() : undefined;
    const column = columnOf(w, start);
    if (column < 0) return undefined;
    const next = w.at + colon[0].length;
    const isSecret = isString ||
      this.#kinds.some((kind) => kind.isList ? kind.column < column : kind.column === column);
    return { next, mode: isSecret ? new YamlMap(column) : new YamlDoubt(column) };
  }

  #json(w: Window, quote: number, isString: boolean): Answer | Next {
    const level = quote - w.at;
    const rest = w.text(quote + 1, Math.min(w.end, quote + 400));
    const open = /^(?:\s|\\+[nrt])*:(?:\s|\\+[nrt])*\{/.exec(rest);
    if (!open) return /^[\s\\nrt:]*$/.test(rest) && rest.length < 399 ? w.short() : undefined;
    const next = quote + 1 + open[0].length;
    const isSecret = isString || this.#jsonIsSecret;
    return { next, mode: isSecret ? new JsonMap(level) : new JsonDoubt(level) };
  }
}

/** A line of YAML. */
interface Line {
  start: number;
  /** Of its first byte that is no blank. */
  column: number;
  at: number;
  /** Behind its newline. */
  next: number;
}

/** The values of a map in YAML, below its key. */
class YamlMap implements Mode {
  readonly #column: number;
  #inner = -1;

  constructor(column: number) {
    this.#column = column;
  }

  step(w: Window): Finding | typeof MORE | Next {
    const { bytes } = w;
    for (let at = w.at;;) {
      const newline = bytes.indexOf(NEWLINE, at);
      if (newline === -1 || newline >= w.end) {
        if (w.isLast) {
          return w.isFinal && w.end === w.limit ? { next: w.end } : { next: w.end, mode: this };
        }
        return MORE;
      }
      const start = newline + 1;
      const i = skip(BLANK, bytes, start, w.end);
      if (i === w.end) {
        if (!w.isLast) return MORE;
        return { next: newline };
      }
      const byte = bytes[i] as number;
      if (byte === NEWLINE || byte === 13 || byte === 35) {
        at = start;
        continue;
      }
      const column = i - start;
      if (column <= this.#column) return { next: newline };
      if (this.#inner === -1) this.#inner = column;
      const rest = w.text(i, Math.min(w.end, i + 1100));
      const key =
        /^(?:"(?:[^"\\\n]|\\.){0,1000}"|'[^'\n]{0,1000}'|[^\s"'][^\n]{0,1000}?)[ \t]*:(?=[ \t\r\n])/
          .exec(rest);
      if (!key) {
        if (!w.isLast && rest.length < 1100) return MORE;
        at = start;
        continue;
      }
      const place = { rule: RULE, column, kind: "plain", all: true } as const;
      const answer = valueAt(w, i + key[0].length, place);
      if (answer === MORE) return MORE;
      if (answer) return { ...answer, mode: this };
      at = start;
    }
  }
}

/** The values of an object in JSON, behind its brace; `level`: backslashes before each quote. */
class JsonMap implements Mode {
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
      return { rule: RULE, start: from, from, ender, mode: this };
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

/** What is known of an object of which it is not yet known whether it is a Secret. */
class Evidence {
  hasType = false;
  /** Undefined where nothing says so. */
  isSecret: boolean | undefined;

  /** `kind` comes behind `data` where keys are sorted; items of a SecretList may have none, but have a `type`. */
  get verdict(): boolean {
    return this.isSecret ?? this.hasType;
  }

  note(key: string, value: string): void {
    if (key === "type") this.hasType = true;
    if (key === "kind") this.isSecret = value === "Secret" || value === "SecretList";
  }
}

/** Holds a map `data` in YAML back until what follows it says whose it is. */
class YamlDoubt implements Mode {
  readonly #column: number;
  readonly #evidence = new Evidence();
  /** How far it has looked, from `w.at`. */
  #done = 0;
  #inData = true;

  constructor(column: number) {
    this.#column = column;
  }

  step(w: Window): typeof MORE | Next {
    const decided = this.#look(w);
    if (decided === undefined) return MORE;
    return { next: w.at, mode: decided ? new YamlMap(this.#column) : undefined };
  }

  #look(w: Window): boolean | undefined {
    for (let line = this.#line(w, w.at + this.#done); line; line = this.#line(w, line.next)) {
      this.#done = line.start - 1 - w.at;
      const { column, at, next } = line;
      const byte = w.bytes[at] as number;
      if (byte === NEWLINE || byte === 13 || byte === 35) continue;
      if (column < this.#column) return this.#evidence.verdict;
      if (column === this.#column) {
        if (byte === DASH) return this.#evidence.verdict;
        this.#inData = false;
        const [, key, value] =
          /^(\w+):[ \t]*["']?(\w*)/.exec(w.text(at, Math.min(next, at + 80))) ?? [];
        if (key !== undefined) this.#evidence.note(key, value ?? "");
        if (this.#evidence.isSecret !== undefined) return this.#evidence.isSecret;
      } else if (this.#inData && !couldBeSecret(w.text(at, Math.min(next, at + 2048)))) {
        return false;
      }
    }
    if (w.isFinal) return this.#evidence.verdict;
    return w.limit - w.at > MOST_HELD ? true : undefined;
  }

  /** The line behind the newline at or behind `from`, if all of it is there. */
  #line({ bytes, limit, isFinal }: Window, from: number): Line | undefined {
    const newline = bytes.indexOf(NEWLINE, from);
    if (newline === -1 || newline + 1 >= limit) return undefined;
    const start = newline + 1;
    const next = bytes.indexOf(NEWLINE, start);
    if (next === -1 && !isFinal) return undefined;
    const end = next === -1 ? limit : next;
    const at = Math.min(skip(BLANK, bytes, start, limit), end);
    return { start, column: at - start, at: at === limit ? newline : at, next: end };
  }
}

/** Whether a line in `data` could stand in a Secret's: a key, and base64 or nothing. A long one is judged by its beginning. */
function couldBeSecret(line: string): boolean {
  const [, value] = /^["']?[\w.-]+["']?:[ \t]*["']?([^"'\r\n]*)/.exec(line) ?? [];
  if (value === undefined) return PLAIN_BASE64.test(line.trim()); // of a value over several lines
  const text = value.trim();
  return text === "null" || text === "|" || text === ">-" || text === ">" || text === "|-" ||
    text.startsWith("!!binary") || isToken(text) || PLAIN_BASE64.test(text);
}

/** The same in JSON. */
class JsonDoubt implements Mode {
  readonly #level: number;

  constructor(level: number) {
    this.#level = level;
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
        if (!isValue) key = text;
        else if (inData && !PLAIN_BASE64.test(text) && !isToken(text)) return false;
        else if (depth === 0) evidence.note(key, text);
        if (evidence.isSecret !== undefined) return evidence.isSecret;
      }
      isValue = false;
    }
  }
}
