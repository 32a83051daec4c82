import type { Readable } from "node:stream";
import type { Bounded } from "../bounded.ts";
import { codeOf } from "../../errors.ts";
import { TarError } from "../tar/feeder.ts";
import { readTar, TarEndedEarly } from "../tar/reader.ts";
import { Stop, Unpacker, type UntarLimits } from "./unpacker.ts";

/** What came of a tar. */
export interface Untarred {
  /** `early`: the stream ended before the tar did, or failed. `stopped`: we read no further. */
  end: "whole" | "early" | "stopped";
  /** Why it is not whole, half a sentence; `""` when it is. */
  why: string;
  /** Files and links that are whole. */
  files: number;
  /** Of those files. */
  bytes: number;
  /** What is there of the file at which it ended, under the name that rsync would give it. */
  unfinished: string | undefined;
  /** Entries that were not unpacked, and why; names are fit for a sentence. */
  skipped: Bounded<{ name: string; why: string }>;
}

/**
 * Unpacks a tar that a stranger made into `folder`, which must be there, be empty, and be written by nobody else.
 *
 * Nothing is ever written outside of it, nor through a link of the tar's own; links are stored as they are and not followed.
 * Files come out with mode 0600, or 0700 where they could be run, and their time; folders with 0700; of two entries of one
 * name the later one stays, unless only the earlier is a folder. Devices and the like are skipped. A file gets its name once it
 * is whole: one at which the stream ended or was stopped stays as `.name.XXXXXX`, which the packer lists as incomplete; one
 * that could not be written is removed.
 *
 * Never rejects: what came stays, and the result tells the rest. `stream` is at its end or destroyed then.
 */
export async function untar(
  stream: Readable,
  folder: string,
  limits: UntarLimits,
  signal: AbortSignal,
): Promise<Untarred> {
  const unpacker = new Unpacker(folder, limits);
  let end: Untarred["end"] = "whole";
  let why = "";
  try {
    await readTar(stream, (entry, content) => unpacker.take(entry, content), {
      signal,
      count: (bytes) => unpacker.charge(bytes),
    });
  } catch (error) {
    const isOurs = error instanceof Stop || error instanceof TarError;
    const isStreams = error instanceof TarEndedEarly || !(isOurs || signal.aborted);
    end = isStreams ? "early" : "stopped";
    why = isOurs
      ? error.message
      : signal.aborted
      ? "there was no more time for it"
      : `the stream failed: ${codeOf(error)}`;
  }
  const { files, bytes, unfinished, skipped } = unpacker;
  return { end, why, files, bytes, unfinished, skipped };
}
