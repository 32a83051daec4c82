/** Line 2: how long polls take while two gathers print without end and one packs, beside the same polls of a service at rest. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { makeCorpus } from "./corpus.ts";
import { type Bare, recordReply, startBare } from "./support/bare.ts";
import type { Busy } from "./support/busy.ts";
import { run } from "./support/load.ts";
import { measuring } from "./support/options.ts";
import { type Service, startService } from "./support/service.ts";
import { figure, machine, median, quantile, say, table } from "./support/table.ts";

/** As the issue has it. */
const LINES_A_SECOND = 50_000;
const TREE_BYTES = 600e6;
const SEED = 5;

/** Sixteen clients, each of which waits this long before it asks again: as pages do, only more often. Milliseconds. */
const CONNECTIONS = 16;
const PAUSE_MS = 20;

const BUSY = fileURLToPath(new URL("./support/busy.ts", import.meta.url));

/** Measures and prints. */
export async function benchWorking(args: string[]): Promise<void> {
  const { scale, runs, runtime } = measuring(args, 3);
  say(
    `Polling while working on ${runtime}: ${machine()}; medians of ${runs} runs, ${CONNECTIONS} ` +
      `connections that pause for ${PAUSE_MS} ms; a bare node:http server is asked at the same time`,
  );
  const scratch = await mkdtemp(join(tmpdir(), "bench-working-"));
  const busyFile = join(scratch, "busy");
  const service = await startService({
    runtime,
    env: { MAX_CONCURRENT: "3", BUSY_FILE: busyFile },
    flags: runtime === "node" ? ["--import", BUSY] : [], // Deno does not tell of one thread
  });
  let bare: Bare | undefined;
  try {
    const tree = join(scratch, "tree");
    await makeCorpus(tree, TREE_BYTES * scale, SEED);
    const { id } = await service.completed((await service.post("print 500")).id);
    const path = `/must-gather/${id}`;
    bare = await startBare([await recordReply(service.port, path, {})], undefined, runtime);
    const rest: number[][] = [];
    const work: number[][] = [];
    for (let round = 0; round <= runs; round++) {
      const resting = await poll([service, bare], path, sleep(3000 * scale));
      const working = await poll([service, bare], path, workOf(service, tree));
      if (round === 0) continue;
      rest.push(resting);
      work.push(working);
    }
    const of = (figures: number[][], which: number) =>
      median(figures.map((each) => each[which] ?? NaN));
    const row = (name: string, figures: number[][]) => [
      name,
      figure(of(figures, 0) / of(rest, 0)),
      figure(of(figures, 0)),
      figure(of(figures, 1)),
      figure(of(figures, 2)),
      figure(of(figures, 3)),
    ];
    table(
      ["", "p99, times that at rest", "p99 ms", "longest ms", "bare, p99 ms", "bare, longest ms"],
      [row("at rest", rest), row("two print, one packs", work)],
    );
    await service.stop();
    const busy = await readFile(busyFile, "utf8").catch(() => "");
    if (busy !== "") {
      const { most, over20 } = JSON.parse(busy) as Busy;
      say(
        `The main thread was busy itself for ${
          figure(most)
        } ms at most between two turns of a timer, ` +
          `${over20} times for more than 20 ms\n`,
      );
    }
  } finally {
    await bare?.stop();
    await service.stop();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The 99th percentile and the longest of the polls of each, until `done`. */
async function poll(
  servers: readonly { port: number }[],
  path: string,
  done: Promise<unknown>,
): Promise<number[]> {
  const over = new AbortController();
  const polls = servers.map(({ port }) =>
    run({
      port,
      path,
      connections: CONNECTIONS,
      status: 200,
      pauseMs: PAUSE_MS,
      until: over.signal,
    })
  );
  await done;
  over.abort();
  const answers = await Promise.all(polls);
  return answers.flatMap(({ latencies }) => [
    quantile(latencies, 0.99),
    latencies.reduce((most, each) => Math.max(most, each), 0),
  ]);
}

/** Resolves when the tree is packed; two print all the while. */
async function workOf(service: Service, tree: string): Promise<void> {
  const printing = [];
  for (let count = 0; count < 2; count++) {
    printing.push(await service.post(`pace ${LINES_A_SECOND} 3600`));
  }
  const { id } = await service.post(`pack ${tree}`);
  await service.completed(id);
  for (const { id } of printing) {
    await fetch(`http://127.0.0.1:${service.port}/must-gather/${id}`, { method: "DELETE" });
  }
  for (const { id } of printing) await service.completed(id).catch(() => {}); // it was cancelled
}
