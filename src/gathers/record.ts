/** A gather as clients see it: the record of the contract, made from an entry. */
import type { ArchiveFormat } from "../archive/pack/formats.ts";
import type { GatherListItem, GatherProgress, GatherRecord } from "../schema/record.ts";
import { type Entry, hasEnded } from "./entry.ts";
import { fullMessage } from "./message.ts";
import type { Estimate } from "./progress.ts";

/** What a record shows that the entry does not hold. */
export interface RecordView {
  /** The newest output, in the form of `exec-output`. */
  execOutput: string;
  /** 1 is next; null once it has started. */
  queuePosition: number | null;
  /** What is expected of a running one; undefined where nothing is known. */
  estimate: Estimate | undefined;
}

/** The record of one gather, with its keys in the contract's order. */
export function toRecord(entry: Entry, view: RecordView): GatherRecord {
  return { ...toListItem(entry, view), transitions: entry.transitions };
}

/** The same for the list, which leaves the transitions out. */
export function toListItem(entry: Entry, view: RecordView): GatherListItem {
  const { request, archive } = entry;
  return {
    "id": entry.id,
    "created-at": entry.createdAt,
    "updated-at": entry.updatedAt,
    "custom-name": request.customName,
    "status": entry.status,
    "image": request.images.join(","),
    "image-stream": request.imageStreams.join(","),
    "node-name": request.nodeName,
    "command": request.command,
    "source-dir": request.sourceDir,
    "timeout": request.timeout,
    "server": request.server,
    "archive-size": archive?.size ?? 0,
    "archive-name": archive?.name ?? entry.formerArchiveName ?? "",
    "exec-output": view.execOutput,
    "reason": entry.reason,
    "message": fullMessage(entry),
    "state": entry.state,
    "exit-code": entry.exitCode,
    "started-at": entry.startedAt,
    "finished-at": entry.finishedAt,
    "images": [...request.images],
    "progress": progressOf(entry, view),
    "partial": archive?.partial ?? false,
    "archive-url": archive ? `must-gather/${entry.id}/data` : "",
    "archive-digest": archive?.digest ?? "",
    "leftovers": entry.leftovers,
    "verdict": archive?.verdict ?? null,
    "resolved-command": entry.resolved?.command ?? "",
    "redaction": entry.redaction ?? null,
  };
}

/** The phases of a gather, in the words of the person who waits. */
const PHASES: readonly (readonly [state: string, phase: string])[] = [
  ["new", "queued"],
  ["inprogress.gathering.starting", "starting"],
  ["inprogress.gathering", "gathering"],
  ["inprogress.copying", "copying"],
  ["inprogress.salvaging", "salvaging"],
  ["inprogress.stopping", "stopping"],
  ["inprogress.reaping", "cleaning up"],
  ["inprogress.packing", "packing"],
];

/** The phases by their names, in their order. */
export const PHASE_NAMES: readonly string[] = PHASES.map(([, phase]) => phase);

/** The phase of a gather whose machine is in a state. */
export function phaseOf(state: string): string {
  return PHASES.find(([begin]) => state.startsWith(begin))?.[1] ?? "ended";
}

/** How far a gather is. */
export function progressOf(
  entry: Entry,
  view: Pick<RecordView, "queuePosition" | "estimate">,
): GatherProgress {
  return {
    "phase": phaseOf(entry.state),
    "percent": hasEnded(entry) ? 100 : view.estimate?.percent ?? null,
    "lines": entry.lines,
    "bytes": entry.bytes,
    "queue-position": view.queuePosition,
    "eta": view.estimate?.endsAt ? new Date(view.estimate.endsAt).toISOString() : null,
  };
}

/**
 * The name a download has: the custom name before the first dot, `/` and `\` as `_`; a tree that was packed ends in
 * what it was packed into. What would end a header or a line in a terminal cannot be in it: custom names hold no control characters.
 */
export function archiveName(
  customName: string,
  kind: "image" | ArchiveFormat,
  archiveFilename: string,
): string {
  const dot = archiveFilename.indexOf(".", 1);
  const stem = dot === -1 ? archiveFilename : archiveFilename.slice(0, dot);
  const ending = kind !== "image" ? `.${kind}` : dot === -1 ? "" : archiveFilename.slice(dot);
  const name = customName === "" ? "" : `-${customName.replace(/[/\\]/g, "_")}`;
  return stem + name + ending;
}
