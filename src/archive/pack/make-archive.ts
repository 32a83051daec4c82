/** Makes the archive of a tree, from the room that it takes to reading it back. */
import { constants } from "node:fs";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { PackError } from "../errors.ts";
import { closeFd, openFd, removeFile } from "../fd.ts";
import { GATHER_JSON } from "../names.ts";
import { type ArchiveFormat, FORMATS } from "./formats.ts";
import type { PackControl, Packed, PackRequest } from "./pack.ts";
import type { PackedList } from "./packed-list.ts";
import { giveRoom, takeRoom } from "./room.ts";
import { Sources } from "./sources.ts";
import { type Survey, survey } from "./survey.ts";
import { type Inside, takeUp } from "./take-up.ts";
import type { Tree } from "./tree.ts";
import { Judge } from "./verdict.ts";

/** What an archive needs at its end besides a ZIP's directory: what is still to be flushed, and `GATHER.json`. Bytes. */
const CLOSING = 2 << 20;

/** … where the tree is so small that all of it comes then: beside the tree itself, what the request is described with. Bytes. */
const LEAST_CLOSING = 128 << 10;

/** The sense of O_EXCL: a link that somebody put there is not written through. */
const CREATE = constants.O_CREAT | constants.O_EXCL | constants.O_RDWR;
const RESUME = constants.O_CREAT | constants.O_RDWR | (constants.O_NOFOLLOW ?? 0);

/** Names of an archive in the making. */
export function filesOf(folder: string, format: ArchiveFormat) {
  const file = join(folder, `archive.${format}`);
  return { file, temporary: `${file}.part`, room: `${file}.part.room`, mark: `${file}.taken` };
}

/**
 * Packs all of a tree but what is `inside` of its ZIP already, and reads it back; where that fails after files have gone into it,
 * completes what they have gone into. Returns and rejects as `pack` does.
 */
export async function makeArchive(
  tree: Tree,
  found: Survey,
  request: PackRequest,
  control: PackControl,
  inside: Inside | undefined,
): Promise<Packed | undefined> {
  const { signal } = control;
  const files = filesOf(request.folder, "zip");
  try {
    return await packAll(tree, found, request, control, inside);
  } catch (error) {
    const left = signal.aborted ? undefined : await takeUp(files, signal);
    if (!left || left.entries.size === 0) {
      for (const file of [files.temporary, files.mark]) await removeFile(file);
      throw error;
    }
    const again = await survey(tree, request.archiveFilename, signal, left);
    // One that does not read back is packed on; where it cannot be written, no more is tried than to close it.
    const isDamaged = error instanceof PackError && error.code === "EVERIFY";
    const how = isDamaged ? control : { ...control, finish: AbortSignal.abort() };
    return await packAll(tree, again, request, how, left);
  }
}

async function packAll(
  tree: Tree,
  { bytes, directory, onlyFallback }: Survey,
  request: PackRequest,
  { signal, finish, onProgress }: PackControl,
  inside: Inside | undefined,
): Promise<Packed | undefined> {
  const { level, threads, folder, free } = request;
  const format = inside ? "zip" : request.format ?? "zip";
  const { make, verify } = FORMATS[format];
  const { file, temporary, room, mark } = filesOf(folder, format);
  // Of a process that was killed.
  if (!inside) { for (const old of [temporary, file]) await removeFile(old); }
  try {
    await takeRoom(room, closingBytes(format, bytes, directory));
    const sources = format === "zip"
      ? await Sources.watch({ folder, mark, bytes, ...(free ? { free } : {}) })
      : undefined;
    const fd = await openFd(temporary, inside ? RESUME : CREATE, 0o600);
    let result: Omit<Packed, "size" | "digest" | "verdict">;
    const archive = make(fd, level, threads);
    try {
      let done = 0;
      const onBytes = (n: number) => onProgress?.(Math.min(done += n, bytes), bytes);
      const contents = await archive.pack(tree, {
        signal,
        finish,
        onBytes,
        sources,
        inside,
      });
      await giveRoom(room);
      if (contents.data === 0) {
        for (const made of [temporary, mark]) await removeFile(made);
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
      await archive.add(GATHER_JSON, Buffer.from(JSON.stringify(json, null, 2) + "\n"));
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
    await giveRoom(room);
    if (format !== "zip") await removeFile(temporary);
    throw error;
  }
}

/** What is written at the end, at most. A name may stand in each of the three lists of `GATHER.json`, with a reason. */
function closingBytes(format: ArchiveFormat, bytes: number, directory: number): number {
  if (format !== "zip") return CLOSING;
  return directory + Math.min(CLOSING, LEAST_CLOSING + bytes + 4 * directory);
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
  const { incomplete, skipped, renamed, earlier } = contents;
  return {
    whole: !contents.cut,
    counts: {
      entries,
      incomplete: incomplete.total,
      skipped: skipped.total,
      renamed: renamed.total,
      ...(earlier > 0 ? { "before-restart": earlier } : {}),
    },
    incomplete: incomplete.items,
    skipped: skipped.items,
    renamed: renamed.items,
  };
}
