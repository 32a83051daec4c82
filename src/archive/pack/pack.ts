import { constants } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { asPackError, PackError } from "../errors.ts";
import { closeFd, openFd } from "../fd.ts";
import { type ArchiveFormat, FORMATS } from "./formats.ts";
import type { PackedList } from "./packed-list.ts";
import { giveRoom, takeRoom } from "./room.ts";
import { survey } from "./survey.ts";
import type { Survey } from "./survey.ts";
import { type Judged, judgeImage } from "./judge-image.ts";
import { takeImage } from "./take-image.ts";
import { Tree } from "./tree.ts";
import { Judge, type Verdict } from "./verdict.ts";

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

/** What a ZIP needs at its end besides its directory: what is still to be flushed, and `GATHER.json`. Bytes. */
const CLOSING = 2 << 20;

/** The sense of O_EXCL: a link that somebody put there is not written through. */
const CREATE = constants.O_CREAT | constants.O_EXCL | constants.O_RDWR;

/**
 * Makes the archive out of what a gather left, and reads it back. The tree stays; `removeTree` takes it away once
 * the record knows of the archive. Until then packing again, after a crash, does the same again.
 *
 * Returns `undefined` when nothing was gathered: no non-empty regular file besides oc's own, or nothing was in when `finish`
 * came. A ZIP for which the disk has no room is closed with what is in; room for its end is kept from the beginning.
 * Rejects with a {@link PackError} when the archive cannot be written or does not read back, and with the reason of
 * `signal`. In neither case is there a file.
 */
export async function pack(
  request: PackRequest,
  control: PackControl,
): Promise<Packed | undefined> {
  const { signal } = control;
  signal.throwIfAborted();
  try {
    const tree = await Tree.open(request.tree);
    const found = tree && await survey(tree, request.archiveFilename, signal);
    if (!tree || !found || found.data === 0) return undefined;
    if (!found.image) return await packAll(tree, found, request, control);
    const taken = await takeImage(found.image, request.folder, signal);
    const nothing = { full: false, incomplete: [], skipped: [], onlyFallback: false };
    const judged = await judge(taken.file, taken.digest, control);
    return { ...taken, kind: "image", entries: 1, whole: true, ...nothing, ...judged };
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

async function packAll(
  tree: Tree,
  { bytes, directory, onlyFallback }: Survey,
  request: PackRequest,
  { signal, finish, onProgress }: PackControl,
): Promise<Packed | undefined> {
  const { format = "zip", level, threads } = request;
  const { make, verify } = FORMATS[format];
  const file = join(request.folder, `archive.${format}`);
  const temporary = `${file}.part`;
  const room = `${temporary}.room`;
  await rm(temporary, { force: true }); // of a process that was killed
  try {
    if (format === "zip") await takeRoom(room, directory + CLOSING);
    const fd = await openFd(temporary, CREATE, 0o600);
    let result: Omit<Packed, "size" | "digest" | "verdict">;
    const archive = make(fd, level, threads);
    try {
      let done = 0;
      const onBytes = (n: number) => onProgress?.(Math.min(done += n, bytes), bytes);
      const contents = await archive.pack(tree, { signal, finish, onBytes });
      await giveRoom(room);
      if (contents.data === 0) {
        await rm(temporary, { force: true });
        return nothingIn(contents);
      }
      const lists = {
        incomplete: contents.incomplete.items,
        skipped: contents.skipped.items,
        onlyFallback,
        whole: !contents.cut,
        full: contents.full !== undefined,
      };
      const entries = archive.entries();
      const described = request.describe({ ...lists, entries });
      const json = { ...described, ...packing(contents, entries) };
      await archive.add("GATHER.json", Buffer.from(JSON.stringify(json, null, 2) + "\n"));
      await archive.close();
      result = { file, kind: format, entries: archive.entries(), ...lists, damage: null };
    } finally {
      await archive.settled();
      await closeFd(fd);
    }
    const { entries } = result;
    const judge = new Judge();
    const verified = await verify(temporary, { entries, threads, signal, judge });
    await rename(temporary, file);
    return { ...result, ...verified, verdict: judge.verdict(true) };
  } catch (error) {
    await rm(temporary, { force: true });
    await giveRoom(room);
    throw error;
  }
}

/** Nothing in because it was ended early is no fault; nothing in although there was something is one. */
function nothingIn({ cut, full, skipped }: PackedList): undefined {
  if (full) throw full;
  const first = skipped.items[0];
  if (cut || !first) return undefined;
  throw new PackError(
    "EACCES",
    `Nothing that was gathered can be read: ${first.path} ${first.why}`,
  );
}

/** The packer's part of `GATHER.json`; `counts` are whole where the lists are cut. */
function packing(contents: PackedList, entries: number): Record<string, unknown> {
  const { incomplete, skipped, renamed } = contents;
  return {
    whole: !contents.cut,
    counts: {
      entries,
      incomplete: incomplete.total,
      skipped: skipped.total,
      renamed: renamed.total,
    },
    incomplete: incomplete.items,
    skipped: skipped.items,
    renamed: renamed.items,
  };
}
