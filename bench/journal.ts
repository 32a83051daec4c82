/** Line 5: what a transition costs with 10, 1,000 and 10,000 gathers, and a boot with as many. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuMs } from "./support/cpu.ts";
import { comeAndGo, writeJournal } from "./support/journal.ts";
import { measuring } from "./support/options.ts";
import { type Service, startService } from "./support/service.ts";
import { figure, machine, median, say, table } from "./support/table.ts";

/** Gathers that are cancelled while they wait: each writes three states, and starts no process. */
const BATCH = 200;

/** Measures and prints. */
export async function benchJournal(args: string[]): Promise<void> {
  const { scale, runs, runtime } = measuring(args, 5);
  say(
    `Journal on ${runtime}: ${machine()}; medians of ${runs} interleaved runs of ${
      BATCH * scale
    } ` +
      "gathers, each taken in, cancelled while it waits and purged",
  );
  const sizes = [10, 1000, 10_000].map((size) => Math.max(1, size * scale));
  const services: Service[] = [];
  const boots: number[] = [];
  const folders: string[] = [];
  const cost = sizes.map((): number[] => []);
  try {
    for (const size of sizes) {
      const folder = await mkdtemp(join(tmpdir(), "bench-journal-"));
      folders.push(folder);
      await writeJournal(folder, size);
      const env = { MAX_QUEUED: "1000", MAX_CONCURRENT: "1" };
      const service = await startService({ runtime, env, folder });
      boots.push(await cpuMs(service.pid));
      services.push(service);
      await service.post("wait 3600"); // takes the slot
    }
    for (let round = 0; round <= runs; round++) {
      for (const [index, service] of services.entries()) {
        const before = await cpuMs(service.pid);
        for (let made = 0; made < BATCH * scale; made++) await comeAndGo(service);
        if (round > 0) cost[index]?.push((await cpuMs(service.pid) - before) / (BATCH * scale));
      }
    }
  } finally {
    for (const service of services) await service.stop();
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  }
  table(
    ["gathers", "CPU, times that with the fewest", "ms CPU a gather", "ms CPU to boot"],
    sizes.map((size, index) => [
      String(size),
      figure(median(cost[index]?.map((ms, run) => ms / (cost[0]?.[run] ?? NaN)) ?? [])),
      figure(median(cost[index] ?? [])),
      figure(boots[index] ?? NaN),
    ]),
  );
}
