/** What a rule sees of a file: the bytes around one place, the same whatever the pieces were in which they came. */

/** Bytes that a rule may look at behind the place where it was called, before it must decide. */
export const AHEAD = 4096;

/** Bytes before that place that it may look at. */
export const BEHIND = 1024;

/** More bytes must come before a rule can decide. */
export const MORE = Symbol("more");

/**
 * Finds where a value ends that begins before `from`: the index of the first byte behind it, or `-1 - n` where it goes on at
 * least up to index `n` and more bytes are needed. `isLast`: nothing comes behind `end`.
 */
export type Ender = (bytes: Buffer, from: number, end: number, isLast: boolean) => number;

/** A value that goes out. Indexes are the window's. */
export interface Finding {
  /** The rule that the report counts and the token names. */
  rule: string;
  /** Where the value begins; not before {@linkcode Window.free}. */
  start: number;
  /** Where it is certain to go on from `start`: the ender begins there. */
  from: number;
  ender: Ender;
  /** What follows the value in place of it; nothing unless said. */
  mode?: Mode;
}

/** What a rule says. Undefined: nothing here. */
export type Answer = Finding | typeof MORE | undefined;

/** Where to go on, and who does: the triggers where no mode is named. */
export interface Next {
  next: number;
  mode?: Mode | undefined;
}

/** Takes over from the triggers: looks for the next value from `w.at` on. */
export interface Mode {
  step: (w: Window) => Finding | typeof MORE | Next;
}

/** See above. One is used again and again, so that looking costs nothing. */
export class Window {
  bytes: Buffer = Buffer.alloc(0);
  /** Where in the file `bytes` begin. */
  base = 0;
  /** Where the rule was called: behind what triggered it. */
  at = 0;
  /** The first byte that may be looked at, and the first that may not. */
  begin = 0;
  end = 0;
  /** The first byte that can still be replaced. */
  free = 0;
  /** Nothing behind `end` will be shown: it is the end of the file, or far enough from `at`. */
  isLast = false;
  /** `begin` is the file's. */
  isFirst = false;
  /** All that has come so far, and whether it is all there is: for what must know more than `end` shows. */
  limit = 0;
  isFinal = false;

  /** Text of a part, a byte a character. */
  text(from: number, to: number): string {
    return this.bytes.toString("latin1", from, to);
  }

  /** What a rule answers that has come to `end`. */
  short(): Answer {
    return this.isLast ? undefined : MORE;
  }
}

/** A set of bytes, by what they are as text. */
export function bytesOf(text: string): Uint8Array {
  const set = new Uint8Array(256);
  for (let i = 0; i < text.length; i++) set[text.charCodeAt(i)] = 1;
  return set;
}

const DIGITS = "0123456789";
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Sets of bytes. */
export const BLANK = bytesOf(" \t");
export const SPACE = bytesOf(" \t\r\n");
export const KEY = bytesOf(LETTERS + DIGITS + "_.-");
export const WORD = bytesOf(LETTERS + DIGITS + "_");
export const BASE64 = bytesOf(LETTERS + DIGITS + "+/=_-");
export const TOKEN = bytesOf(LETTERS + DIGITS + "+/=_-.~");
export const JWT = bytesOf(LETTERS + DIGITS + "_-.=");
export const UPPER = bytesOf(LETTERS.slice(0, 26) + DIGITS);

/** Whether the byte at an index is in a set; outside of the window none is. */
export function isIn(set: Uint8Array, w: Window, i: number): boolean {
  return i >= w.begin && i < w.end && set[w.bytes[i] as number] === 1;
}

/** The first index from `i` on whose byte is not in the set; at most `end`. */
export function skip(set: Uint8Array, bytes: Buffer, i: number, end: number): number {
  while (i < end && set[bytes[i] as number] === 1) i++;
  return i;
}

/** The first index before `i` from which on all bytes are in the set; at least `begin`. */
export function skipBack(set: Uint8Array, bytes: Buffer, i: number, begin: number): number {
  while (i > begin && set[bytes[i - 1] as number] === 1) i--;
  return i;
}
