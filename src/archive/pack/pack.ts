import { asPackError } from "../errors.ts";
import type { ArchiveFormat } from "./formats.ts";
import { type Judged, judgeImage } from "./judge-image.ts";
import { filesOf, makeArchive } from "./make-archive.ts";
import type { Rewriter } from "./rewriter.ts";
import { survey } from "./survey.ts";
import { imageTakenBefore, takeImage } from "./take-image.ts";
import { takeUp } from "./take-up.ts";
import { Tree } from "./tree.ts";
import type { Verdict } from "./verdict.ts";

export { removeTree } from "../remove-tree.ts";

/** What is to be packed, and how. */
export interface PackRequest {
  /** oc's destination folder, which is also its working folder. */
  tree: string;
  /** The gather's folder, beside or above the tree; the archive is made here under another name and then renamed. */
  folder: string;
  /** ARCHIVE_FILENAME: what an image calls an archive that it made itself. */
  archiveFilename: string;
  /** What ran and why it ended; becomes the beginning of `GATHER.json`. Called once, when all else is in. */
  describe: (found: Found) => Record<string, unknown>;
  /** What a tree is packed into; a ZIP unless said. */
  format?: ArchiveFormat;
  /** Of deflate, 0 (store) to 9. */
  level: number;
  /** The room on the file system of a folder, bytes; what the system says unless given. */
  free?: (folder: string) => Promise<number>;
  /** What changes files on their way in. */
  rewriter?: Rewriter;
  /** Deflate jobs at a time; at most UV_THREADPOOL_SIZE − 2, or reading waits behind them. */
  threads: number;
}

/** What went into a packed tree. Lists hold the first 1,000; names are the archive's. */
export interface Found {
  /** Files that were not whole: rsync's temporaries, and what grew or shrank meanwhile. */
  incomplete: string[];
  skipped: { path: string; why: string }[];
  /** The only data is what oc's fallback `oc adm inspect` left. */
  onlyFallback: boolean;
  /** Without `GATHER.json`. */
  entries: number;
  /** `false` when something was left out because of `finish` or a limit. */
  whole: boolean;
}

/** The archive. */
export interface Packed {
  file: string;
  /** The image's own file, as it is; or the tree, packed by us. */
  kind: "image" | ArchiveFormat;
  /** Bytes. */
  size: number;
  /** As RFC 9530 writes it: `sha-256=:<base64>:`. */
  digest: string;
  /** With `GATHER.json`; 1 for an image's own, whose inside is not looked at. */
  entries: number;
  whole: boolean;
  /** It is not whole because the disk had no room for more. */
  full: boolean;
  incomplete: string[];
  skipped: { path: string; why: string }[];
  onlyFallback: boolean;
  /** What reading it back found; null where that was not possible, or was ended early. */
  verdict: Verdict | null;
  /** Why an image's own archive is not whole, in a sentence. */
  damage: string | null;
}

/** How the caller may end it early, and hear of it. */
export interface PackControl {
  /** Give up: nothing half-written stays, and the promise rejects with the signal's reason. */
  signal: AbortSignal;
  /** Finish with what is in: a file that is half in is taken out again, the archive is closed and read back. */
  finish?: AbortSignal;
  /** Bytes of files packed so far, of all. Not called for an image's own archive, nor while reading back. */
  onProgress?: (bytesDone: number, bytesTotal: number) => void;
}

/**
 * Makes the archive out of what a gather left, and reads it back. The tree stays; `removeTree` takes it away once
 * the record knows of the archive. Until then packing again, after a crash, does the same again.
 *
 * Where less room is free than is left to pack, files go as they are in a ZIP. Then packing again completes that ZIP: what of it
 * is whole stays, what is left of the tree is added. An `archive.zip.taken` in `folder` says so; it stays, and has to be removed
 * with the tree.
 *
 * Returns `undefined` when nothing was gathered: no non-empty regular file besides oc's own, or nothing was in when `finish`
 * came. An archive for which the disk has no room is closed with what is in; room for its end is kept from the beginning.
 * Rejects with a {@link PackError} when the archive cannot be written or does not read back, and with the reason of
 * `signal`. In neither case is there a file, but where files have gone into it, and it was not given up.
 */
export async function pack(
  request: PackRequest,
  control: PackControl,
): Promise<Packed | undefined> {
  const { signal } = control;
  signal.throwIfAborted();
  try {
    const tree = await Tree.open(request.tree, undefined, request.rewriter);
    const inside = await takeUp(filesOf(request.folder, "zip"), signal);
    const found = tree && await survey(tree, request.archiveFilename, signal, inside);
    const hasData = found !== undefined && found.data > 0;
    if (tree && hasData && !found.image) {
      return await makeArchive(tree, found, request, control, inside);
    }
    const taken = hasData && found.image
      ? await takeImage(found.image, request.folder, signal)
      : await imageTakenBefore(request.archiveFilename, request.folder, signal);
    if (!taken) return undefined;
    const nothing = { full: false, incomplete: [], skipped: [], onlyFallback: false };
    const judged = await judge(taken.file, taken.digest, control);
    const damage = taken.damage ?? judged.damage;
    return { ...taken, kind: "image", entries: 1, whole: true, ...nothing, ...judged, damage };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw asPackError(error, request.folder);
  }
}

/** Reads an image's archive back, until `finish`: what it is then is told by what ended it. */
async function judge(
  file: string,
  digest: string,
  { signal, finish }: PackControl,
): Promise<Judged> {
  try {
    return await judgeImage(file, digest, finish ? AbortSignal.any([signal, finish]) : signal);
  } catch (error) {
    signal.throwIfAborted();
    if (finish?.aborted) return { verdict: null, damage: null };
    throw error;
  }
}
