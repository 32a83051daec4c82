/** Secrets that are known by what they look like. */
import { through, whileIn, word } from "./enders.ts";
import { isToken, tokenLength } from "./ledger.ts";
import {
  type Answer,
  BASE64,
  bytesOf,
  type Ender,
  isIn,
  JWT,
  MORE,
  type Next,
  skip,
  TOKEN,
  UPPER,
  type Window,
  WORD,
} from "./window.ts";

const ID = bytesOf("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
const AZURE = bytesOf("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~");

/** A secret that begins with a text of its own and goes on with so many bytes of a set. */
interface Shape {
  begins: string;
  rule: string;
  set: Uint8Array;
  least: number;
  most?: number;
}

/** As their makers document them. */
export const SHAPES: readonly Shape[] = [
  ...["AKIA", "ASIA", "ABIA", "ACCA"].map((begins) => ({
    begins,
    rule: "aws-key",
    set: UPPER,
    least: 16,
    most: 16,
  })),
  { begins: "AIza", rule: "gcp-key", set: ID, least: 35, most: 35 },
  { begins: "ya29.", rule: "gcp-key", set: TOKEN, least: 20 },
  { begins: "GOCSPX-", rule: "gcp-key", set: ID, least: 20 },
  ...["ghp_", "gho_", "ghu_", "ghs_", "ghr_"].map((begins) => ({
    begins,
    rule: "cloud-token",
    set: ID,
    least: 30,
  })),
  { begins: "github_pat_", rule: "cloud-token", set: ID, least: 22 },
  { begins: "glpat-", rule: "cloud-token", set: ID, least: 20 },
  ...["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-"].map((begins) => ({
    begins,
    rule: "cloud-token",
    set: ID,
    least: 10,
  })),
  ...["sk_live_", "rk_live_"].map((begins) => ({
    begins,
    rule: "cloud-token",
    set: ID,
    least: 20,
  })),
  { begins: "dckr_pat_", rule: "cloud-token", set: ID, least: 20 },
  { begins: "hvs.", rule: "cloud-token", set: ID, least: 24 },
  { begins: "dop_v1_", rule: "cloud-token", set: ID, least: 40 },
  { begins: "sha256~", rule: "bearer", set: ID, least: 43, most: 43 },
];

/** The value is so long, and is known to be there. */
function upTo(length: number): Ender {
  return (_bytes, from) => from + length;
}

/** Behind the beginning of a shape. */
export function shaped({ begins, rule, set, least, most }: Shape): (w: Window) => Answer {
  return (w) => {
    const { bytes, at } = w;
    const start = at - begins.length;
    if (isIn(WORD, w, start - 1)) return undefined;
    const enough = (most ?? least) + 1;
    const stop = skip(set, bytes, at, Math.min(w.end, at + enough));
    if (stop === w.end && stop < at + enough && !w.isLast) return MORE;
    if (stop - at < least || (most !== undefined && stop - at > most)) return undefined;
    return { rule, start, from: start, ender: whileIn(set) };
  };
}

/** Behind `Q~` of a client's secret of Azure: three characters and a digit before it, 31 to 34 behind. */
export function azureSecret(w: Window): Answer {
  const { at } = w;
  const start = at - 6;
  if (start < w.begin || !/^[\w~.-]{3}\d$/.test(w.text(start, at - 2))) return undefined;
  const stop = skip(AZURE, w.bytes, at, Math.min(w.end, at + 35));
  if (stop === w.end && stop < at + 35 && !w.isLast) return MORE;
  if (stop - at < 31 || stop - at > 34) return undefined;
  return { rule: "azure-key", start, from: start, ender: whileIn(AZURE) };
}

/** The longest header of a JWT that is looked through for its end, in bytes. */
const LONGEST_HEADER = 2048;

/** Behind `eyJ`: two parts in base64url, the second a JSON object as well. */
export function jwt(w: Window): Answer {
  const { bytes, at } = w;
  const start = at - 3;
  const dot = skip(ID, bytes, at, Math.min(w.end, at + LONGEST_HEADER));
  if (dot + 12 > w.end && !w.isLast) return MORE;
  if (dot - start < 8 || w.text(dot, dot + 3) !== ".ey") return undefined;
  if (skip(ID, bytes, dot + 1, Math.min(w.end, dot + 12)) < dot + 6) return undefined;
  return { rule: "jwt", start, from: start, ender: whileIn(JWT) };
}

/** Behind `bearer`: the token of a header. */
export function bearer(w: Window): Answer {
  const { bytes, at } = w;
  if (isIn(WORD, w, at - 7)) return undefined;
  if (w.end - at < 64 && !w.isLast) return MORE;
  const gap = /^(?:[ \t]+|%20|\+)(?:\\*["'])?/.exec(w.text(at, Math.min(w.end, at + 40)));
  if (!gap) return undefined;
  const start = at + gap[0].length;
  const stop = skip(TOKEN, bytes, start, Math.min(w.end, start + 64));
  const text = w.text(start, stop);
  const isToken = text.length >= 8 &&
    (text.length >= 24 || /\d/.test(text) || /[a-z][A-Z]/.test(text));
  if (!isToken || /^[\d.:-]+$/.test(text)) return undefined;
  return {
    rule: text.startsWith("eyJ") ? "jwt" : "bearer",
    start,
    from: start,
    ender: whileIn(TOKEN),
  };
}

/** Behind `basic`: user and password in base64. */
export function basic(w: Window): Answer {
  const { bytes, at } = w;
  if (isIn(WORD, w, at - 6)) return undefined;
  if (w.end - at < 600 && !w.isLast) return MORE;
  const gap = /^(?:[ \t]+|%20|\+)/.exec(w.text(at, Math.min(w.end, at + 40)));
  if (!gap) return undefined;
  const start = at + gap[0].length;
  const stop = skip(BASE64, bytes, start, Math.min(w.end, start + 512));
  if (stop - start < 4) return undefined;
  const text = Buffer.from(w.text(start, stop), "base64").toString("latin1");
  if (!/^[\x20-\x7e]*:[\x20-\x7e]*$/.test(text)) return undefined;
  return { rule: "basic-auth", start, from: start, ender: whileIn(BASE64) };
}

/** Bytes of an URL that are looked at for what stands before its host. */
const LONGEST_USER = 512;

const ENDS_AUTHORITY = bytesOf(" \t\r\n\"'`<>/?#\\");

function hasByte({ bytes }: Window, byte: number, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] === byte) return true;
  return false;
}

/** Behind `://`, plain or percent-encoded: the password before a host. */
export function urlPassword(w: Window): Answer {
  const { at } = w;
  const isEncoded = w.text(at - 1, at) !== "/";
  const most = Math.min(w.end, at + LONGEST_USER);
  let stop = at;
  while (stop < most && ENDS_AUTHORITY[w.bytes[stop] as number] === 0) stop++;
  if (stop === w.end && stop < at + LONGEST_USER && !w.isLast) return MORE;
  if (!isEncoded && !hasByte(w, 64, at, stop)) return undefined; // no @
  let authority = w.text(at, stop);
  if (isEncoded) [authority = ""] = authority.split(/&|%(?:2F|3F|20|22)/i, 1);
  const host = Math.max(
    authority.lastIndexOf("@"),
    isEncoded ? authority.toUpperCase().lastIndexOf("%40") : -1,
  );
  if (host < 1) return undefined;
  const before = authority.slice(0, host);
  const colon = before.search(isEncoded ? /%3A|:/i : /:/);
  if (colon === -1) {
    const isToken = before.length >= 20 && /\d/.test(before) && /^[\w~.-]+$/.test(before);
    return isToken ? fixed("url-password", at, before.length) : undefined;
  }
  const from = colon + (before[colon] === ":" ? 1 : 3);
  const password = before.slice(from);
  if (password === "" || /^(?:\*+|x{3,}|redacted|%3Credacted.*)$/i.test(password)) return undefined;
  return fixed("url-password", at + from, password.length);
}

function fixed(rule: string, start: number, length: number): Answer {
  return { rule, start, from: start, ender: upTo(length) };
}

const PEM = Uint8Array.from(
  BASE64,
  (has, byte) => has || " \t\r\n\\:,.%".includes(String.fromCharCode(byte)) ? 1 : 0,
);

/** The longest private key, in bytes: one of 16,384 bits has some 13,000, and as many again may be line ends. */
const LONGEST_PEM = 64 * 1024;

/** Behind `-----BEGIN`: a private key of any kind, up to its end or to what cannot be in one. */
export function privateKey(w: Window): Answer {
  const { at } = w;
  const header =
    /^(?:[ +]|%20)(?:[A-Z0-9 +]|%20){0,40}PRIVATE(?:[ +]|%20)KEY(?:(?:[ +]|%20)BLOCK)?-{5}/;
  const text = w.text(at, Math.min(w.end, at + 120));
  const found = header.exec(text);
  if (!found) return text.length < 120 ? w.short() : undefined;
  const from = at + found[0].length;
  return {
    rule: "private-key",
    start: at - 10,
    from,
    ender: through("-----END", PEM, LONGEST_PEM),
  };
}

/** Behind `-u` or `--user` of a `curl`: the password of `user:password`; and behind `sshpass -p`. */
export function commandPassword(w: Window): Answer {
  const { at } = w;
  const before = w.text(Math.max(w.begin, at - 300), at);
  const line = before.slice(before.lastIndexOf("\n") + 1);
  const isSsh = /sshpass\s+-p$/.test(line);
  if (!isSsh && !/\bcurl\b.*\s(?:-u|--user|--proxy-user)$/.test(line)) return undefined;
  if (w.end - at < 256 && !w.isLast) return MORE;
  const rest = w.text(at, Math.min(w.end, at + 256));
  const gap = /^[\s=]*(?:\\*["'])?/.exec(rest)?.[0].length ?? 0;
  const user = isSsh ? 0 : /^[^\s"':]*:(?=\S)/.exec(rest.slice(gap))?.[0].length;
  if (user === undefined) return undefined;
  const start = at + gap + user;
  if (isToken(w.text(start, Math.min(w.end, start + 96)))) return undefined;
  return { rule: "password", start, from: start, ender: word("plain") };
}

/** Behind `<redacted:`: a token, which is passed over, whatever its rule is called. */
export function ownToken(w: Window): Answer | Next {
  const start = w.at - 10;
  const text = w.text(start, Math.min(w.end, start + 96));
  const length = tokenLength(text);
  if (length > 0) return { next: start + length };
  return text.length < 96 ? w.short() as Answer : undefined;
}
