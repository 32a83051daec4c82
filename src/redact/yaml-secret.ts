/** `data` of a Secret in YAML. */
import { isToken } from "./ledger.ts";
import { Evidence, MOST_HELD, PLAIN_BASE64, SECRET_DATA, type Sight } from "./secret-evidence.ts";
import { valueAt } from "./values.ts";
import { BLANK, type Finding, type Mode, MORE, type Next, skip, type Window } from "./window.ts";

const NEWLINE = 10;
const DASH = 45;

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
export class YamlMap implements Mode {
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
      const place = { rule: SECRET_DATA, column, kind: "plain", all: true } as const;
      const answer = valueAt(w, i + key[0].length, place);
      if (answer === MORE) return MORE;
      if (answer) return { ...answer, mode: this };
      at = start;
    }
  }
}

/** Holds a map `data` in YAML back until what follows it says whose it is. */
export class YamlDoubt implements Mode {
  readonly #column: number;
  readonly #evidence = new Evidence();
  /** How far it has looked, from `w.at`. */
  #done = 0;
  #inData = true;

  readonly #sight: Sight;

  constructor(column: number, sight: Sight) {
    this.#column = column;
    this.#sight = sight;
  }

  step(w: Window): typeof MORE | Next {
    const decided = this.#look(w);
    if (decided === undefined) return MORE;
    return { next: w.at, mode: decided ? new YamlMap(this.#column) : undefined };
  }

  #look(w: Window): boolean | undefined {
    for (let line = this.#line(w, w.at + this.#done); line; line = this.#line(w, line.next)) {
      const done = line.start - 1 - w.at;
      if (!this.#sight.spend(done - this.#done)) return true;
      this.#done = done;
      const { column, at, next } = line;
      const byte = w.bytes[at] as number;
      if (byte === NEWLINE || byte === 13 || byte === 35) continue;
      if (column < this.#column) return this.#evidence.verdict;
      if (column === this.#column) {
        if (byte === DASH) return this.#evidence.verdict;
        this.#inData = false;
        const [, key, value] =
          /^(\w+):[ \t]*["']?(\w*)/.exec(w.text(at, Math.min(next, at + 80))) ?? [];
        if (key === "data") return this.#evidence.verdict; // another object, or none at all
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
