/** What is whole in a ZIP that has no directory: one that a crash cut. */
import { constants } from "node:fs";
import { codeOf } from "../../errors.ts";
import { closeFd, openFd, readFully, statFd } from "../fd.ts";
import { zipEntry } from "./entry.ts";
import {
  DEFLATED,
  type EntryHead,
  type EntrySums,
  LOCAL_SIGNATURE,
  MODE_FIELD,
  STORED,
  TIME_FIELD,
  ZIP64_FIELD,
} from "./format.ts";
import { inflateSmall, isSmall } from "./inflate.ts";

/** An entry whose header and content are in the file, one behind the other. */
export interface WholeEntry {
  /** `mode` is 0 where the header does not say. */
  head: EntryHead;
  sums: EntrySums;
  /** Of its header, and behind its content. */
  offset: number;
  end: number;
}

/** Length of a local header without name and extra fields. */
const FIXED = 30;

/** An entry of ours is small where its sizes are four bytes each, all ones but for those that take eight. */
const MAX32 = 0xffffffff;

/**
 * Walks a ZIP of {@link ZipWriter} from its beginning, as far as its entries are whole: each has its header, and content of the
 * length and checksum that stand there. Nothing there is nothing whole. Rejects with the signal's reason, and as open(2) and
 * read(2) do, but for what the disk cannot give back: there it ends.
 */
export async function* wholeEntries(
  file: string,
  signal: AbortSignal,
): AsyncGenerator<WholeEntry> {
  let fd: number;
  try {
    fd = await openFd(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  try {
    const { size } = await statFd(fd);
    for (let offset = 0;;) {
      signal.throwIfAborted();
      const entry = await entryAt(fd, offset, size).catch(unlessDamaged);
      if (!entry || !await isWhole(file, fd, entry, signal)) return;
      yield entry;
      offset = entry.end;
    }
  } finally {
    await closeFd(fd);
  }
}

async function entryAt(fd: number, offset: number, size: number): Promise<WholeEntry | undefined> {
  const fixed = Buffer.alloc(FIXED);
  if (await readFully(fd, fixed, offset) < FIXED) return undefined;
  if (fixed.readUInt32LE(0) !== LOCAL_SIGNATURE) return undefined;
  const rest = Buffer.alloc(fixed.readUInt16LE(26) + fixed.readUInt16LE(28));
  if (await readFully(fd, rest, offset + FIXED) < rest.length) return undefined;
  const name = Buffer.from(rest.subarray(0, fixed.readUInt16LE(26)));
  const fields = extraFields(rest.subarray(name.length));
  const method = fixed.readUInt16LE(8);
  if (method !== STORED && method !== DEFLATED) return undefined;
  const large = fields.get(ZIP64_FIELD);
  const zip64 = fixed.readUInt32LE(18) === MAX32;
  if (zip64 && large?.length !== 16) return undefined;
  const sums: EntrySums = {
    method,
    crc: fixed.readUInt32LE(14),
    size: zip64 && large ? Number(large.readBigUInt64LE(0)) : fixed.readUInt32LE(22),
    packed: zip64 && large ? Number(large.readBigUInt64LE(8)) : fixed.readUInt32LE(18),
  };
  const mode = fields.get(MODE_FIELD);
  const head: EntryHead = {
    name,
    mode: mode && mode.length >= 6 ? mode.readUInt16LE(4) : 0,
    mtimeMs: timeOf(fixed, fields.get(TIME_FIELD)),
    zip64,
  };
  const end = offset + FIXED + rest.length + sums.packed;
  return end <= size ? { head, sums, offset, end } : undefined;
}

function extraFields(extra: Buffer): Map<number, Buffer> {
  const fields = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= extra.length;) {
    const length = extra.readUInt16LE(at + 2);
    fields.set(extra.readUInt16LE(at), extra.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return fields;
}

/** That of the extra field, in UTC; else that of DOS, which is written in UTC as well. */
function timeOf(fixed: Buffer, field: Buffer | undefined): number {
  if (field?.length === 5) return field.readInt32LE(1) * 1000;
  const [time, date] = [fixed.readUInt16LE(10), fixed.readUInt16LE(12)];
  const [year, month, day] = [1980 + (date >> 9), ((date >> 5) & 15) - 1, date & 31];
  return Date.UTC(year, month, day, time >> 11, (time >> 5) & 63, (time & 31) * 2);
}

async function isWhole(
  file: string,
  fd: number,
  { sums, offset, end }: WholeEntry,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    if (isSmall(sums)) {
      const data = Buffer.alloc(sums.packed);
      if (await readFully(fd, data, end - sums.packed) < data.length) return false;
      await inflateSmall(data, sums);
      return true;
    }
    for await (const _ of zipEntry(file, { ...sums, offset }, signal));
    return true;
  } catch (error) {
    signal.throwIfAborted();
    unlessDamaged(error);
    return false;
  }
}

/** Throws what the system says of us; what it or zlib says of the content is damage. */
function unlessDamaged(error: unknown): undefined {
  const code = codeOf(error);
  if (/^E(?!RR_)/.test(code) && code !== "EIO") throw error;
}
