/** Takes secrets out of files, names and texts. */
import { Ledger } from "./ledger.ts";
import { type Pattern, PatternScanner } from "./patterns.ts";
import { makeRules, type RuleSet } from "./rules.ts";
import { Scanner } from "./scanner.ts";

/** Makes the rules that are built in. Takes some milliseconds; do it once. */
export function createRules(): RuleSet {
  const inner = makeRules(undefined);
  const holds = (decoded: Buffer) => {
    const scanner = new Scanner(inner, new Ledger());
    scanner.push(decoded);
    scanner.end();
    return scanner.values > 0;
  };
  return makeRules(holds);
}

/** What takes pieces of a file and gives them without secrets. */
export interface FileScanner {
  push: (piece: Buffer) => Buffer[];
  end: () => Buffer[];
  /** Instead of both: all of the file, which comes back itself where there is nothing to be found. */
  whole: (bytes: Buffer) => Buffer;
  readonly values: number;
}

/** Components of paths that are known to hold nothing. */
const MOST_NAMES = 10_000;

/** Takes the secrets out of one archive. */
export class Redactor {
  readonly #rules: RuleSet;
  readonly #patterns: readonly Pattern[];
  readonly #contents: readonly Pattern[];
  readonly #names: readonly Pattern[];
  readonly #clean = new Set<string>();
  readonly ledger: Ledger;

  constructor(rules: RuleSet, patterns: readonly Pattern[], ledger = new Ledger()) {
    this.#rules = rules;
    this.#patterns = patterns;
    this.#contents = patterns.filter(({ target }) => target !== "name");
    this.#names = patterns.filter(({ target }) => target !== "content");
    this.ledger = ledger;
  }

  /** One that knows nothing of what this one took out. */
  fresh(): Redactor {
    return new Redactor(this.#rules, this.#patterns);
  }

  /** For what comes bit by bit and is shown at once. */
  live(): FileScanner {
    return this.#scanner(this.#contents, 0);
  }

  /** For one file. */
  file(): FileScanner {
    return this.#scanner(this.#contents);
  }

  #scanner(patterns: readonly Pattern[], least?: number): FileScanner {
    const first = new Scanner(this.#rules, this.ledger, least);
    if (patterns.length === 0) return first;
    const second = new PatternScanner(patterns, this.ledger);
    return {
      push: (piece) => first.push(piece).flatMap((each) => second.push(each)),
      whole: (bytes) => Buffer.concat([...second.push(first.whole(bytes)), ...second.end()]),
      end: () => [...first.end().flatMap((each) => second.push(each)), ...second.end()],
      get values() {
        return first.values + second.values;
      },
    };
  }

  /** A text without its secrets. */
  text(text: string): string {
    return run(text, this.file());
  }

  /**
   * A path without its secrets, each of its components by itself. Tokens are written as `redacted-jwt-1` there: what
   * archives' readers refuse in names is not in it.
   */
  name(path: string): string {
    return path.split("/").map((part) => this.#component(part)).join("/");
  }

  #component(part: string): string {
    if (part === "" || this.#clean.has(part)) return part;
    const scanner = this.#scanner(this.#names);
    const out = run(part, scanner);
    if (scanner.values > 0) {
      return out.replaceAll(
        /<redacted:([a-z\d-]+)(?::(\d+))?>/g,
        (_all, rule, number = "") => `redacted-${rule}-${number}`,
      );
    }
    if (this.#clean.size >= MOST_NAMES) this.#clean.clear();
    this.#clean.add(part);
    return part;
  }
}

function run(text: string, scanner: FileScanner): string {
  return scanner.whole(Buffer.from(text)).toString();
}
