/** The service in numbers, for Prometheus. */
import type { AccessCheck } from "../auth/access.ts";
import type { Disk } from "../gathers/disk.ts";
import type { Entry } from "../gathers/entry.ts";
import type { Registry } from "../gathers/registry.ts";
import { lazily } from "../lazy.ts";
import type { Log } from "../log.ts";
import { reasonOf } from "../log.ts";
import type { Tally } from "./tally.ts";

/** One text is good for so long, whoever asks: milliseconds. Nobody needs a token to ask, and it must stay cheap. */
const FRESH_MS = 1000;

/** Where the numbers are. They are looked at when somebody asks. */
export interface MetricsSources {
  registry: Registry;
  disk: Pick<Disk, "use">;
  tally: Tally;
  /** Undefined where nobody is asked. */
  access: Pick<AccessCheck, "counts"> | undefined;
  maxQueued: number;
  maxConcurrent: number;
  version: string;
  /** Its name. */
  runtime: string;
  /** Ends what is measured all the time. */
  signal: AbortSignal;
  log: Log;
}

/** What the service counts, and tells. */
export interface Metrics {
  /** Is told of each gather that has ended, once its record is settled. Never throws. */
  ended: (entry: Entry) => void;
  /** All of it, in Prometheus' text format, and its media type. */
  read: () => Promise<{ text: string; contentType: string }>;
}

/**
 * Makes them. What takes memory is loaded with the first gather that ends, or when somebody asks; where that fails (too many open
 * files, say), with the next.
 *
 * @param importSeries what loads it; a test's own
 */
export function createMetrics(
  sources: MetricsSources,
  importSeries: () => Promise<Pick<typeof import("./series.ts"), "createSeries">> = () =>
    import("./series.ts"),
): Metrics {
  const load = lazily(async () => (await importSeries()).createSeries(sources));
  let last: { at: number; reply: Promise<{ text: string; contentType: string }> } | undefined;
  const read = async () => {
    const { text, contentType } = await load();
    return { text: await text(), contentType };
  };
  return {
    ended(entry) {
      load().then(({ ended }) => ended(entry)).catch((error) =>
        sources.log.warn("a gather could not be counted", { id: entry.id, reason: reasonOf(error) })
      );
    },
    read() {
      const now = performance.now();
      if (!last || now - last.at >= FRESH_MS) last = { at: now, reply: read() };
      return last.reply;
    },
  };
}
