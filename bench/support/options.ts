/** What the measurements of the service are asked for: `--tenth`, `--runs` and `--runtime`, the same in all of them. */
import { parseArgs } from "node:util";
import type { Runtime } from "./service.ts";

/** What was asked for cannot be measured: the message is all that needs telling. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** How much is measured, how often, and on what. */
export interface Asked<More extends string> {
  /** 1, or a tenth of that with `--tenth`: how much of the whole work is done. */
  scale: number;
  /** Rounds that count, besides one to warm up. */
  runs: number;
  runtime: Runtime;
  /** The numbers of this measurement only. */
  more: Readonly<Record<More, number>>;
}

const RUNTIMES: readonly string[] = ["node", "deno"] satisfies Runtime[];

/**
 * Reads the options of a measurement that makes `runs` rounds unless told otherwise, and has options of its own, whole numbers
 * with their defaults. `--tenth` makes one round. Throws a {@linkcode UsageError} that says which option is wrong, and what it may be.
 */
export function measuring<More extends string = never>(
  args: string[],
  runs: number,
  defaults: Readonly<Record<More, number>> = {} as Readonly<Record<More, number>>,
): Asked<More> {
  const numbers = Object.entries<number>({ runs, ...defaults });
  const { values } = parseArgs({
    args,
    options: {
      tenth: { type: "boolean", default: false },
      runtime: { type: "string", default: "node" },
      ...Object.fromEntries(
        numbers.map(([name, value]) => [name, { type: "string", default: String(value) } as const]),
      ),
    },
  });
  const given = values as Readonly<Record<string, string | boolean>>;
  if (!isRuntime(values.runtime)) {
    throw new UsageError(`Cannot measure on ${values.runtime}: --runtime is node or deno`);
  }
  const asked = Object.fromEntries(
    numbers.map(([name]) => [name, wholeNumber(`--${name}`, String(given[name]))]),
  ) as Record<More | "runs", number>;
  return {
    scale: values.tenth ? 0.1 : 1,
    runs: values.tenth ? 1 : asked.runs,
    runtime: values.runtime,
    more: asked,
  };
}

/** An option's value as a whole number from 1. Throws a {@linkcode UsageError} that says what it may be. */
export function wholeNumber(option: string, value: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new UsageError(`Cannot take "${value}": ${option} is a whole number from 1`);
}

function isRuntime(name: string): name is Runtime {
  return RUNTIMES.includes(name);
}
