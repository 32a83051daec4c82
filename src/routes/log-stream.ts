/** What oc printed, as a stream: of a gather that runs too. */
import { hasEnded } from "../gathers/entry.ts";
import type { Held } from "../gathers/held.ts";
import type { Registry } from "../gathers/registry.ts";
import { LOG_PIECE_BYTES, logExtent, readLog } from "../oc/exec-log.ts";

/** A reader that follows is looked after this often even when nothing comes: milliseconds. */
const FOLLOW_MS = 15_000;

/** The output from a place on, with a line of its own about what is missing; with `follow`, until the gather has ended. */
export function logStream(
  held: Held,
  folder: string,
  start: number,
  follow: { registry: Registry; ending: AbortSignal } | undefined,
): ReadableStream<Uint8Array> {
  const gone = new AbortController();
  let position = start;
  let isInLine = false;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      while (!gone.signal.aborted) {
        const { revision } = held;
        const ended = hasEnded(held.summary) && !held.output;
        const piece = await readLog(folder, position, LOG_PIECE_BYTES);
        if (piece.length > 0) {
          position += piece.length;
          isInLine = piece.at(-1) !== 0x0a;
          return controller.enqueue(piece);
        }
        const { end, gapStart, gapEnd } = await logExtent(folder);
        if (position >= gapStart && position < gapEnd) {
          const missing = gapEnd - position;
          position = gapEnd;
          const before = isInLine ? "\n" : ""; // what is kept ends and begins anywhere
          isInLine = false;
          return controller.enqueue(
            Buffer.from(`${before}[${missing} bytes of output were not kept]\n`),
          );
        }
        if (position < end) continue; // the next file has begun in between
        if (!follow || ended || follow.ending.aborted) return controller.close();
        await follow.registry.waitForChange(held, revision, FOLLOW_MS, gone.signal);
      }
    },
    cancel() {
      gone.abort();
    },
  }, { highWaterMark: 0 });
}
