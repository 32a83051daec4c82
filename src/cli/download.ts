/** Fetches an archive, over as many connections as it takes, and makes sure that it is the one the record names. */
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { setTimeout } from "node:timers";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "./client.ts";
import { ConnectionError, Failure } from "./errors.ts";
import { connectionError, type Reply } from "./http.ts";
import type { Progress } from "./progress.ts";
import type { SeenRecord } from "./record.ts";
import { isPassing } from "./retry.ts";
import { humanSize } from "./text.ts";

/** How often a broken download is taken up again, and how long it waits before: this times the breaks so far. Milliseconds. */
const MOST_BREAKS = 15;
const WAIT_MS = 250;

/** A connection over which nothing comes for so long is given up. Milliseconds. */
const STALL_MS = 60_000;

export interface DownloadOptions {
  client: Client;
  progress: Progress;
  signal: AbortSignal;
}

/**
 * Downloads the archive of a record into an empty file.
 *
 * Rejects with {@linkcode Failure} when what came is not what the record says, and with the last error when the connection breaks
 * too often.
 */
export async function download(
  record: SeenRecord,
  file: FileHandle,
  options: DownloadOptions,
): Promise<void> {
  const { client, progress, signal } = options;
  const size = record["archive-size"];
  let hash = createHash("sha256");
  let position = 0;
  let etag: string | undefined;
  let breaks = 0;

  /** Sees to it that what comes continues what is there. */
  async function begin(reply: Reply): Promise<void> {
    const start = /^bytes (\d+)-/.exec(reply.headers["content-range"] ?? "")?.[1];
    if (reply.status === 206 && Number(start) === position && position > 0) return;
    if (reply.status !== 200) {
      throw new Failure("The service sent another part of the archive than was asked for");
    }
    position = 0;
    hash = createHash("sha256");
    await file.truncate(0);
    etag = reply.headers.etag?.startsWith('"') ? reply.headers.etag : undefined;
  }

  while (position < size) {
    try {
      const reply = await client.archive(record.id, position, etag, signal);
      await begin(reply);
      for await (const chunk of chunksOf(reply)) {
        if (position + chunk.length > size) throw wrongSize(size);
        await writeAll(file, chunk, position);
        hash.update(chunk);
        position += chunk.length;
        progress.show({
          phase: "downloading",
          percent: position / size * 100,
          figures: `${humanSize(position)} of ${humanSize(size)}`,
          last: "",
        });
      }
      if (position < size) {
        // A reply that ends in good order, and too early, will not grow.
        throw reply.body.complete ? wrongSize(size) : new ConnectionError("it broke off");
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!isPassing(error) || ++breaks > MOST_BREAKS) throw error;
      progress.tell(`The download broke off at ${humanSize(position)}; taking it up again`);
      await sleep(WAIT_MS * breaks, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
  if (`sha-256=:${hash.digest("base64")}:` !== record["archive-digest"]) {
    throw new Failure(
      "The archive that came is not the one the service made: its SHA-256 is another; download it again",
    );
  }
}

async function* chunksOf({ body }: Reply): AsyncGenerator<Buffer> {
  const stalled = setTimeout(
    () => body.destroy(new ConnectionError("nothing comes any more")),
    STALL_MS,
  );
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      yield chunk;
      stalled.refresh();
    }
  } catch (error) {
    throw connectionError(error);
  } finally {
    clearTimeout(stalled);
    body.destroy();
  }
}

async function writeAll(file: FileHandle, chunk: Buffer, position: number): Promise<void> {
  for (let done = 0; done < chunk.length;) {
    const { bytesWritten } = await file.write(chunk, done, chunk.length - done, position + done);
    done += bytesWritten;
  }
}

function wrongSize(size: number): Failure {
  return new Failure(
    `The archive that came does not have the ${size} bytes that the service named`,
  );
}
