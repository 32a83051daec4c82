/** Where values end: each knows one way of writing them. */
import { BLANK, bytesOf, type Ender, KEY, skip, SPACE } from "./window.ts";

const NEWLINE = 10;
const RETURN = 13;
const BACKSLASH = 92;

/** Blank bytes that a value over several lines may have within it: what is held back meanwhile. */
const LONGEST_GAP = 4096;

/** Bytes that an ender may have to look at behind one that might end the value. */
const LOOK = 128;

/** The value goes on while its bytes are in `set`. */
export function whileIn(set: Uint8Array): Ender {
  return (bytes, from, end, isLast) => {
    const at = skip(set, bytes, from, end);
    return at < end || isLast ? at : -1 - at;
  };
}

/** The value ends before a byte of `set`. */
export function until(set: Uint8Array): Ender {
  return (bytes, from, end, isLast) => {
    let at = from;
    while (at < end && set[bytes[at] as number] === 0) at++;
    return at < end || isLast ? at : -1 - at;
  };
}

/** The value is the rest of the line. */
export const LINE: Ender = (bytes, from, end, isLast) => {
  const found = bytes.indexOf(NEWLINE, from);
  if (found === -1 || found >= end) return isLast ? end : -1 - Math.max(from, end - 1);
  return found > from && bytes[found - 1] === RETURN ? found - 1 : found;
};

const CLOSING = bytesOf("\"'`)}],;&");
const ENDS_WORD = bytesOf(" \t\r\n\"'`<>\0");
const MAYBE = bytesOf(",;)}]&|\\%");
const AFTER_BACKSLASH = bytesOf("\"'nrtu\\");
const ENCODED_ENDS = new Set(["20", "22", "26", "27", "3B", "0A", "0D", "3C", "3E"]);

/**
 * A value without quotes: ends at blanks and quotes, and at what only looks like a part of it where that separates: a comma
 * before the next key, a bracket before the end. `encoded`: percent-encoded, so that `%26` ends it as well. `query`: of a URL.
 */
export function word(kind: "plain" | "encoded" | "query"): Ender {
  return (bytes, from, end, isLast) => {
    for (let at = from; at < end; at++) {
      const byte = bytes[at] as number;
      if (ENDS_WORD[byte] === 1) return at;
      if (MAYBE[byte] === 0) continue;
      if (end - at < LOOK && !isLast) return -1 - at;
      if (separates(bytes, at, end, kind)) return at;
    }
    return isLast ? end : -1 - end;
  };
}

function separates(bytes: Buffer, at: number, end: number, kind: string): boolean {
  const byte = bytes[at] as number;
  const after = at + 1 < end ? bytes[at + 1] as number : NEWLINE;
  switch (byte) {
    case BACKSLASH:
      return AFTER_BACKSLASH[after] === 1;
    case 37: // %
      return kind === "encoded" &&
        ENCODED_ENDS.has(bytes.toString("latin1", at + 1, at + 3).toUpperCase());
    case 38: // &
      return kind !== "plain" || after === 38 || startsKey(bytes, at + 1, end);
    case 124: // |
      return after === 124;
    case 44: // ,
    case 59: // ;
      if (SPACE[after] === 1 || CLOSING[after] === 1) return true;
      return startsKey(bytes, at + 1, end);
    default: // a closing bracket
      return SPACE[after] === 1 || CLOSING[after] === 1 || after === BACKSLASH || after === 60;
  }
}

/** Whether `name=`, `name:` or the same in quotes stands here. */
function startsKey(bytes: Buffer, from: number, end: number): boolean {
  const to = Math.min(end, from + LOOK - 2);
  let at = from;
  while (at < to && (bytes[at] === 34 || bytes[at] === 39 || bytes[at] === BACKSLASH)) at++;
  const start = at;
  at = skip(KEY, bytes, at, to);
  if (at === start) return false;
  while (at < to && (bytes[at] === 34 || bytes[at] === 39 || bytes[at] === BACKSLASH)) at++;
  return at < to && (bytes[at] === 61 || bytes[at] === 58);
}

