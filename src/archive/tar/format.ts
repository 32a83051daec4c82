/**
 * The headers of a tar, as GNU tar lays them out (its manual, "Basic Tar Format"): names are bytes, whatever their length and
 * encoding, and so are the targets of links. GNU tar, bsdtar, Python, Go and tar-stream read it.
 */
import type { RawPath } from "../paths.ts";

/** What one header says. */
export interface TarHead {
  kind: "file" | "folder" | "link";
  /** A folder's ends in `/`. */
  name: RawPath;
  /** Where a link points; `""` for all others. */
  link: RawPath;
  /** st_mode; its type, set-uid, set-gid and sticky are left out. */
  mode: number;
  mtimeMs: number;
  /** Bytes that follow; 0 but for files. */
  size: number;
}

/** Headers and contents begin at multiples of this, bytes. */
const BLOCK = 512;

/** Of a name within a header, bytes; a longer one comes before it as an entry of its own. */
const NAME = 100;

/** The largest number of eleven octal digits; larger ones, and negative ones, are binary. */
const OCTAL = 0o77777777777;

const TYPES = { file: "0", folder: "5", link: "2", longName: "L", longLink: "K" } as const;

/** All that stands before an entry's content. */
export function tarHeader(head: TarHead): Buffer {
  const name = Buffer.from(head.name, "latin1");
  const link = Buffer.from(head.link, "latin1");
  const seconds = Math.floor(head.mtimeMs / 1000) || 0; // NaN: a time that no ZIP can hold
  return Buffer.concat([
    ...(link.length > NAME ? longField("longLink", link) : []),
    ...(name.length > NAME ? longField("longName", name) : []),
    block(head.kind, name, link, head.mode & 0o777, seconds, head.size),
  ]);
}

/** Zeros up to the next block. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK - size % BLOCK) % BLOCK);
}

/** The mark at the end. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * BLOCK);
}

function longField(type: "longName" | "longLink", value: Buffer): Buffer[] {
  const content = Buffer.concat([value, Buffer.alloc(1)]);
  const name = Buffer.from("././@LongLink");
  const header = block(type, name, Buffer.alloc(0), 0o644, 0, content.length);
  return [header, content, tarPadding(content.length)];
}

function block(
  type: keyof typeof TYPES,
  name: Buffer,
  link: Buffer,
  mode: number,
  seconds: number,
  size: number,
): Buffer {
  const header = Buffer.alloc(BLOCK);
  name.copy(header, 0, 0, NAME);
  writeOctal(header, 100, 8, mode);
  writeOctal(header, 108, 8, 0); // user
  writeOctal(header, 116, 8, 0); // group
  writeNumber(header, 124, size);
  writeNumber(header, 136, seconds);
  header.write(TYPES[type], 156, "latin1");
  link.copy(header, 157, 0, NAME);
  header.write("ustar  \0", 257, "latin1");
  header.fill(" ", 148, 156); // the sum counts its own field as blanks
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(sum.toString(8).padStart(6, "0") + "\0 ", 148, "latin1");
  return header;
}

function writeOctal(header: Buffer, at: number, length: number, value: number): void {
  header.write(value.toString(8).padStart(length - 1, "0"), at, "latin1");
}

/** Twelve bytes: octal where it fits, else binary with the highest bit of the first byte set. */
function writeNumber(header: Buffer, at: number, value: number): void {
  if (value >= 0 && value <= OCTAL) return writeOctal(header, at, 12, value);
  header.fill(value < 0 ? 0xff : 0, at, at + 4);
  header.writeBigInt64BE(BigInt(value), at + 4);
  header[at] = value < 0 ? 0xff : 0x80;
}
