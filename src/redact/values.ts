/** Values as they stand behind a name: quoted or not, on the line or below it. */
import { block, LINE, quoted, until, word } from "./enders.ts";
import { isToken } from "./ledger.ts";
import {
  AHEAD,
  type Answer,
  BLANK,
  bytesOf,
  type Ender,
  isIn,
  KEY,
  MORE,
  skip,
  type Window,
} from "./window.ts";

/** How a value stands there. */
export interface Place {
  /** What the report calls it. */
  rule: string;
  /** Column of the YAML key before it; -1 where it is none, or in the middle of a line. */
  column: number;
  /** Of what it is a part. */
  kind: "plain" | "encoded" | "query" | "xml";
  /** Every value is one, whatever it looks like. */
  all?: boolean;
  /** It takes the rest of its line. */
  line?: boolean;
  /** A word of prose may stand here: `failed to get token: Unauthorized`. */
  prose?: boolean;
}

const QUOTES = bytesOf("\"'`");
const SLASHES = bytesOf("\\");
const TAG_END = bytesOf("<");
const HEADER_END = bytesOf("\"'\r\n\\]");

/** Values that tell nothing. */
const EMPTY =
  /^(?:|null|nil|~|none|true|false|yes|no|undefined|unset|<(?:nil|none|null|unset|hidden|omitted|masked|redacted|unknown|no value|[a-z-]*(?:password|token|secret|key)[a-z-]*)>|\*+|x{3,}|\{\}?|\[\]?|\$\([A-Za-z_][A-Za-z0-9_]*\)?|\$\{[A-Za-z_][A-Za-z0-9_]*\}?|[|>]|\(?\[?redacted\]?\)?|\[?masked\]?|\.\.\.)$/i;

/** A word of prose. */
const PROSE = /^[A-Za-z]?[a-z]*[,.:;]?$/;

/** The whole words before what counts. */
const SCHEMES = /^(?:bearer|basic|digest|negotiate|token|apikey|aws4-hmac-sha256)(?: +|\+|%20)/i;

