/** How gathers grow: with what oc prints, and with how many come at once. */
import { cpuMs, memory, resetPeak, settled } from "../support/cpu.ts";
import { type Service, startService, until } from "../support/service.ts";
import { type Extent, growing, type Growth } from "./growth.ts";

const LINES = [10_000, 100_000, 1_000_000];
const AT_ONCE = [10, 100, 1000];

/** Gathers before any is measured: compilers have come to rest then. */
const WARM_UP = 50;

/** A gather that does what it is told, from its POST until all of it is done: CPU in ms, and the most memory there was meanwhile in MiB. */
export async function costOfGather(
  service: Service,
  command: string,
): Promise<{ cpu: number; peak: number }> {
  await resetPeak(service.pid);
  const before = await cpuMs(service.pid);
  await service.completed((await service.post(command)).id);
  await settled(service.pid);
  const cpu = await cpuMs(service.pid) - before;
  return { cpu, peak: await memory(service.pid, "peak") / 2 ** 20 };
}

/** Measures. */
export async function growthOfOutput(extent: Extent): Promise<Growth[]> {
  await using closing = new AsyncDisposableStack();
  const service = await startService({ runtime: extent.runtime });
  closing.defer(service.stop);
  const sizes = LINES.map((lines) => lines * extent.scale);
  const peaks = new Map<number, number>();
  const costs = await growing(sizes, extent, async (lines) => {
    const { cpu, peak } = await costOfGather(service, `lines ${lines}`);
    peaks.set(lines, Math.max(peaks.get(lines) ?? 0, peak));
    return cpu * 1000 / lines;
  });
  return [
    {
      group: "3 output",
      name: "output",
      of: "lines",
      unit: "µs a line",
      points: sizes.map((size, index) => ({ size, cost: costs[index] ?? NaN })),
    },
    {
      group: "7 memory",
      name: "the most while oc prints",
      of: "lines",
      unit: "MiB",
      points: sizes.map((size) => ({ size, cost: peaks.get(size) ?? NaN })),
    },
  ];
}

/** Measures. */
export async function growthOfEnds(extent: Extent): Promise<Growth[]> {
  await using closing = new AsyncDisposableStack();
  const sizes = AT_ONCE.map((gathers) => gathers * extent.scale);
  const service = await startService({
    runtime: extent.runtime,
    env: { MAX_QUEUED: String(Math.max(...AT_ONCE)) },
  });
  closing.defer(service.stop);
  for (let made = 0; made < WARM_UP; made++) {
    await service.completed((await service.post("instant")).id);
  }
  const once = { ...extent, runs: 1 }; // a thousand take half a minute
  const costs = await growing(sizes, once, async (gathers) => {
    const before = await cpuMs(service.pid);
    const made = await Promise.all(Array.from({ length: gathers }, () => service.post("instant")));
    // Asked one after the other, and rarely: looking costs too.
    for (const { id } of made) {
      await until(async () => (await service.get(id)).status === "completed", 200);
    }
    await settled(service.pid);
    return (await cpuMs(service.pid) - before) / gathers;
  });
  return [{
    group: "4 start to end",
    name: "gathers posted at once",
    of: "gathers",
    unit: "ms a gather",
    points: sizes.map((size, index) => ({ size, cost: costs[index] ?? NaN })),
  }];
}
