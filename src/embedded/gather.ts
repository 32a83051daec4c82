import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { collect, notStarted } from "./collect.ts";
import { type Collector, type Context, type Outcome, reasonOf } from "./collector.ts";

/** Bounds of a gather; all in milliseconds but the first. */
export type Bounds = Readonly<{
  /** How many collectors run at once: most wait for the kernel, and the machine has its own work. */
  parallel: number;
  /** One collector. */
  each: number;
  /** All of them. */
  all: number;
  /** What a source that was stopped may take to save its part. */
  grace: number;
}>;

/** Within 20 s the whole program ends, with time to spare for moving the result. */
export const BOUNDS: Bounds = { parallel: 4, each: 5000, all: 17_000, grace: 150 };

/**
 * Runs collectors and writes what they give below `folder`. Resolves to how each went, in the order of ending; soon after
 * `stop` was aborted: what was running is ended and its part kept, what did not start is told with the same reason.
 *
 * @param tell is given a line when a collector starts and when it ends
 */
export async function gather(options: {
  collectors: readonly Collector[];
  folder: string;
  env: Context["env"];
  stop: AbortSignal;
  bounds: Bounds;
  tell: (line: string) => void;
}): Promise<Outcome[]> {
  const { collectors, folder, env, stop, bounds, tell } = options;
  const all = abortAfter(bounds.all, `the ${bounds.all / 1000} s for everything were over`);
  const end = AbortSignal.any([stop, all.signal]);
  const outcomes: Outcome[] = [];
  let closed = false;
  const write = async (path: string, text: string): Promise<void> => {
    if (closed) return; // by one who was given up: the folder may be gone
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, text);
  };
  const left = collectors.entries(); // shared: each worker takes the next
  const work = async (): Promise<void> => {
    for (const [at, collector] of left) {
      if (end.aborted) {
        outcomes.push(notStarted(collector, reasonOf(end.reason)));
        continue;
      }
      tell(`gathering ${collector.file} (${at + 1}/${collectors.length})`);
      const each = abortAfter(bounds.each, `not done after ${bounds.each / 1000} s`);
      const signal = AbortSignal.any([end, each.signal]);
      const outcome = await collect(collector, { signal, env, write }, bounds.grace);
      each.clear();
      outcomes.push(outcome);
      tell(inOneLine(outcome));
    }
  };
  await Promise.all(Array.from({ length: bounds.parallel }, work));
  closed = true;
  all.clear();
  return outcomes;
}

function abortAfter(ms: number, reason: string): { signal: AbortSignal; clear: () => void } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new Error(reason)), ms);
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}

function inOneLine({ file, bytes, milliseconds, note }: Outcome): string {
  const first = note.split("\n", 1)[0] ?? "";
  if (bytes === null) return `not gathered: ${file}: ${first}`;
  const remark = first === "" ? "" : ` (${first})`;
  return `gathered ${file}: ${bytes} bytes in ${milliseconds} ms${remark}`;
}
