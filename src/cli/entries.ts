/** A first look into an archive, of either kind, that opens none of its files. */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { humanSize, printable } from "./text.ts";

/** How much of a tar is unpacked in search of entries, in bytes: they stand in front of their files, which may be long. */
const MOST_UNPACKED = 64 * 1024 * 1024;

/** Longest name that is shown, in characters. */
const LONGEST_NAME = 200;

/** What is in an archive. */
export interface Entries {
  /** The first ones, fit for a terminal, with their sizes. */
  first: string[];
  /** How many there are in all; undefined where that is not known without reading everything. */
  total: number | undefined;
}

/** Lists the first `most` entries of a ZIP or a tar.gz. Rejects when it is neither, or broken. */
export async function readEntries(path: string, most: number): Promise<Entries> {
  const magic = await firstBytes(path);
  if (magic.toString("latin1") === "PK") return await zipEntries(path, most);
  if (magic[0] === 0x1f && magic[1] === 0x8b) return await tarEntries(path, most);
  throw new Error("it is neither a ZIP nor a tar.gz");
}

async function firstBytes(path: string): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function zipEntries(path: string, most: number): Promise<Entries> {
  const { default: StreamZip } = await import("node-stream-zip");
  const zip = new StreamZip.async({ file: path });
  try {
    const entries = Object.values(await zip.entries());
    const first = entries.slice(0, most).map(({ name, size }) => shown(name, size));
    return { first, total: entries.length };
  } finally {
    await zip.close();
  }
}

async function tarEntries(path: string, most: number): Promise<Entries> {
  const { extract } = await import("tar-stream");
  const file = createReadStream(path);
  const gunzip = createGunzip();
  const tar = extract();
  const first: string[] = [];
  let unpacked = 0;
  file.on("error", (error) => tar.destroy(error));
  gunzip.on("error", (error) => tar.destroy(error));
  gunzip.on("data", (chunk: Buffer) => {
    unpacked += chunk.length;
    if (unpacked > MOST_UNPACKED) tar.destroy();
  });
  file.pipe(gunzip).pipe(tar);
  try {
    for await (const entry of tar) {
      const { name, size } = entry.header;
      if (first.length === most) return { first, total: undefined };
      first.push(shown(name, size ?? 0));
      entry.resume();
    }
    return { first, total: unpacked > MOST_UNPACKED ? undefined : first.length };
  } finally {
    file.destroy();
    gunzip.destroy();
    tar.destroy();
  }
}

function shown(name: string, size: number): string {
  const clean = printable(name).slice(0, LONGEST_NAME);
  return name.endsWith("/") ? clean : `${clean}  ${humanSize(size)}`;
}
