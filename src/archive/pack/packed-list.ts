import { isUtf8 } from "node:buffer";
import { Bounded } from "../bounded.ts";
import { isData, type Kind } from "./survey.ts";
import type { Left, TreeEntry } from "./tree.ts";

/** Entries named in `GATHER.json` and in memory for each of the lists below; more are only counted. */
const NAMED = 1000;

/** rsync writes `.name.RANDOM`, six characters, and renames it when it is whole. */
const RSYNC_TEMPORARY = /(?:^|\/)\.[^/]+\.[A-Za-z0-9]{6}$/;

/** What went into an archive and what did not. Names are the archive's. */
export class PackedList {
  /** Files that were not whole when they were packed. */
  readonly incomplete = new Bounded<string>(NAMED);
  /** What was left out, and why. */
  readonly skipped = new Bounded<{ path: string; why: string }>(NAMED);
  /** What the archive calls otherwise than the disk did; `base64` where the name is no text. */
  readonly renamed = new Bounded<{ name: string; was: string } | { name: string; base64: string }>(
    NAMED,
  );
  /** Files that hold what somebody wanted gathered. */
  data = 0;
  /** Entries that were in before this life of the service. */
  earlier = 0;
  /** A limit or the finish signal left something out. */
  cut = false;
  /** What the system said when there was no room for all of it. */
  full: unknown;

  /** An entry that is in; `whole`: as large as it was when it was looked at. */
  add(entry: TreeEntry, whole: boolean, renamed = entry.renamed): void {
    this.#count(entry, whole);
    if (renamed) this.renamed.add({ name: entry.name, ...original(entry) });
  }

  /** An entry that an earlier life of the service put in; whether its file had another name is not known any more. */
  addEarlier(entry: Kind): void {
    this.earlier++;
    this.#count(entry, true);
  }

  /** So many bytes of what an earlier life of the service put in cannot be read any more. */
  lose(bytes: number): void {
    this.cut = true;
    this.skipped.add({ path: "archive.zip", why: `${bytes} bytes of it did not outlive a crash` });
  }

  #count(entry: Kind, whole: boolean): void {
    if (isData(entry)) this.data++;
    if (entry.kind === "file" && (!whole || RSYNC_TEMPORARY.test(entry.name))) {
      this.incomplete.add(entry.name);
    }
  }

  /** Something that the walk did not give. */
  left(left: Left): void {
    this.cut ||= left.cut;
    this.leave(left, left.why);
  }

  /** An entry that could not be had after all. */
  leave({ name }: { name: string }, why: string): void {
    this.skipped.add({ path: name, why });
  }
}

function original(entry: TreeEntry): { was: string } | { base64: string } {
  const bytes = Buffer.from(entry.below, "latin1");
  return isUtf8(bytes) ? { was: bytes.toString("utf8") } : { base64: bytes.toString("base64") };
}
