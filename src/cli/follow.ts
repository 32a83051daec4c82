/** Waits for the end of a gather. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Client, Seen } from "./client.ts";
import type { Progress } from "./progress.ts";
import { hasEnded, type SeenRecord } from "./record.ts";
import { retrying } from "./retry.ts";
import { humanNumber, humanSize, lastLine, printable } from "./text.ts";

/** A service that does not hold its replies is not asked more often. Milliseconds. */
const PAUSE_MS = 200;

export interface FollowOptions {
  client: Client;
  progress: Progress;
  /** Cancels the gather; its end is waited for all the same. */
  cancel: AbortSignal;
  /** Ends the waiting: rejects with its reason. */
  leave: AbortSignal;
  /** Told of what does not work, before it is tried again: may see to a service that is gone. Does not reject. */
  revive: (error: Error) => Promise<void>;
}

/**
 * Shows a gather's progress until it has ended, and gives its last record.
 *
 * Rejects when the service is out of reach for too long or refuses to answer, and when told to leave. Connections may break in
 * between.
 */
export async function follow(first: Seen, options: FollowOptions): Promise<SeenRecord> {
  const { client, progress, cancel, leave, revive } = options;
  const onRetry = async (error: Error, before: number) => {
    if (before === 0) {
      progress.tell(`The service cannot be reached (${error.message}); trying again`);
    }
    await revive(error);
  };
  const { id } = first.record;
  let { record, etag } = first;
  let isCancelled = false;
  while (!hasEnded(record)) {
    progress.show(viewOf(record));
    if (cancel.aborted && !isCancelled) {
      progress.tell(`Cancelling gather ${id} and waiting for its end; Ctrl-C again leaves at once`);
      await retrying(() => client.cancel(id, leave), leave, onRetry);
      isCancelled = true;
    }
    const signal = isCancelled ? leave : AbortSignal.any([cancel, leave]);
    try {
      const askedAt = performance.now();
      const seen = await retrying(() => client.next(id, etag, signal), signal, onRetry);
      if (seen) ({ record, etag } = seen);
      if (hasEnded(record)) break; // its archive is fetched before anybody may stop the service
      const pauseMs = PAUSE_MS - (performance.now() - askedAt);
      if (pauseMs > 0) await sleep(pauseMs, undefined, { signal });
    } catch (error) {
      leave.throwIfAborted();
      if (!signal.aborted) throw error;
    }
  }
  return record;
}

function viewOf(record: SeenRecord) {
  const { phase, percent, lines, bytes, "queue-position": position } = record.progress;
  const figures = [
    position === null ? "" : `place ${humanNumber(position)} in the queue`,
    lines === 0 ? "" : `${humanNumber(lines)} line${lines === 1 ? "" : "s"}`,
    bytes === 0 ? "" : humanSize(bytes),
  ];
  return {
    phase: printable(phase).slice(0, 20),
    percent,
    figures: figures.filter(Boolean).join(", "),
    last: lastLine(record["exec-output"]),
  };
}
