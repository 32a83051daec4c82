import { isUtf8 } from "node:buffer";
import { escapeName } from "../names.ts";
import type { RawPath } from "../paths.ts";

/** Folders inside each other; what the packer takes (`TREE_LIMITS`). */
const DEEPEST = 200;

/** NAME_MAX of Linux, bytes. */
const LONGEST_COMPONENT = 255;

/** Longer than any path that is within the limits above, characters: the rest is not even looked at. */
const LONGEST_PATH = (DEEPEST + 1) * (LONGEST_COMPONENT + 1);

/** Characters of a hostile name that are shown to a person. */
const LONGEST_SHOWN = 80;

/** An entry that is not unpacked; the message says why. The tar goes on without it. */
export class Refused extends Error {}

/**
 * The way from the unpacking folder to an entry, as names on disk; empty for the folder itself. Throws {@link Refused} for a
 * name that leads out of the folder or is none.
 */
export function componentsOf(name: RawPath): string[] {
  if (name.length > LONGEST_PATH) throw new Refused("its path is too long");
  if (name.startsWith("/")) throw new Refused("an absolute path");
  if (name.includes("\0")) throw new Refused("a NUL in its name");
  const components = name.split("/").filter((each) => each !== "" && each !== ".");
  if (components.includes("..")) throw new Refused("its path leads upwards");
  if (components.length > DEEPEST + 1) throw new Refused(`more than ${DEEPEST} folders deep`);
  return components.map(diskName);
}

/** Deno opens no name that is not UTF-8, so that each such byte is written `%XX`, on every runtime alike. */
function diskName(raw: RawPath): string {
  const bytes = Buffer.from(raw, "latin1");
  const name = isUtf8(bytes) ? bytes.toString("utf8") : escapeName(bytes);
  if (Buffer.byteLength(name) > LONGEST_COMPONENT) throw new Refused("its name is too long");
  return name;
}

/** Where a link points, as text. Throws {@link Refused} where that is none. */
export function targetOf(raw: RawPath): string {
  const bytes = Buffer.from(raw, "latin1");
  if (raw === "" || raw.includes("\0") || !isUtf8(bytes)) {
    throw new Refused("a link whose target is no path");
  }
  return bytes.toString("utf8");
}

/** The longest beginning of `name` that fits into so many bytes. */
export function beginning(name: string, bytes: number): string {
  let head = "";
  let room = bytes;
  for (const character of name) {
    room -= Buffer.byteLength(character);
    if (room < 0) break;
    head += character;
  }
  return head;
}

/** A name for a sentence: printable, on one line, short. */
export function shown(name: RawPath): string {
  const text = escapeName(Buffer.from(name.slice(0, 4 * LONGEST_SHOWN), "latin1"))
    .replace(/[\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
  const short = beginning(text, LONGEST_SHOWN);
  return short === text && name.length <= 4 * LONGEST_SHOWN ? short : `${short}…`;
}
