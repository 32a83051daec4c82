import { Buffer } from "node:buffer";
import { bytesOf, type Entry, listing } from "./content.ts";

/** What one header of a tar says; nothing of it is checked, so that it can lie. */
export interface Header {
  path: string;
  size?: number;
  /** `0` file, `1` hard link, `2` symbolic link, `3` device, `5` folder, `6` fifo, `L` a long name. */
  type?: string;
  link?: string;
  mode?: number;
}

/** Tar's unit: headers and contents fill whole blocks of so many bytes. */
const BLOCK = 512;

/** Makes one header as GNU tar does; a path over 100 bytes gets a long-name entry in front. */
export function header({ path, size = 0, type = "0", link = "", mode = 0o644 }: Header): Buffer {
  const name = Buffer.from(path);
  const long = name.length > 100
    ? Buffer.concat([
      header({ path: "././@LongLink", size: name.length + 1, type: "L" }),
      padded(Buffer.concat([name, Buffer.alloc(1)])),
    ])
    : Buffer.alloc(0);
  const block = Buffer.alloc(BLOCK);
  name.copy(block, 0, 0, 100);
  block.write(`${octal(mode, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`, 100);
  if (size < 0o100000000000) block.write(`${octal(size, 11)}\0`, 124);
  else {
    block[124] = 0x80;
    block.writeBigUInt64BE(BigInt(size), 128);
  }
  block.write(`${octal(Math.floor(Date.now() / 1000), 11)}\0        ${type}${link}`, 136);
  block.write("ustar  \0root", 257);
  block.write("root", 297);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148);
  return Buffer.concat([long, block]);
}

/** Streams a tar of these entries and of the folders between them, each name behind `prefix`. */
export function* tar(entries: Entry[], prefix = ""): Generator<Buffer> {
  if (prefix !== "") yield header({ path: prefix, type: "5", mode: 0o777 });
  for (const entry of listing(entries)) {
    if (typeof entry === "string") yield header({ path: prefix + entry, type: "5", mode: 0o755 });
    else if (entry.link !== undefined) {
      yield header({ path: prefix + entry.path, type: "2", link: entry.link, mode: 0o777 });
    } else {
      yield header({ path: prefix + entry.path, size: entry.size });
      yield* bytesOf(entry);
      yield padding(entry.size);
    }
  }
  yield ending();
}

/** The two empty blocks that end a tar. */
export function ending(): Buffer {
  return Buffer.alloc(2 * BLOCK);
}

/** Fills contents up to whole blocks. */
export function padded(data: Buffer): Buffer {
  return Buffer.concat([data, padding(data.length)]);
}

function padding(size: number): Buffer {
  return Buffer.alloc((BLOCK - size % BLOCK) % BLOCK);
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}
