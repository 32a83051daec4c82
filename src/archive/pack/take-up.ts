/** A ZIP for which sources were removed, and which was not finished. */
import { readFile, rename } from "node:fs/promises";
import { codeOf } from "../../errors.ts";
import { GATHER_JSON } from "../names.ts";
import { wholeEntries, type WholeEntry } from "../zip/local-headers.ts";

/** What of it is still of use. */
export interface Inside {
  /** What is whole in it, in its order, by the archive's name: at most what a tree may hold (`TREE_LIMITS`). */
  entries: ReadonlyMap<string, WholeEntry>;
  /** Bytes that were on the disk before sources went, and are not whole now: what they held may be nowhere. */
  lost: number;
}

/**
 * Reads what is in a ZIP that was being made as `temporary` and, maybe, had got its name `file` already. `undefined` where `mark`
 * says that no source was removed: then the tree has all. `GATHER.json` is not in it, it is made anew.
 *
 * Rejects as `wholeEntries` does.
 */
export async function takeUp(
  { file, temporary, mark }: { file: string; temporary: string; mark: string },
  signal: AbortSignal,
): Promise<Inside | undefined> {
  const marked = await readFile(mark, "utf8").catch(absent);
  if (marked === undefined) return undefined;
  await rename(file, temporary).catch(absent);
  const entries = new Map<string, WholeEntry>();
  let end = 0;
  for await (const entry of wholeEntries(temporary, signal)) {
    const name = entry.head.name.toString("utf8");
    if (name === GATHER_JSON) break;
    entries.set(name, entry);
    end = entry.end;
  }
  return { entries, lost: Math.max(0, (Number(marked) || 0) - end) };
}

function absent(error: unknown): undefined {
  if (codeOf(error) !== "ENOENT") throw error;
}
