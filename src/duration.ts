/** Nanoseconds of each unit Go knows; the two micro signs are U+00B5 and U+03BC. */
const UNITS: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1_000n],
  ["\u00b5s", 1_000n],
  ["\u03bcs", 1_000n],
  ["ms", 1_000_000n],
  ["s", 1_000_000_000n],
  ["m", 60_000_000_000n],
  ["h", 3_600_000_000_000n],
]);

const PART = /(?:(\d+)\.?(\d*)|\.(\d+))(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/g;
const WHOLE = new RegExp(`^(?:${PART.source})+$`);

/** Go counts a duration as `int64` nanoseconds: about 292 years. */
const LONGEST_NS = 2n ** 63n - 1n;

/** No duration anybody means is longer; bounds the work of reading one. Go has no such limit. */
const LONGEST_TEXT = 100;

/**
 * Reads a duration as Go's `time.ParseDuration` does (`20m`, `1h30m`, `1.5h`, `-1s`, `0`) and returns milliseconds.
 *
 * Returns `undefined` for everything Go refuses: no unit, an unknown unit, blanks, an empty string, or more than
 * an `int64` of nanoseconds. A fraction finer than a nanosecond is cut off.
 */
export function parseDuration(text: string): number | undefined {
  if (text.length > LONGEST_TEXT) return undefined;
  const negative = text.startsWith("-");
  const rest = text.replace(/^[+-]/, "");
  if (rest === "0") return 0;
  if (!WHOLE.test(rest)) return undefined;
  let total = 0n;
  for (const [, whole = "0", fraction = "", bare = "", unit = ""] of rest.matchAll(PART)) {
    const size = UNITS.get(unit) ?? 0n;
    const digits = fraction + bare;
    total += BigInt(whole) * size + (BigInt(digits || "0") * size) / 10n ** BigInt(digits.length);
  }
  if (total > LONGEST_NS + (negative ? 1n : 0n)) return undefined; // an int64 reaches one further below zero
  return Number(negative ? -total : total) / 1e6;
}

/** Writes milliseconds as a duration that Go and oc read back, in whole seconds rounded up: `3900s`. */
export function formatSeconds(ms: number): string {
  return `${Math.ceil(ms / 1000)}s`;
}
