/** One gather through a service that answers: posted, followed to its end, its archive fetched. */
import { randomUUID } from "node:crypto";
import type { Client } from "./client.ts";
import { type Destination, fileName, openPart } from "./destination.ts";
import { download } from "./download.ts";
import { Failure } from "./errors.ts";
import { follow } from "./follow.ts";
import type { Progress } from "./progress.ts";
import type { SeenRecord } from "./record.ts";
import { retrying } from "./retry.ts";

export interface JobOptions {
  client: Client;
  request: Readonly<Record<string, unknown>>;
  destination: Destination;
  progress: Progress;
  /** Cancels the gather. */
  cancel: AbortSignal;
  /** Ends everything at once: rejects with its reason. */
  leave: AbortSignal;
  /** Told of what does not work, before it is tried again: may see to a service that is gone. Does not reject. */
  revive: (error: Error) => Promise<void>;
}

/** How a gather ended. */
export interface Outcome {
  record: SeenRecord;
  /** The path of the archive on this machine. */
  archive: string | undefined;
}

/**
 * Runs a gather to its end and downloads what there is of an archive, also of a gather that failed; of one that was cancelled
 * here nothing is downloaded.
 */
export async function runJob(options: JobOptions): Promise<Outcome> {
  const { client, request, progress, cancel, leave, revive } = options;
  cancel.throwIfAborted();
  const key = randomUUID();
  let tries = 0;
  // Not given up at the first Ctrl-C: what may have been made has to be known in order to cancel it.
  const started = await retrying(
    () => {
      tries++;
      return client.start(request, key, leave);
    },
    leave,
    async (error, before) => {
      if (before === 0) {
        progress.tell(`The service does not take it yet (${error.message}); trying again`);
      }
      await revive(error);
    },
  );
  const { id } = started.record;
  progress.tell(
    started.created || tries > 1
      ? `Gather ${id} is on its way at ${client.base}`
      : `Gather ${id} of this name is on its way already at ${client.base}: this is it`,
  );
  const record = await follow(started, { client, progress, cancel, leave, revive });
  if (cancel.aborted || record["archive-size"] === 0) return { record, archive: undefined };
  return { record, archive: await fetchArchive(record, options) };
}

async function fetchArchive(record: SeenRecord, options: JobOptions): Promise<string> {
  const { client, destination, progress, cancel } = options;
  const part = await openPart(destination, fileName(record["archive-name"], record.id));
  try {
    await download(record, part.file, { client, progress, signal: cancel });
    return await part.keep();
  } catch (error) {
    await part.drop();
    cancel.throwIfAborted();
    throw new Failure(
      `The archive could not be downloaded, the service keeps it as gather ${record.id}: ` +
        (error as Error).message,
    );
  }
}
