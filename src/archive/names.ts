import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";

/**
 * Names in the archive.
 *
 * A file's name is bytes; what goes into the ZIP is text that node-stream-zip, unzip, Python and Windows all take.
 * Whatever one of them refuses is written as `%XX` (two upper-case hex digits, one byte): control characters, DEL,
 * `\ : * ? " < > |`, bytes that are not UTF-8, a dot or blank at the end, the first letter of a DOS device (`aux`,
 * `com1.log`), and a `%` only where two hex digits follow it, so that reading back is never ambiguous. Everything else,
 * `%` alone included, stays as it is, so nearly all names are unchanged.
 *
 * Two different names never become the same: the escape can be undone ({@link unescapeName}). Names too long are cut and
 * end in `%7E` and a hash; no other name can hold `%7E`, since `~` is never escaped. What they were is in `GATHER.json`.
 */

/** What the packer says of its work; its name at the root is nobody else's. */
export const GATHER_JSON = "GATHER.json";

/** NAME_MAX of Linux, macOS and (in characters) NTFS: a longer component cannot be unpacked. Bytes. */
const LONGEST_COMPONENT = 255;

/**
 * The longest path of a folder in the archive, bytes. node-stream-zip reads the directory of a small archive through a
 * window of 1,024 bytes and fails on a record that does not fit: two fixed parts of 46, extra fields of up to 37, a
 * component of 255 and this.
 */
const LONGEST_FOLDER = 620;

/** Where folders go whose path is too long; each under the hash of its path. */
const LONG_PATHS = "long%7Epaths/";

const SAFE = /^[A-Za-z0-9_@=+,~!#$&'()[\]{};^` .-]*$/;
const REFUSED = /[\x00-\x1f\x7f\\:*?"<>|]|%(?=[0-9A-Fa-f]{2})/g;
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$) *(?:\.|$)/i;

function escapeByte(byte: number): string {
  return "%" + byte.toString(16).toUpperCase().padStart(2, "0");
}

/** The length of the UTF-8 sequence at `at`, or 0 where there is none. */
function sequenceAt(raw: Buffer, at: number): number {
  for (let length = 1; length <= 4 && at + length <= raw.length; length++) {
    if (isUtf8(raw.subarray(at, at + length))) return length;
  }
  return 0;
}

function escapeText(text: string): string {
  return text.replace(REFUSED, (c) => escapeByte(c.charCodeAt(0)));
}

function escapeMixed(raw: Buffer): string {
  let out = "";
  let from = 0;
  for (let at = 0; at < raw.length;) {
    const length = sequenceAt(raw, at);
    if (length === 0) {
      out += escapeText(raw.toString("utf8", from, at)) + escapeByte(raw[at] ?? 0);
      from = at + 1;
    }
    at += length || 1;
  }
  return out + escapeText(raw.toString("utf8", from));
}

/** One component of a path, as the archive holds it. `raw` is any file name; the result may be up to three times as long. */
export function escapeName(raw: Buffer): string {
  const plain = raw.toString("latin1");
  let name = SAFE.test(plain)
    ? plain
    : isUtf8(raw)
    ? escapeText(raw.toString("utf8"))
    : escapeMixed(raw);
  if (name.endsWith(".") || name.endsWith(" ")) {
    name = name.slice(0, -1) + escapeByte(name.charCodeAt(name.length - 1));
  }
  if (DEVICE.test(name)) name = escapeByte(name.charCodeAt(0)) + name.slice(1);
  return name;
}

/** The bytes that {@link escapeName} was given. */
export function unescapeName(name: string): Buffer {
  const bytes = Buffer.from(name, "utf8").toString("latin1");
  const undone = bytes.replace(
    /%([0-9A-Fa-f]{2})/g,
    (_match: string, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(undone, "latin1");
}

/** 128 bits, so that nobody can make two paths that meet. */
function hash(bytes: string): string {
  return createHash("sha256").update(bytes, "latin1").digest("hex").slice(0, 32);
}

/** Keeps the beginning and the extension of a component that is too long. */
function shorten(name: string, rawPath: string): string {
  const end = "%7E" + hash(rawPath) + (/\.[A-Za-z0-9]{1,10}$/.exec(name)?.[0] ?? "");
  let head = "";
  let room = LONGEST_COMPONENT - end.length;
  for (const character of name) {
    room -= Buffer.byteLength(character);
    if (room < 0) break;
    head += character;
  }
  return head.replace(/%[0-9A-F]?$/, "") + end;
}

/**
 * The archive's name of `raw` within its folder: escaped, at most 255 bytes. `rawPath` is its whole path below the tree,
 * bytes as latin1. At the root `GATHER.json` is ours: an image's own becomes `%47ATHER.json`.
 */
export function componentName(raw: Buffer, rawPath: string): string {
  let name = escapeName(raw);
  if (name.toLowerCase() === "gather.json" && !rawPath.includes("/")) {
    name = escapeByte(name.charCodeAt(0)) + name.slice(1);
  }
  return Buffer.byteLength(name) > LONGEST_COMPONENT ? shorten(name, rawPath) : name;
}

/**
 * The archive's whole name of `component` in the folder that the archive calls `parent` (`""` or ending in `/`). A folder's
 * ends in `/`, and where its path is too long it is moved to `long%7Epaths/<hash>/`, with all that is in it.
 */
export function childName(
  parent: string,
  component: string,
  rawPath: string,
  folder: boolean,
): string {
  const path = parent + component;
  if (!folder) return path;
  return (Buffer.byteLength(path) > LONGEST_FOLDER ? LONG_PATHS + hash(rawPath) : path) + "/";
}
