/** Line 3: what a line of oc's output costs the service. */
import { cpuMs, memory } from "./support/cpu.ts";
import { measuring } from "./support/options.ts";
import { startService } from "./support/service.ts";
import { figure, machine, mebi, median, say, table } from "./support/table.ts";

/** The issue's. */
const LINES = 1_000_000;
const LINE_BYTES = 100;

/** Between two looks at the memory: milliseconds. */
const LOOK_MS = 50;

/** Measures and prints. */
export async function benchOutput(args: string[]): Promise<void> {
  const { scale, runs, runtime } = measuring(args, 3);
  const most = LINES * scale;
  say(`Output on ${runtime}: ${machine()}; medians of ${runs} runs after one to warm up`);
  const sizes = [most / 100, most / 10, most];
  const figures = sizes.map(() => ({ cpu: [] as number[], grown: [] as number[] }));
  const service = await startService({ runtime });
  try {
    for (let round = 0; round <= runs; round++) {
      for (const [index, lines] of sizes.entries()) {
        const [cpuBefore, before] = [await cpuMs(service.pid), await memory(service.pid, "now")];
        let highest = before;
        const looking = setInterval(async () => {
          highest = Math.max(highest, await memory(service.pid, "now"));
        }, LOOK_MS);
        const { id } = await service.post(`lines ${lines}`);
        const record = await service.completed(id);
        clearInterval(looking);
        if (record.progress.lines !== lines) throw new Error(`${record.progress.lines} lines came`);
        if (round === 0) continue;
        figures[index]?.cpu.push(await cpuMs(service.pid) - cpuBefore);
        figures[index]?.grown.push(highest - before);
      }
    }
  } finally {
    await service.stop();
  }
  const perLine = (index: number) =>
    median(figures[index]?.cpu ?? []) * 1000 / (sizes[index] ?? NaN);
  table(
    [
      "lines of 100 bytes",
      "CPU a line, times that of all",
      "CPU s",
      "µs a line",
      "MB/s of CPU",
      "memory over before, MiB",
    ],
    sizes.map((lines, index) => {
      const cpu = median(figures[index]?.cpu ?? []);
      return [
        String(lines),
        figure(perLine(index) / perLine(sizes.length - 1)),
        figure(cpu / 1000),
        figure(perLine(index)),
        figure(lines * LINE_BYTES / 1e6 / (cpu / 1000)),
        mebi(median(figures[index]?.grown ?? [])),
      ];
    }),
  );
}
