import {
  type Collector,
  type Context,
  FILE_LIMIT,
  type Outcome,
  reasonOf,
  type Taken,
} from "./collector.ts";
import { maskSecrets } from "./mask.ts";

/** How a collector went that was never started. */
export function notStarted(collector: Collector, reason: string): Outcome {
  return {
    file: collector.file,
    about: collector.about,
    how: allOf(collector),
    startedAt: new Date().toISOString(),
    milliseconds: 0,
    bytes: null,
    note: `not started: ${reason}`,
  };
}

/**
 * Tries the sources of a collector in order and writes what the first of them gives, secrets masked and bounded, with
 * `context.write`. Never rejects: reasons are in the outcome.
 *
 * @param grace how long a source may go on after the context's signal was aborted, in milliseconds: long enough to save
 * its part, and then it is given up, since a read that hangs in the kernel cannot be ended
 */
export async function collect(
  collector: Collector,
  context: Context,
  grace: number,
): Promise<Outcome> {
  const { file, about } = collector;
  const startedAt = new Date().toISOString();
  const start = performance.now();
  const outcome = (how: string, bytes: number | null, note: string): Outcome => {
    const milliseconds = Math.round(performance.now() - start);
    return { file, about, how, startedAt, milliseconds, bytes, note };
  };
  const reasons: string[] = [];
  for (const source of collector.sources) {
    try {
      const { text, note } = bounded(
        await Promise.race([source.take(context), givenUp(context.signal, grace)]),
      );
      await context.write(file, text);
      return outcome(source.how, Buffer.byteLength(text), note ?? "");
    } catch (error) {
      reasons.push(`${source.how}: ${maskSecrets(reasonOf(error))}`);
      if (context.signal.aborted) break;
    }
  }
  return outcome(allOf(collector), null, reasons.join("; "));
}

function allOf(collector: Collector): string {
  return collector.sources.map((source) => source.how).join(" | ");
}

function bounded(taken: Taken): Taken {
  const note = maskSecrets(taken.note ?? "");
  if (taken.text.length <= FILE_LIMIT) return { text: maskSecrets(taken.text), note };
  const cut = `cut: the first ${FILE_LIMIT} characters`;
  return { text: maskSecrets(taken.text.slice(0, FILE_LIMIT)), note: note || cut };
}

/** Rejects `grace` milliseconds after the signal was aborted. */
function givenUp(signal: AbortSignal, grace: number): Promise<never> {
  return new Promise((_, reject) => {
    const later = (): void => {
      setTimeout(() => reject(new Error(reasonOf(signal.reason))), grace).unref();
    };
    if (signal.aborted) later();
    else signal.addEventListener("abort", later, { once: true });
  });
}
