/** Reads back an archive that an image made itself. */
import { basename, dirname } from "node:path";
import type { Bytes } from "../bytes.ts";
import { TooMuchError } from "../look/caps.ts";
import type { Item } from "../look/items.ts";
import { listArchive } from "../look/list-archive.ts";
import { UnreadableError } from "../errors.ts";
import { writeList } from "../look/list-file.ts";
import { Judge, type Verdict } from "./verdict.ts";

/** What came of it. */
export interface Judged {
  /** Null where it could not be read to its end. */
  verdict: Verdict | null;
  /** Why it is not what it says it is, in a sentence; null for one that is whole, or of a kind that is not known here. */
  damage: string | null;
}

/**
 * Reads an archive from its first byte to its last, and keeps the list of what is in it beside it, for those who look into it.
 * Rejects with the signal's reason, and with the system's error where the file cannot be read.
 */
export async function judgeImage(
  file: string,
  digest: string,
  signal: AbortSignal,
): Promise<Judged> {
  const judge = new Judge();
  try {
    const look = (item: Item, content: Bytes) => judge.look(item, content);
    const items = await listArchive(file, { signal, look });
    await items.sort();
    await writeList(dirname(file), digest, items);
    return { verdict: judge.verdict(false), damage: null };
  } catch (error) {
    if (error instanceof TooMuchError) return { verdict: null, damage: null };
    if (!(error instanceof UnreadableError)) throw error;
    // `archive` has no ending that says what it is: a kind that we do not know is no damage.
    const isKnown = basename(file) !== "archive";
    const damage = `The archive that the image made is not whole: ${error.message}`;
    return { verdict: null, damage: isKnown ? damage : null };
  }
}