/**
 * A value in quotes. `level`: backslashes before the quote, as JSON in JSON has them; a quote of fewer ends the text around
 * it, and so the value. A line's end is the value's end too, unless `column` says of which YAML key it is and the next line is
 * indented further.
 */
export function quoted(quote: number, level: number, column: number): Ender {
  const period = 2 * (level + 1);
  const doubles = quote === 39 && level === 0;
  return (bytes, from, end, isLast) => {
    for (let at = from; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte === NEWLINE) {
        const goesOn = column < 0 ? false : isDeeper(bytes, at + 1, end, isLast, column);
        if (goesOn === undefined) return -1 - at;
        if (!goesOn) return at > from && bytes[at - 1] === RETURN ? at - 1 : at;
      } else if (byte === BACKSLASH && !doubles) {
        let to = at;
        while (to < end && bytes[to] === BACKSLASH && to - at < LOOK) to++;
        if (to === end && !isLast) return -1 - at;
        const count = to - at;
        const isQuote = to < end && bytes[to] === quote;
        if (isQuote && (count < level || count % period === level)) {
          return to - Math.min(level, count);
        }
        at = isQuote ? to : to - 1;
      } else if (byte === quote) {
        if (!doubles) return at; // fewer backslashes than the one that opened it, or none as it
        if (at + 1 === end && !isLast) return -1 - at;
        if (at + 1 < end && bytes[at + 1] === quote) at++;
        else return at;
      }
    }
    return isLast ? end : -1 - end;
  };
}

/** Whether the line that begins here is indented further than `column`; undefined where more bytes are needed to say so. */
function isDeeper(
  bytes: Buffer,
  from: number,
  end: number,
  isLast: boolean,
  column: number,
): boolean | undefined {
  const at = skip(BLANK, bytes, from, Math.min(end, from + column + 1));
  if (at > from + column) return true;
  if (at === end) return isLast ? false : undefined;
  return bytes[at] === NEWLINE || bytes[at] === RETURN; // an empty line belongs to what goes on behind it
}

/** A YAML value over several lines: all that are indented further than `column`, and the empty ones between them. */
export function block(column: number): Ender {
  return (bytes, from, end, isLast) => {
    let at = from;
    for (;;) {
      const newline = bytes.indexOf(NEWLINE, at);
      if (newline === -1 || newline >= end) return isLast ? end : -1 - Math.max(from, end - 1);
      const stop = newline > from && bytes[newline - 1] === RETURN ? newline - 1 : newline;
      // Empty lines count only where a further line of the value comes behind them.
      const next = skip(SPACE, bytes, newline + 1, end);
      if (next - stop > LONGEST_GAP) return stop;
      if (next === end) return isLast ? stop : -1 - stop;
      const lineStart = bytes.lastIndexOf(NEWLINE, next) + 1;
      if (next - lineStart <= column) return stop;
      at = next;
    }
  };
}

/** Up to `text`; its bytes are the value's too. `allowed`: what else ends the value. */
export function through(text: string, allowed: Uint8Array, longest: number): Ender {
  const mark = Buffer.from(text);
  let seen = 0;
  return (bytes, from, end, isLast) => {
    for (let at = from; at < end; at++) {
      const byte = bytes[at] as number;
      if (allowed[byte] === 0 || seen + (at - from) > longest) return at;
      if (byte !== mark[0]) continue;
      if (end - at < LOOK && !isLast) {
        seen += at - from;
        return -1 - at;
      }
      if (bytes.compare(mark, 0, mark.length, at, Math.min(end, at + mark.length)) !== 0) continue;
      const close = bytes.indexOf("-----", at + mark.length);
      return close === -1 || close > at + LOOK - 5 ? at + mark.length : close + 5;
    }
    if (isLast) return end;
    seen += end - from;
    return -1 - end;
  };
}
