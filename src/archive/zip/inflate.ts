/** The content of a small entry, in one go, checked. */
import { promisify } from "node:util";
import zlib from "node:zlib";
import { type EntrySums, STORED } from "./format.ts";

const inflateRaw = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflateRaw);

/** An entry of which neither size exceeds this, bytes, is inflated in one go, beside others. */
export const AT_ONCE = 1 << 20;

/** Up to here, bytes, inflating takes less of the main thread than handing it to the pool and back. */
const SYNC = 4096;

/** What an entry is said to hold. */
type Sums = Omit<EntrySums, "method"> & { method: number };

/** An entry does not hold what it says; the message says what. */
export class Fault extends Error {}

/** Whether an entry is inflated in one go. */
export function isSmall({ packed, size }: Sums): boolean {
  return Math.max(packed, size) <= AT_ONCE;
}

/** The content of a small entry. Rejects with a {@link Fault} where it is another, and as zlib does. */
export async function inflateSmall(data: Buffer, sums: Sums): Promise<Buffer> {
  const options = { chunkSize: Math.max(1024, sums.size), maxOutputLength: sums.size + 1 };
  const inflate = sums.packed <= SYNC ? zlib.inflateRawSync : inflateRaw;
  const plain = sums.method === STORED ? data : await inflate(data, options);
  compareSums(sums, plain.length, zlib.crc32(plain));
  return plain;
}

/** Throws a {@link Fault} where a content has another size or checksum. */
export function compareSums(sums: Sums, size: number, crc: number): void {
  if (size !== sums.size) throw new Fault(`holds ${size} bytes, not ${sums.size}`);
  if (crc !== sums.crc) throw new Fault("its CRC does not match");
}
