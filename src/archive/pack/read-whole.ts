import { codeOf } from "../../errors.ts";
import { closeFd, readFully } from "../fd.ts";
import { LeftOut, openSource } from "./tree.ts";
import type { TreeEntry } from "./tree.ts";

/**
 * All of a small file as it goes into the archive, at most as many bytes as it had when it was looked at; `whole`: it still has as many. Rejects with
 * {@link LeftOut} where it cannot be had.
 */
export async function readWhole(entry: TreeEntry): Promise<{ data: Buffer; whole: boolean }> {
  const { fd, size } = await openSource(entry);
  const buffer = Buffer.allocUnsafe(Math.min(size, entry.size));
  const n = await readFully(fd, buffer, 0).catch(unreadable).finally(() => closeFd(fd));
  const data = buffer.subarray(0, n);
  const rewritten = entry.rewriter ? await entry.rewriter.data(entry.name, data) : data;
  return { data: rewritten, whole: n === size && size === entry.size };
}

/** Turns what reading a file failed with into a {@link LeftOut}. */
export function unreadable(error: unknown): never {
  throw new LeftOut(`cannot be read: ${codeOf(error)}`);
}
