/** How a transition, a boot and the memory grow with the gathers in the journal. */
import { setTimeout as sleep } from "node:timers/promises";
import { cpuMs, memory } from "../support/cpu.ts";
import { comeAndGo, writeJournal } from "../support/journal.ts";
import { scratchFolder } from "../support/scratch.ts";
import { type Service, startService } from "../support/service.ts";
import { type Extent, growing, type Growth } from "./growth.ts";

const GATHERS = [10, 100, 1000, 10_000];

/** Fewer cannot be told from none at all, which is taken off. */
const BOOTED = [1000, 3000, 10_000];

/** Gathers that come and go in a round. */
const BATCH = 100;

/** After the service listens nothing more happens to it for so long before it is looked at: milliseconds. */
const QUIET_MS = 1500;

/** As the image has it. */
const ENV = { NODE_OPTIONS: "--max-semi-space-size=2", MAX_QUEUED: "1000", MAX_CONCURRENT: "1" };

/** Measures. */
export async function growthOfTransitions(extent: Extent): Promise<Growth[]> {
  await using closing = new AsyncDisposableStack();
  const batch = BATCH * extent.scale;
  const sizes = GATHERS.map((gathers) => gathers * extent.scale);
  const services: Service[] = [];
  for (const size of sizes) {
    const folder = await scratchFolder(closing);
    await writeJournal(folder, size);
    const service = await startService({ runtime: extent.runtime, folder, env: ENV });
    closing.defer(service.stop);
    services.push(service);
    await service.post("wait 3600"); // takes the slot
  }
  const costs = await growing(services, extent, async (service) => {
    const before = await cpuMs(service.pid);
    for (let made = 0; made < batch; made++) await comeAndGo(service);
    return (await cpuMs(service.pid) - before) / batch;
  });
  return [{
    group: "5 journal",
    name: "taken in, cancelled, purged",
    of: "gathers",
    unit: "ms a gather",
    points: sizes.map((size, index) => ({ size, cost: costs[index] ?? NaN })),
  }];
}

/** Measures. */
export async function growthOfBoots(extent: Extent): Promise<Growth[]> {
  await using closing = new AsyncDisposableStack();
  const sizes = [0, ...BOOTED.map((gathers) => gathers * extent.scale)];
  const folders: string[] = [];
  for (const size of sizes) {
    const folder = await scratchFolder(closing);
    await writeJournal(folder, size);
    folders.push(folder);
  }
  const resident: number[][] = sizes.map(() => []);
  const costs = await growing(folders, extent, async (folder) => {
    const service = await startService({ runtime: extent.runtime, folder, env: ENV });
    try {
      await sleep(QUIET_MS);
      resident[folders.indexOf(folder)]?.push(await memory(service.pid, "now"));
      return await cpuMs(service.pid);
    } finally {
      await service.stop();
    }
  });
  const least = resident.map((each) => Math.min(...each));
  const beside = (values: readonly number[], times: number) =>
    sizes.map((size, index) => ({
      size,
      cost: ((values[index] ?? NaN) - (values[0] ?? NaN)) * times / size,
    })).slice(1);
  return [
    {
      group: "5 journal",
      name: "boot, over an empty one",
      of: "gathers",
      unit: "µs a gather",
      points: beside(costs, 1000),
    },
    {
      group: "7 memory",
      name: "ended gathers, over none",
      of: "gathers",
      unit: "KB a gather",
      points: beside(least, 1 / 1000),
    },
  ];
}
