import zlib from "node:zlib";

/**
 * The records of a ZIP file, as PKWARE's APPNOTE.TXT 6.3.10 lays them out; the section is named at each. Always the same
 * few choices: made on unix, names in UTF-8, no data descriptors, ZIP64 only where a number does not fit.
 */
export interface EntryHead {
  /** UTF-8; a folder's ends in `/`. */
  name: Buffer;
  /** st_mode, with the type. */
  mode: number;
  mtimeMs: number;
  /** Sizes take eight bytes. Has to be known before the data is. */
  zip64: boolean;
  /** The mode stands in the local header too, as in one that has to do without a directory. */
  keepsMode?: boolean;
}

/** What is known of an entry once its data is written. */
export interface EntrySums {
  method: typeof STORED | typeof DEFLATED;
  crc: number;
  /** Bytes before and after compression. */
  size: number;
  packed: number;
}

export const STORED = 0;
export const DEFLATED = 8;

/** The largest number of four bytes is a mark for "see the ZIP64 field", so it does not fit either. */
const MAX32 = 0xffffffff;
const MAX16 = 0xffff;

/** Ids of extra fields. */
export const ZIP64_FIELD = 0x0001;
export const TIME_FIELD = 0x5455;
export const MODE_FIELD = 0x756e;

export const LOCAL_SIGNATURE = 0x04034b50;

const UTF8_NAMES = 0x0800; // 4.4.4, bit 11
const MADE_ON_UNIX = (3 << 8) | 45; // 4.4.2: by APPNOTE 4.5
const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;

/** 4.4.6; in UTC, since the archive is read in another zone than it is made in. Years 1980 to 2107. */
function dosTime(ms: number): { time: number; date: number } {
  const d = new Date(Math.min(Math.max(ms, Date.UTC(1980, 0)), Date.UTC(2107, 11, 31, 23, 59, 58)));
  return {
    time: (d.getUTCHours() << 11) | (d.getUTCMinutes() << 5) | (d.getUTCSeconds() >> 1),
    date: ((d.getUTCFullYear() - 1980) << 9) | ((d.getUTCMonth() + 1) << 5) | d.getUTCDate(),
  };
}

/** The Info-ZIP extended timestamp (0x5455): the modification time in whole seconds UTC, where it fits in 32 bits. */
function timeField(ms: number): Buffer {
  const seconds = Math.floor(ms / 1000);
  if (seconds !== (seconds | 0)) return Buffer.alloc(0);
  const field = Buffer.alloc(9);
  field.writeUInt16LE(TIME_FIELD, 0);
  field.writeUInt16LE(5, 2);
  field.writeUInt8(1, 4); // only the modification time follows
  field.writeInt32LE(seconds, 5);
  return field;
}

/** 4.6.1, 0x756e "ASi UNIX": a sum of what follows, the mode, and no size, user or group. */
function modeField(mode: number): Buffer {
  const field = Buffer.alloc(18);
  field.writeUInt16LE(MODE_FIELD, 0);
  field.writeUInt16LE(14, 2);
  field.writeUInt16LE(mode & (S_IFMT | 0o777), 8);
  field.writeUInt32LE(zlib.crc32(field.subarray(8)), 4);
  return field;
}

/** 4.5.3: the numbers that did not fit, in this order. */
function zip64Field(numbers: number[]): Buffer {
  if (numbers.length === 0) return Buffer.alloc(0);
  const field = Buffer.alloc(4 + numbers.length * 8);
  field.writeUInt16LE(ZIP64_FIELD, 0);
  field.writeUInt16LE(numbers.length * 8, 2);
  numbers.forEach((n, i) => field.writeBigUInt64LE(BigInt(n), 4 + i * 8));
  return field;
}

