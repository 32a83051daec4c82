/** The conditions and ranges of a request for a file, as RFC 9110 has them. */

/** A request, as far as it matters here. */
export interface Asked {
  method: string;
  /** The value of a header, by its name in lower case. */
  header: (name: string) => string | undefined;
}

/** What is asked for. */
export interface Representation {
  size: number;
  /** A strong tag, in its quotes. */
  etag: string;
  /** Milliseconds since 1970; a header has whole seconds. */
  lastModified: number;
}

/** What to answer: with 206, the bytes from `start` to `end`, both included. */
export type Answer =
  | { status: 200 | 304 | 412 | 416 }
  | { status: 206; start: number; end: number };

/**
 * Decides how a GET or HEAD of a file is answered. More than one range at a time is answered with the whole file, and so is any of
 * a HEAD: ranges are for GET alone (14.2).
 */
export function answerTo(asked: Asked, file: Representation): Answer {
  const header = (name: string) => asked.header(name);
  const lastModified = Math.floor(file.lastModified / 1000) * 1000;
  const modifiedSince = (name: string) => {
    const time = httpDate(header(name));
    return time === undefined ? undefined : lastModified > time;
  };

  const ifMatch = header("if-match");
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, file.etag, "strong")) return { status: 412 };
  } else if (modifiedSince("if-unmodified-since") === true) return { status: 412 };

  const ifNoneMatch = header("if-none-match");
  if (ifNoneMatch !== undefined) {
    if (matches(ifNoneMatch, file.etag)) return { status: 304 };
  } else if (modifiedSince("if-modified-since") === false) return { status: 304 };

  const range = asked.method === "GET" ? parseRange(header("range"), file.size) : undefined;
  if (range === undefined) return { status: 200 };
  const ifRange = header("if-range");
  if (ifRange !== undefined) {
    const isSame = ifRange.startsWith('"')
      ? ifRange === file.etag
      : httpDate(ifRange) === lastModified;
    if (!isSame) return { status: 200 };
  }
  return range.start <= range.end ? { status: 206, ...range } : { status: 416 };
}

/** The one range of bytes that a `Range` header asks for, empty where the file has none of it; undefined for what is passed over. */
function parseRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | undefined {
  const [, first, last] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? "") ?? [];
  if (first === undefined || last === undefined || first + last === "") return undefined;
  if (first === "") return { start: Math.max(0, size - Number(last)), end: size - 1 };
  if (last !== "" && Number(last) < Number(first)) return undefined;
  return { start: Number(first), end: last === "" ? size - 1 : Math.min(Number(last), size - 1) };
}

/**
 * Whether a list of tags has this strong one, or is `*`. The weak comparison, that of `If-None-Match`, passes over `W/`; to the
 * strong one, that of `If-Match`, a weak tag equals none.
 */
export function matches(
  list: string,
  etag: string,
  comparison: "weak" | "strong" = "weak",
): boolean {
  if (list === etag) return true; // as most clients send it
  if (list.trim() === "*") return true;
  return list.split(",").some((tag) => {
    const trimmed = tag.trim();
    return (comparison === "weak" ? trimmed.replace(/^W\//, "") : trimmed) === etag;
  });
}

/** What all three forms of a date in a header begin with; the rest is left to `Date.parse`, which takes far more than these. */
const DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /;

/** A date as headers have it (RFC 9110, 5.6.7), in milliseconds; undefined for what is none. */
function httpDate(text: string | undefined): number | undefined {
  if (text === undefined || !DATE.test(text)) return undefined;
  const time = Date.parse(text.endsWith(" GMT") ? text : `${text} GMT`); // the oldest form leaves the zone out
  return Number.isNaN(time) ? undefined : time;
}
