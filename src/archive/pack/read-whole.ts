import { codeOf } from "../errors.ts";
import { closeFd, readFully } from "../fd.ts";
import { LeftOut, openEntry } from "./tree.ts";
import type { TreeEntry } from "./tree.ts";

/**
 * All of a small file, at most as many bytes as it had when it was looked at; `whole`: it still has as many. Rejects with
 * {@link LeftOut} where it cannot be had.
 */
export async function readWhole(entry: TreeEntry): Promise<{ data: Buffer; whole: boolean }> {
  const { fd, size } = await openEntry(entry);
  const buffer = Buffer.allocUnsafe(Math.min(size, entry.size));
  const n = await readFully(fd, buffer, 0).catch(unreadable).finally(() => closeFd(fd));
  return { data: buffer.subarray(0, n), whole: n === size && size === entry.size };
}

/** Turns what reading a file failed with into a {@link LeftOut}. */
export function unreadable(error: unknown): never {
  throw new LeftOut(`cannot be read: ${codeOf(error)}`);
}
