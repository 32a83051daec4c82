import { constants } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import zlib from "node:zlib";
import { Deflater } from "./deflate.ts";
import { asPackError, PackError } from "./errors.ts";
import { closeFd, openFd } from "./fd.ts";
import { packTree } from "./pack-tree.ts";
import type { Contents } from "./pack-tree.ts";
import { survey } from "./survey.ts";
import type { Survey } from "./survey.ts";
import { takeImage } from "./take-image.ts";
import { Tree } from "./tree.ts";
import { verifyZip } from "./verify.ts";
import { DEFLATED } from "./zip-format.ts";
import { ZipWriter } from "./zip-writer.ts";

export { removeTree } from "./remove-tree.ts";

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
  /** The image's own file, moved; or our ZIP of the tree. */
  kind: "image" | "zip";
  /** Bytes. */
  size: number;
  /** As RFC 9530 writes it: `sha-256=:<base64>:`. */
  digest: string;
  /** With `GATHER.json`; 1 for an image's own, whose inside is not looked at. */
  entries: number;
  whole: boolean;
  incomplete: string[];
  skipped: { path: string; why: string }[];
  onlyFallback: boolean;
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

/** The sense of O_EXCL: a link that somebody put there is not written through. */
const CREATE = constants.O_CREAT | constants.O_EXCL | constants.O_RDWR;

const S_IFREG = 0o100000;

/**
 * Makes the archive out of what a gather left, and reads it back. The tree stays (but for an image's own archive, which is
 * moved); `removeTree` takes it away once the record knows of the archive.
 *
 * Returns `undefined` when nothing was gathered: no non-empty regular file besides oc's own, or nothing was in when `finish`
 * came. Rejects with a {@link PackError} when the archive cannot be written or does not read back, and with the reason of
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
    if (!found.image) return await packZip(tree, found, request, control);
    const taken = await takeImage(found.image, request.folder, signal);
    const nothing = { incomplete: [], skipped: [], onlyFallback: false };
    return { ...taken, kind: "image", entries: 1, whole: true, ...nothing };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw asPackError(error, request.folder);
  }
}

async function packZip(
  tree: Tree,
  { bytes, onlyFallback }: Survey,
  request: PackRequest,
  { signal, finish, onProgress }: PackControl,
): Promise<Packed | undefined> {
  const file = join(request.folder, "archive.zip");
  const temporary = `${file}.part`;
  await rm(temporary, { force: true }); // of a process that was killed
  try {
    const fd = await openFd(temporary, CREATE, 0o600);
    let result: Omit<Packed, "size" | "digest">;
    try {
      const writer = new ZipWriter(fd);
      let done = 0;
      const onBytes = (n: number) => onProgress?.(Math.min(done += n, bytes), bytes);
      const options = { level: request.level, threads: request.threads, signal, finish, onBytes };
      const contents = await packTree(tree, writer, options);
      if (contents.data === 0) {
        await rm(temporary, { force: true });
        return nothingIn(contents);
      }
      const lists = {
        incomplete: contents.incomplete.items,
        skipped: contents.skipped.items,
        onlyFallback,
        whole: !contents.cut,
      };
      const described = request.describe({ ...lists, entries: writer.entries });
      await addGatherJson(writer, { ...described, ...packing(contents, writer.entries) });
      await writer.close();
      result = { file, kind: "zip", entries: writer.entries, ...lists };
    } finally {
      await closeFd(fd);
    }
    const { entries } = result;
    const verified = await verifyZip(temporary, { entries, threads: request.threads, signal });
    await rename(temporary, file);
    return { ...result, ...verified };
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Nothing in because it was ended early is no fault; nothing in although there was something is one. */
function nothingIn({ cut, skipped }: Contents): undefined {
  const first = skipped.items[0];
  if (cut || !first) return undefined;
  throw new PackError(
    "EACCES",
    `Nothing that was gathered can be read: ${first.path} ${first.why}`,
  );
}

/** The packer's part of `GATHER.json`; `counts` are whole where the lists are cut. */
function packing(contents: Contents, entries: number): Record<string, unknown> {
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

async function addGatherJson(writer: ZipWriter, content: Record<string, unknown>): Promise<void> {
  const data = Buffer.from(JSON.stringify(content, null, 2) + "\n");
  const packed = await new Deflater(6, 1).deflate(data, true);
  const name = Buffer.from("GATHER.json");
  const head = { name, mode: S_IFREG | 0o644, mtimeMs: Date.now(), zip64: false };
  const crc = zlib.crc32(data);
  const sums = { method: DEFLATED, crc, size: data.length, packed: packed.length } as const;
  await writer.add(head, sums, packed);
}
