/** Takes secrets out of files and texts. */
import { Ledger } from "./ledger.ts";
import { type Extra, makeRules, type RuleSet } from "./rules.ts";
import { Scanner } from "./scanner.ts";

/** Makes the rules of a service: those that are built in, and `extras`. Takes some milliseconds; do it once. */
export function createRules(extras: readonly Extra[] = []): RuleSet {
  const inner = makeRules(undefined, extras);
  const holds = (decoded: Buffer) => {
    const scanner = new Scanner(inner, new Ledger());
    scanner.push(decoded);
    scanner.end();
    return scanner.values > 0;
  };
  return makeRules(holds, extras);
}

/** A text without its secrets. */
export function redactText(text: string, rules: RuleSet, ledger: Ledger): string {
  const scanner = new Scanner(rules, ledger);
  const out = [...scanner.push(Buffer.from(text)), ...scanner.end()];
  return Buffer.concat(out).toString();
}

/** A content without its secrets, as it comes; `done` is told how many went out. */
export async function* redactBytes(
  source: AsyncIterable<Buffer>,
  rules: RuleSet,
  ledger: Ledger,
  done: (values: number) => void,
): AsyncGenerator<Buffer> {
  const scanner = new Scanner(rules, ledger);
  for await (const piece of source) yield* scanner.push(piece);
  yield* scanner.end();
  done(scanner.values);
}
