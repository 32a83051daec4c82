/** Line 7: what the service has in memory, and what its start takes. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeCorpus } from "./corpus.ts";
import { startBare } from "./support/bare.ts";
import { cpuMs, memory } from "./support/cpu.ts";
import { measuring } from "./support/options.ts";
import { type Runtime, startService } from "./support/service.ts";
import { figure, machine, mebi, median, say, table } from "./support/table.ts";

/** What is packed: bytes, and the seed that makes them. */
const TREE_BYTES = 600e6;
const SEED = 5;

/** As the image has it. Deno passes over it. */
const FLAGS = { NODE_OPTIONS: "--max-semi-space-size=2" };

/** After the first answer nothing happens for so long before memory is read: milliseconds. */
const QUIET_MS = 1500;

/** Measures and prints. */
export async function benchMemory(args: string[]): Promise<void> {
  const { scale, runs, runtime } = measuring(args, 3);
  say(`Memory and start on ${runtime}: ${machine()}; medians of ${runs} interleaved starts`);

  const started = { cpu: [] as number[], idle: [] as number[], bare: [] as number[] };
  for (let round = 0; round <= runs; round++) {
    const service = await startService({ runtime, env: FLAGS });
    const bare = await startBare([], undefined, runtime);
    try {
      await fetch(`http://127.0.0.1:${service.port}/readyz`).then((reply) => reply.text());
      const cpu = await cpuMs(service.pid);
      await fetch(`http://127.0.0.1:${bare.port}/`).then((reply) => reply.text());
      await sleep(QUIET_MS);
      if (round === 0) continue; // the cache is filled when it ends
      started.cpu.push(cpu);
      started.idle.push(await memory(service.pid, "now"));
      started.bare.push(await memory(bare.pid, "now"));
    } finally {
      await bare.stop();
      await service.stop();
    }
  }
  const [idle, bare] = [median(started.idle), median(started.bare)];
  const rows = [
    ["idle", ...over(idle, bare, bare)],
    ...await working(runtime, scale, bare),
  ];
  table(
    ["resident memory", "times a bare node:http server", "MiB", "MB", "over that server, MiB"],
    rows,
  );
  say(`Start to the first answer: ${figure(median(started.cpu))} ms CPU\n`);
}

/** With ended gathers, with running ones, and the most while packing. */
async function working(
  runtime: Runtime,
  scale: number,
  bare: number,
): Promise<string[][]> {
  const scratch = await mkdtemp(join(tmpdir(), "bench-memory-"));
  const service = await startService({ runtime, env: FLAGS });
  try {
    const tree = join(scratch, "tree");
    await makeCorpus(tree, TREE_BYTES * scale, SEED);
    const rows: string[][] = [];
    const many = Math.round(1000 * scale);
    for (let made = 0; made < many; made++) {
      const { id } = await service.post("print 2000");
      if (made % 50 === 49 || made === many - 1) await service.completed(id);
    }
    await sleep(QUIET_MS);
    rows.push([
      `with ${many} ended gathers`,
      ...over(await memory(service.pid, "now"), bare, bare),
    ]);
    const running = [await service.post("wait 5"), await service.post("wait 5")];
    await sleep(QUIET_MS);
    rows.push(["and 2 that run", ...over(await memory(service.pid, "now"), bare, bare)]);
    for (const { id } of running) await service.completed(id);
    const { id } = await service.post(`pack ${tree}`);
    let peak = 0;
    const looking = setInterval(async () => {
      peak = Math.max(peak, await memory(service.pid, "now"));
    }, 50);
    await service.completed(id);
    clearInterval(looking);
    const megabytes = Math.round(TREE_BYTES * scale / 1e6);
    rows.push([`the most while packing ${megabytes} MB`, ...over(peak, bare, bare)]);
    return rows;
  } finally {
    await service.stop();
    await rm(scratch, { recursive: true, force: true });
  }
}

function over(bytes: number, times: number, than: number): string[] {
  return [figure(bytes / times), mebi(bytes), (bytes / 1e6).toFixed(1), mebi(bytes - than)];
}