/** An object's name with its namespace, as structured logs have it: `secret="openshift-mtv/vsphere"`. */
const OBJECT = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\/[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/;

/** Finds the value that begins at `at` or behind the blanks there. */
export function valueAt(w: Window, at: number, place: Place): Answer {
  const { bytes, end } = w;
  let i = skip(BLANK, bytes, at, end);
  if (i === end) return w.short();
  // `!!binary`, `&anchor`: YAML's own words before a value.
  while (place.column >= 0 && (bytes[i] === 33 || (bytes[i] === 38 && place.all))) {
    i = skip(KEY_OR_TAG, bytes, i, end);
    i = skip(BLANK, bytes, i, end);
    if (i === end) return w.short();
  }
  const first = bytes[i] as number;
  if (first === 124 || first === 62) { // | and >
    const header = place.column >= 0 ? blockHeader(w, i) : 0;
    if (header === MORE) return MORE;
    if (header > 0) return belowAt(w, header, place, true);
  }
  if (first === 10 || first === 13) {
    return place.column >= 0 ? belowAt(w, i, place, false) : undefined;
  }
  if (first === 91) i = skip(BLANK, bytes, i + 1, end); // [ of a list of one
  if (first === 35 && place.column >= 0 && i > at) return undefined; // a comment
  if (i === end) return w.short();

  const slashes = skip(SLASHES, bytes, i, Math.min(end, i + 64));
  if (slashes === end) return w.short();
  if (QUOTES[bytes[slashes] as number] === 1) {
    const ender = quoted(bytes[slashes] as number, slashes - i, place.column);
    return judge(w, slashes + 1, ender, { ...place, prose: false });
  }
  const named = entityAt(w, i);
  if (named > i) return judge(w, named, until(AMPERSAND), place);
  if (place.kind === "xml") return judge(w, i, until(TAG_END), place);
  if (place.rule === "cookie") return judge(w, i, until(HEADER_END), place);
  const isFlow = first === 123 || first === 91;
  const takesLine = !isFlow && (place.column >= 0 || (place.line && isAlone(w, i)));
  return judge(w, i, takesLine ? place.all ? block(place.column) : LINE : word(place.kind), place);
}

/** Whether nothing else is set on the line: `A=some words`, but not `a=1 b=2`. */
function isAlone(w: Window, i: number): boolean {
  const text = w.text(i, Math.min(w.end, i + 512));
  const [line = ""] = text.split(/[\r\n]/, 1);
  return !/\s(?:--?[A-Za-z]|[\w.-]+=|&&|\|)/.test(line);
}

const KEY_OR_TAG = Uint8Array.from(KEY, (has, byte) => has || byte === 33 || byte === 38 ? 1 : 0);
const AMPERSAND = bytesOf("&\n");

/** Behind a quote that is written as `&quot;`, `&#34;` or `%22`; `i` where there is none. */
function entityAt(w: Window, i: number): number {
  const [quote] = /^(?:&(?:quot|#34|#39);|%22|%27)/.exec(w.text(i, Math.min(w.end, i + 6))) ?? [""];
  return i + quote.length;
}

/** The newline behind a block's header, `|-` or `>`; 0 where it is none. */
function blockHeader(w: Window, i: number): number | typeof MORE {
  const text = w.text(i, Math.min(w.end, i + 200));
  const header = /^[|>][+\-\d]{0,3}[ \t]*(?:#[^\n]*)?\r?\n/.exec(text);
  if (header) return i + header[0].length - 1;
  return text.length < 200 && !text.includes("\n") && !w.isLast ? MORE : 0;
}

/** What stands on the lines below, indented further than the key. */
function belowAt(w: Window, newline: number, place: Place, isBlock: boolean): Answer {
  const { bytes, end } = w;
  let i = newline;
  let lineStart = i;
  for (; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte === 10) lineStart = i + 1;
    else if (byte !== 32 && byte !== 13 && byte !== 9) break;
  }
  if (i === end) return w.short();
  if (i - lineStart <= place.column) return undefined;
  if (isBlock) return judge(w, i, block(place.column), place);
  // A scalar, and no map, list or comment.
  const line = w.text(i, Math.min(end, i + 256));
  if (/^(?:- |-\r?\n|#|[|>{[])/.test(line) || /^["']?[\w./-]+["']?:(?:[ \t\r\n]|$)/.test(line)) {
    return undefined;
  }
  const slash = bytes[i] as number;
  if (slash === 34 || slash === 39) return judge(w, i + 1, quoted(slash, 0, place.column), place);
  return judge(w, i, block(place.column), place);
}

/** Decides on the value from `start` on. */
function judge(w: Window, start: number, ender: Ender, place: Place): Answer {
  const { bytes, end } = w;
  let from = start;
  let rule = place.rule;
  const beginning = w.text(from, Math.min(end, from + 64));
  if (rule === "authorization") {
    const scheme = SCHEMES.exec(beginning)?.[0] ?? "";
    from += scheme.length;
    if (from + 16 > end && !w.isLast) return MORE;
    if (/^basic/i.test(scheme)) rule = "basic-auth";
    else if (scheme !== "") rule = "bearer";
  }
  const limit = Math.min(end, from + AHEAD / 2);
  const found = ender(bytes, from, limit, w.isLast && limit === end);
  if (found < 0 && limit === end && !w.isLast) return MORE;
  const stop = found < 0 ? limit : found;
  if (found >= 0 && isHarmless(w.text(from, stop), place)) return undefined;
  const text = w.text(from, Math.min(stop, from + 96));
  if (isToken(text)) return undefined;
  if (/^eyJ[\w-]{2}/.test(text)) rule = "jwt";
  else if (text.startsWith("-----BEGIN") || text.startsWith("LS0tLS1CRUdJT")) {
    if (rule !== "secret-data") rule = "private-key";
  }
  return { rule, start: from, from, ender };
}

function isHarmless(value: string, place: Place): boolean {
  if (value.length > 200) return false;
  const text = value.trim();
  if (place.all) return text === "" || text === "null" || text === "~";
  if (EMPTY.test(text) || text.startsWith("<set to the key")) return true;
  if (place.rule === "secret" && OBJECT.test(text)) return true;
  if (place.rule === "auth") return !isCredential(text);
  if (place.rule === "signature") return text.length < 16;
  if (/^(?:[\[{]|map\[)/.test(text) && text.length < 3) return true;
  return (place.prose ?? false) && place.rule !== "password" && PROSE.test(text) &&
    text.length <= 20;
}

/** `user:password` in base64, as registries' credentials have it. */
function isCredential(text: string): boolean {
  if (!/^[A-Za-z0-9+/_-]{4,}={0,2}$/.test(text)) return false;
  return /^[\x20-\x7e]*:[\x20-\x7e]*$/.test(Buffer.from(text, "base64").toString("latin1"));
}

/** Whether the key from `start` on is the first thing on its line, dashes of lists aside: its column, else -1. */
export function columnOf(w: Window, start: number): number {
  let i = start;
  while (i > w.begin) {
    const byte = w.bytes[i - 1] as number;
    if (byte === 10) break;
    if (byte !== 32 && !(byte === 45 && isIn(BLANK, w, i))) return -1;
    i--;
  }
  return i > w.begin || w.isFirst ? start - i : -1;
}
