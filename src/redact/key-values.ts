/** Values behind names that say that they are secret: YAML, JSON, XML, ini, environments, URLs, command lines, logs. */
import { ruleOfKey } from "./keys.ts";
import { columnOf, type Place, valueAt } from "./values.ts";
import {
  type Answer,
  BLANK,
  bytesOf,
  isIn,
  KEY,
  MORE,
  skip,
  skipBack,
  type Window,
} from "./window.ts";

/** Bytes of a name that are looked at. */
const LONGEST_NAME = 128;

const SLASHES = bytesOf("\\");
const QUOTES = bytesOf("\"'`");

/** Behind a text of {@link KEY_TEXTS}. */
export function keyValue(w: Window): Answer {
  const { bytes, at } = w;
  let start = skipBack(KEY, bytes, at, Math.max(w.begin, at - LONGEST_NAME));
  const keyEnd = skip(KEY, bytes, at, Math.min(w.end, at + LONGEST_NAME));
  if (keyEnd === w.end && !w.isLast) return MORE;
  let dashes = 0;
  while (bytes[start] === 45) {
    start++;
    dashes++;
  }
  const name = w.text(start, keyEnd);
  const rule = ruleOfKey(name);
  if (rule === undefined) return undefined;
  return behindName(w, {
    rule,
    start,
    end: keyEnd,
    dashes,
    isPass: /(?:^|[_.-])pass$/i.test(name),
  });
}

interface Name {
  rule: string;
  start: number;
  end: number;
  /** Before it: an option of a command line. */
  dashes: number;
  isPass: boolean;
}

function behindName(w: Window, name: Name): Answer {
  const { bytes } = w;
  if (w.end - name.end < 32 && !w.isLast) return MORE;
  const { start, dashes, rule } = name;
  const before = start - dashes > w.begin ? bytes[start - dashes - 1] as number : 10;
  let i = skip(SLASHES, bytes, name.end, w.end);
  const isQuoted = QUOTES[bytes[i] as number] === 1;
  i = isQuoted ? i + 1 : name.end;
  const [entity] = /^(?:&(?:quot|#34|#39);|%22|%27)/.exec(w.text(i, Math.min(w.end, i + 6))) ??
    [""];
  i += entity.length;
  if (bytes[i] === 93 && (isQuoted || before === 91)) i++; // env['TOKEN'], form[password]
  const blank = skip(BLANK, bytes, i, w.end);
  if (blank + 8 > w.end && !w.isLast) return MORE;
  const column = columnOf(w, isQuoted ? start - 1 : start);
  const mark = bytes[blank];
  const place: Place = {
    rule,
    column: -1,
    kind: before === 63 || before === 38 ? "query" : "plain",
  };
  if (rule === "auth" && !isQuoted) return undefined;
  if (rule === "signature" && place.kind !== "query") return undefined;

  if (mark === 58) { // :
    const after = bytes[blank + 1];
    if (after === 61) return valueAt(w, blank + 2, place); // :=
    if (after === 58 || (after === 47 && bytes[blank + 2] === 47)) return undefined; // :: and ://
    const isOpen = after === undefined || after === 32 || after === 9 || after === 10 ||
      after === 13;
    if (before === 47 && !isOpen && !isQuoted) return undefined; // an image's tag
    if (name.isPass && !isQuoted) return undefined; // PASS: 5
    return valueAt(w, blank + 1, {
      ...place,
      column: isOpen ? column : -1,
      prose: isOpen && !isQuoted && column < 0,
    });
  }
  if (mark === 61) { // =
    const arrow = bytes[blank + 1] === 62 || bytes[blank + 1] === 61 ? 2 : 1;
    return valueAt(w, blank + arrow, { ...place, line: column >= 0 && !isQuoted });
  }
  if (mark === 37) { // %3D, %3A
    const code = w.text(blank, blank + 3).toUpperCase();
    if (code !== "%3D" && code !== "%3A") return undefined;
    return valueAt(w, blank + 3, { ...place, kind: "encoded" });
  }
  if (dashes > 0) return argument(w, { i, blank, isQuoted }, place);
  return element(w, blank, before, place) ??
    (rule === "password" && blank > i && isNetrc(w, start) ? valueAt(w, blank, place) : undefined);
}

/** The word behind an option: `--password x`, `"--password", "x"`, or the next item of a list in YAML. */
function argument(
  w: Window,
  { i, blank, isQuoted }: { i: number; blank: number; isQuoted: boolean },
  place: Place,
): Answer {
  const { bytes } = w;
  const rest = w.text(blank, Math.min(w.end, blank + 300));
  const item = /^\r?\n[ \t]*- +/.exec(rest) ?? (isQuoted ? /^,\s*/.exec(rest) : undefined);
  if (item) return valueAt(w, blank + item[0].length, { ...place, line: item[0].includes("-") });
  if (/^,?[\s-]*$/.test(rest)) return w.isLast || rest.length >= 300 ? undefined : MORE;
  if (blank === i || bytes[blank] === 45) return undefined;
  return valueAt(w, blank, place);
}

/** The content of an element of XML; attributes may stand between. */
function element(w: Window, blank: number, before: number, place: Place): Answer {
  if (before !== 60 && before !== 58) return undefined; // <password>, <ns:password>
  const close = w.bytes.indexOf(62, blank);
  if (close === -1 || close >= w.end || close > blank + 300) {
    return close === -1 && w.end < blank + 300 ? w.short() : undefined;
  }
  if (w.bytes[close - 1] === 47 || (close > blank && blank === place.column)) return undefined;
  if (close > blank && !/^[\w:.-]+=/.test(w.text(blank, close))) return undefined;
  return valueAt(w, close + 1, { ...place, kind: "xml" });
}

/** `machine h login u password x`. */
function isNetrc(w: Window, start: number): boolean {
  return /login[ \t]+\S+\s+$/.test(w.text(Math.max(w.begin, start - 200), start));
}

const NAMED =
  /["']?(?:name|key)\\*["']?\s*[:=]\s*\\*["']?([\w.-]+)\\*["']?\s*,?(?:\s|\\+[nrt])*\\*["']?$/i;

/** Behind `value`: of an environment variable whose name, just before, says that it is secret. */
export function namedValue(w: Window): Answer {
  const { bytes, at } = w;
  const start = at - 5;
  if (isIn(KEY, w, start - 1)) return undefined;
  if (w.end - at < 16 && !w.isLast) return MORE;
  const slashes = skip(SLASHES, bytes, at, w.end);
  const isQuoted = QUOTES[bytes[slashes] as number] === 1;
  const colon = skip(BLANK, bytes, isQuoted ? slashes + 1 : at, w.end);
  if (colon === w.end) return w.short();
  if (bytes[colon] !== 58 && bytes[colon] !== 61) return undefined;
  const [, name] = NAMED.exec(w.text(Math.max(w.begin, start - 300), start)) ?? [];
  const rule = name === undefined ? undefined : ruleOfKey(name);
  if (rule === undefined) return undefined;
  const column = columnOf(w, isQuoted ? start - 1 : start);
  return valueAt(w, colon + 1, { rule, column: bytes[colon] === 58 ? column : -1, kind: "plain" });
}
