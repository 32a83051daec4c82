/** What stands for the values of one archive, and how many there were. Never holds a value. */
import { createHmac, type Hmac, randomBytes } from "node:crypto";

/** Values that are told apart, some 100 bytes each; those that come when there are as many all look the same. */
const MOST_VALUES = 200_000;

/** Files whose counts are kept one by one; of others only the sums are. */
const MOST_FILES = 1000;

/** Names of files in a list; a hostile tree must not make the record endless. */
export const MOST_NAMED = 100;

/** The longest path that is named, in characters. */
const LONGEST_PATH = 1000;

const TOKEN = /^<redacted:[a-z\d][a-z\d-]{0,63}(?::\d{1,9})?>/;

/** A token as it stands in names of files. */
const NAMED_TOKEN = /^redacted-[a-z\d][a-z\d-]{0,63}-\d{1,9}(?![A-Za-z\d_])/;

/** Whether a text begins with a token. */
export function isToken(text: string): boolean {
  return TOKEN.test(text) || NAMED_TOKEN.test(text);
}

/** Bytes of the token that a text begins with; 0 where it begins with none. */
export function tokenLength(text: string): number {
  return TOKEN.exec(text)?.[0].length ?? 0;
}

/** What was done to an archive, as its record says it. */
export interface RedactionReport {
  /** How many values went out, by rule. */
  "rules": Record<string, number>;
  /** Values that went out, and those of them that were different. */
  "values": number;
  "distinct": number;
  /** Files in which something was found; those with the most first. */
  "files": { "count": number; "paths": { "path": string; "values": number }[] };
  /** Not looked into: they are no text. */
  "binary": { "count": number; "paths": string[] };
  /** Archives that are not in it, since they could not be opened, and why. */
  "left-out": { "count": number; "paths": { "path": string; "why": string }[] };
}

/** The ledger of one archive: let it go, and nobody can say any more what a token stood for. */
export class Ledger {
  /** Only in this memory: what is kept of a value cannot be guessed at without it. */
  readonly #key = randomBytes(32);
  readonly #tokens = new Map<string, string>();
  readonly #numbers = new Map<string, number>();
  readonly #rules = new Map<string, number>();
  readonly #files = new Map<string, number>();
  readonly #binary: string[] = [];
  readonly #leftOut: { path: string; why: string }[] = [];
  #values = 0;
  #fileCount = 0;
  #binaryCount = 0;
  #leftOutCount = 0;

  /** Takes in a value piece by piece. */
  begin(): Hmac {
    return createHmac("sha256", this.#key);
  }

  /** The token of a value that is all in `digest`. */
  token(rule: string, digest: Hmac): Buffer {
    const value = digest.digest("base64");
    this.#values++;
    this.#rules.set(rule, (this.#rules.get(rule) ?? 0) + 1);
    const known = this.#tokens.get(value);
    if (known !== undefined) return Buffer.from(known);
    if (this.#tokens.size >= MOST_VALUES) return Buffer.from(`<redacted:${rule}>`);
    const number = (this.#numbers.get(rule) ?? 0) + 1;
    this.#numbers.set(rule, number);
    const token = `<redacted:${rule}:${number}>`;
    this.#tokens.set(value, token);
    return Buffer.from(token);
  }

  /** So many values went out of a file. */
  file(path: string, values: number): void {
    if (values === 0) return;
    this.#fileCount++;
    if (this.#files.size < MOST_FILES) this.#files.set(path.slice(0, LONGEST_PATH), values);
  }

  binary(path: string): void {
    if (++this.#binaryCount <= MOST_NAMED) this.#binary.push(path.slice(0, LONGEST_PATH));
  }

  leaveOut(path: string, why: string): void {
    if (++this.#leftOutCount > MOST_NAMED) return;
    this.#leftOut.push({ path: path.slice(0, LONGEST_PATH), why });
  }

  /** Values that went out by now. */
  get values(): number {
    return this.#values;
  }

  report(): RedactionReport {
    const files = [...this.#files].sort(([, one], [, other]) => other - one).slice(0, MOST_NAMED);
    return {
      "rules": Object.fromEntries([...this.#rules].sort(([one], [other]) => one < other ? -1 : 1)),
      "values": this.#values,
      "distinct": this.#tokens.size,
      "files": {
        "count": this.#fileCount,
        "paths": files.map(([path, values]) => ({ "path": path, "values": values })),
      },
      "binary": { "count": this.#binaryCount, "paths": this.#binary },
      "left-out": { "count": this.#leftOutCount, "paths": this.#leftOut },
    };
  }
}
