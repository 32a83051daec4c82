/** Line 2: how long polls take while two gathers print without end and one packs, beside the same polls of a service at rest. */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { makeCorpus } from "./corpus.ts";
import { recordReply, startBare } from "./support/bare.ts";
import type { Busy } from "./support/busy.ts";
import { mainThreadMs } from "./support/cpu.ts";
import { run } from "./support/load.ts";
import { measuring } from "./support/options.ts";
import { scratchFolder } from "./support/scratch.ts";
import { type Service, startService, until } from "./support/service.ts";
import { figure, machine, median, quantile, say, table } from "./support/table.ts";

/** As the issue has it. */
const LINES_A_SECOND = 50_000;
const TREE_BYTES = 600e6;
const SEED = 5;

/** Sixteen clients, each of which waits this long before it asks again: as pages do, only more often. Milliseconds. */
const CONNECTIONS = 16;
const PAUSE_MS = 20;

/** At rest it is polled for so long: milliseconds. */
const REST_MS = 5000;

const BUSY = fileURLToPath(new URL("./support/busy.ts", import.meta.url));

/** What one round gave: milliseconds, and of the main thread milliseconds a second. */
interface Round extends Partial<Busy> {
  p99Ms: number;
  longestMs: number;
  bareP99Ms: number;
  bareLongestMs: number;
  ran: number;
  waited: number;
}

const COLUMNS: readonly [key: keyof Round, title: string][] = [
  ["p99Ms", "p99 ms"],
  ["longestMs", "longest ms"],
  ["bareP99Ms", "bare, p99 ms"],
  ["bareLongestMs", "bare, longest ms"],
  ["p99", "main thread busy in a turn, p99 ms"],
  ["most", "… at most, ms"],
  ["ran", "… in a second, ms"],
  ["waited", "ready without a processor in a second, ms"],
];

/** Measures and prints. */
export async function benchWorking(args: string[]): Promise<void> {
  const { scale, runs, runtime } = measuring(args, 3);
  say(
    `Polling while working on ${runtime}: ${machine()}; medians of ${runs} runs, ${CONNECTIONS} ` +
      `connections that pause for ${PAUSE_MS} ms; a bare node:http server is asked at the same time`,
  );
  await using closing = new AsyncDisposableStack();
  const scratch = await scratchFolder(closing);
  const busyFile = runtime === "node" ? join(scratch, "busy") : undefined; // Deno does not tell of one thread
  const service = await startService({
    runtime,
    env: { MAX_CONCURRENT: "3", ...(busyFile && { BUSY_FILE: busyFile }) },
    flags: busyFile ? ["--import", BUSY] : [],
  });
  closing.defer(service.stop);
  const tree = join(scratch, "tree");
  await makeCorpus(tree, TREE_BYTES * scale, SEED);
  const { id } = await service.completed((await service.post("print 500")).id);
  const path = `/must-gather/${id}`;
  const bare = await startBare([await recordReply(service.port, path, {})], undefined, runtime);
  closing.defer(bare.stop);

  const during = async (work: Promise<unknown>): Promise<Round> => {
    if (busyFile) await takeBusy(service.pid, busyFile);
    const [before, began] = [await mainThreadMs(service.pid), performance.now()];
    const [ours, other] = await poll([service, bare], path, work);
    const [after, seconds] = [
      await mainThreadMs(service.pid),
      (performance.now() - began) / 1000,
    ];
    return {
      ...(busyFile && await takeBusy(service.pid, busyFile)),
      p99Ms: quantile(ours ?? [], 0.99),
      longestMs: longest(ours),
      bareP99Ms: quantile(other ?? [], 0.99),
      bareLongestMs: longest(other),
      ran: (after.ran - before.ran) / seconds,
      waited: (after.waited - before.waited) / seconds,
    };
  };
  const rest: Round[] = [];
  const work: Round[] = [];
  const rates: number[] = [];
  for (let round = 0; round <= runs; round++) {
    const resting = await during(sleep(REST_MS * scale));
    const working = await during(workOf(service, tree).then((rate) => rates.push(rate)));
    if (round === 0) continue;
    rest.push(resting);
    work.push(working);
  }
  const of = (rounds: Round[], key: keyof Round) => median(rounds.map((each) => each[key] ?? NaN));
  const row = (name: string, rounds: Round[]) => [
    name,
    figure(of(rounds, "p99Ms") / of(rest, "p99Ms")),
    ...COLUMNS.map(([key]) => figure(of(rounds, key))),
  ];
  table(
    ["", "p99, times that at rest", ...COLUMNS.map(([, title]) => title)],
    [row("at rest", rest), row("two print, one packs", work)],
  );
  say(
    `Each of the two printed ${figure(median(rates) / 1000)} thousand lines a second (of ${
      LINES_A_SECOND / 1000
    }).\n`,
  );
}

/** Asks a service that {@linkcode BUSY} was loaded into for what it counted since it was last asked. */
async function takeBusy(pid: number, file: string): Promise<Busy> {
  await rm(file, { force: true });
  process.kill(pid, "SIGUSR2");
  let text = "";
  await until(async () => (text = await readFile(file, "utf8").catch(() => "")) !== "");
  return JSON.parse(text) as Busy;
}

/** How long the polls of each took until `done`: milliseconds. */
async function poll(
  servers: readonly { port: number }[],
  path: string,
  done: Promise<unknown>,
): Promise<number[][]> {
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
  return (await Promise.all(polls)).map(({ latencies }) => latencies);
}

function longest(latencies: readonly number[] = []): number {
  return latencies.reduce((most, each) => Math.max(most, each), 0);
}

/** Resolves when the tree is packed, with the lines a second that each of the two printed all the while. */
async function workOf(service: Service, tree: string): Promise<number> {
  const began = performance.now();
  const printing = [];
  for (let count = 0; count < 2; count++) {
    printing.push(await service.post(`pace ${LINES_A_SECOND} 3600`));
  }
  const { id } = await service.post(`pack ${tree}`);
  await service.completed(id);
  let lines = 0;
  for (const { id } of printing) lines += (await service.get(id)).progress.lines;
  const rate = lines / printing.length / ((performance.now() - began) / 1000);
  for (const { id } of printing) {
    await fetch(`http://127.0.0.1:${service.port}/must-gather/${id}`, { method: "DELETE" });
  }
  for (const { id } of printing) await service.completed(id).catch(() => {}); // it was cancelled
  return rate;
}