/** What local header and central record share, 4.4.3 to 4.4.11: 26 bytes from "version needed" on. */
function writeCommon(
  to: Buffer,
  at: number,
  head: EntryHead,
  sums: EntrySums,
  extra: number,
  needed: number,
) {
  const { time, date } = dosTime(head.mtimeMs);
  to.writeUInt16LE(needed, at);
  to.writeUInt16LE(UTF8_NAMES, at + 2);
  to.writeUInt16LE(sums.method, at + 4);
  to.writeUInt16LE(time, at + 6);
  to.writeUInt16LE(date, at + 8);
  to.writeUInt32LE(sums.crc, at + 10);
  to.writeUInt32LE(head.zip64 ? MAX32 : sums.packed, at + 14);
  to.writeUInt32LE(head.zip64 ? MAX32 : sums.size, at + 18);
  to.writeUInt16LE(head.name.length, at + 22);
  to.writeUInt16LE(extra, at + 24);
}

/** 4.3.7. Its length depends on `head` alone, so that it can be written again when the sums are known. */
export function localHeader(head: EntryHead, sums: EntrySums): Buffer {
  const extra = Buffer.concat([
    zip64Field(head.zip64 ? [sums.size, sums.packed] : []),
    timeField(head.mtimeMs),
    head.keepsMode ? modeField(head.mode) : Buffer.alloc(0),
  ]);
  const header = Buffer.alloc(30 + head.name.length + extra.length);
  header.writeUInt32LE(LOCAL_SIGNATURE, 0);
  writeCommon(header, 4, head, sums, extra.length, head.zip64 ? 45 : 20);
  head.name.copy(header, 30);
  extra.copy(header, 30 + head.name.length);
  return header;
}

/** 4.3.12; `offset` is where the local header begins. */
export function centralRecord(head: EntryHead, sums: EntrySums, offset: number): Buffer {
  const far = offset >= MAX32;
  const extra = Buffer.concat([
    zip64Field([...(head.zip64 ? [sums.size, sums.packed] : []), ...(far ? [offset] : [])]),
    timeField(head.mtimeMs),
  ]);
  const record = Buffer.alloc(46 + head.name.length + extra.length);
  record.writeUInt32LE(0x02014b50, 0);
  record.writeUInt16LE(MADE_ON_UNIX, 4);
  writeCommon(record, 6, head, sums, extra.length, head.zip64 || far ? 45 : 20);
  // 4.4.15: unix in the upper half, without set-uid, set-gid and sticky; DOS's folder bit in the lower.
  const unix = (head.mode & (S_IFMT | 0o777)) * 0x10000;
  record.writeUInt32LE(unix + ((head.mode & S_IFMT) === S_IFDIR ? 0x10 : 0), 38);
  record.writeUInt32LE(far ? MAX32 : offset, 42);
  head.name.copy(record, 46);
  extra.copy(record, 46 + head.name.length);
  return record;
}

/** 4.3.14 to 4.3.16: what closes the file, after a central directory of `size` bytes at `offset`. */
export function endRecords(entries: number, size: number, offset: number): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Math.min(entries, MAX16), 8);
  end.writeUInt16LE(Math.min(entries, MAX16), 10);
  end.writeUInt32LE(Math.min(size, MAX32), 12);
  end.writeUInt32LE(Math.min(offset, MAX32), 16);
  if (entries < MAX16 && size < MAX32 && offset < MAX32) return end;
  const zip64 = Buffer.alloc(56 + 20);
  zip64.writeUInt32LE(0x06064b50, 0);
  zip64.writeBigUInt64LE(44n, 4); // of what follows in this record
  zip64.writeUInt16LE(MADE_ON_UNIX, 12);
  zip64.writeUInt16LE(45, 14);
  zip64.writeBigUInt64LE(BigInt(entries), 24);
  zip64.writeBigUInt64LE(BigInt(entries), 32);
  zip64.writeBigUInt64LE(BigInt(size), 40);
  zip64.writeBigUInt64LE(BigInt(offset), 48);
  zip64.writeUInt32LE(0x07064b50, 56);
  zip64.writeBigUInt64LE(BigInt(offset + size), 64);
  zip64.writeUInt32LE(1, 72); // disks in all
  return Buffer.concat([zip64, end]);
}
