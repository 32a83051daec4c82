/** Line 5: what a transition costs with 10, 1,000 and 10,000 gathers, and a boot with as many. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newEntry } from "../src/gathers/entry.ts";
import { parseGatherRequest } from "../src/schema/request.ts";
import { cpuMs } from "./support/cpu.ts";
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
      await fill(folder, size);
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

async function comeAndGo(service: Service): Promise<void> {
  const { id } = await service.post("instant");
  for (const query of ["", "?purge=1"]) {
    const url = `http://127.0.0.1:${service.port}/must-gather/${id}${query}`;
    const reply = await fetch(url, { method: "DELETE" });
    await reply.text();
    if (!reply.ok) throw new Error(`DELETE gave ${reply.status}`);
  }
}

/** Writes a journal of ended gathers, as the service leaves them. */
async function fill(folder: string, size: number): Promise<void> {
  const journal = join(folder, "journal");
  await mkdir(journal, { recursive: true });
  const request = parseGatherRequest({ command: "instant" }, {
    defaults: { image: "quay.io/kubev2v/forklift-must-gather", timeout: "20m" },
    maxTimeoutMs: 86_400_000,
    features: { version: "4.18.3", flags: new Set(["image", "timeout"]) },
    knownServer: () => false,
    embedded: false,
    localCommands: false,
  });
  for (let id = 1; id <= size; id++) {
    const at = new Date(Date.now() - (size - id) * 1000).toISOString();
    const entry = {
      ...newEntry(id, at, { ...request, customName: `plan:number-${id}` }, null),
      startedAt: at,
      finishedAt: at,
      status: "error",
      state: "error",
      reason: "no-data",
      message: "Nothing was collected",
    };
    await writeFile(join(journal, `${id}.json`), JSON.stringify(entry));
  }
}
