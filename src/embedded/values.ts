import { parseDuration } from "../duration.ts";

/** A flag's value that oc refuses; the message is what Go's parser says of it. */
export class ValueError extends Error {
  override name = "ValueError";
}

/** Reads a boolean as Go's `strconv.ParseBool` does. Throws a {@linkcode ValueError} in its words. */
export function readBoolean(text: string): boolean {
  if (["1", "t", "T", "TRUE", "true", "True"].includes(text)) return true;
  if (["0", "f", "F", "FALSE", "false", "False"].includes(text)) return false;
  throw new ValueError(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** Reads a duration as Go's `time.ParseDuration` does, in milliseconds. Throws a {@linkcode ValueError} in its words. */
export function readDuration(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  const quoted = JSON.stringify(text);
  // What stands in place of a unit behind the first number that has none of Go's.
  const unit = text.length > 100 ? undefined : FIRST_ODD_UNIT.exec(text)?.[1];
  if (unit === "") throw new ValueError(`time: missing unit in duration ${quoted}`);
  if (unit === undefined || UNITS.includes(unit)) {
    throw new ValueError(`time: invalid duration ${quoted}`);
  }
  throw new ValueError(`time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`);
}

const UNITS = ["ns", "us", "µs", "μs", "ms", "s", "m", "h"];
const FIRST_ODD_UNIT =
  /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h)(?=[\d.]))*(?:\d+\.?\d*|\.\d+)([^\d.]*)/;

/** Reads a whole number of seconds or per cent. Throws a {@linkcode ValueError} in the words of `strconv.ParseInt`. */
export function readInteger(text: string): number {
  if (/^[+-]?\d{1,15}$/.test(text)) return Number(text);
  const problem = /^[+-]?\d+$/.test(text) ? "value out of range" : "invalid syntax";
  throw new ValueError(`strconv.ParseInt: parsing ${JSON.stringify(text)}: ${problem}`);
}

/** What oc tells on stderr of a `--timeout` without a unit. */
const SECONDS_DEPRECATED =
  "Flag --timeout's value in seconds has been deprecated, use duration like 5s, 2m, or 3h, instead";

/**
 * Reads `--timeout` as oc does, in milliseconds: with any of the letters s, m, h a Go duration, else whole seconds, for
 * which `warn` is given oc's notice. Throws a {@linkcode ValueError}.
 */
export function readTimeout(text: string, warn: (line: string) => void): number {
  if (/[smh]/.test(text)) return readDuration(text);
  warn(SECONDS_DEPRECATED);
  return readInteger(text) * 1000;
}

/** Reads an RFC 3339 time; undefined when it is none. */
export function readTime(text: string): Date | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(text)) {
    return undefined;
  }
  const time = new Date(text.replace(",", "."));
  return Number.isNaN(time.getTime()) ? undefined : time;
}
