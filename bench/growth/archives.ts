/** How packing grows with bytes and with files, and a download with bytes. */
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { makeCorpus, makeManyFiles } from "../corpus.ts";
import { download } from "../download.ts";
import { cpuMs } from "../support/cpu.ts";
import { scratchFolder } from "../support/scratch.ts";
import { startService } from "../support/service.ts";
import { costOfGather } from "./gathers.ts";
import { type Extent, growing, type Growth } from "./growth.ts";

const MEGABYTES = [6, 60, 600];
const FILES = [100, 1000, 10_000, 70_000];
const DOWNLOADED = [10, 100, 1000];
const SEED = 5;

/** Measures. */
export async function growthOfPacking(extent: Extent): Promise<Growth[]> {
  await using closing = new AsyncDisposableStack();
  const scratch = await scratchFolder(closing);
  const service = await startService({ runtime: extent.runtime });
  closing.defer(service.stop);
  const byBytes = MEGABYTES.map((megabytes) => megabytes * extent.scale);
  for (const size of byBytes) await makeCorpus(join(scratch, `${size}-mb`), size * 1e6, SEED);
  const byFiles = FILES.map((files) => files * extent.scale);
  for (const size of byFiles) await makeManyFiles(join(scratch, `${size}-files`), size, SEED);
  const peaks = new Map<string, number>();
  const trees = [
    ...byBytes.map((size) => ({ size, tree: `${size}-mb` })),
    ...byFiles.map((size) => ({ size, tree: `${size}-files` })),
  ];
  const costs = await growing(trees, extent, async ({ size, tree }) => {
    const { cpu, peak } = await costOfGather(service, `pack ${join(scratch, tree)}`);
    peaks.set(tree, Math.max(peaks.get(tree) ?? 0, peak));
    return cpu / size;
  });
  const points = trees.map(({ size, tree }, index) => ({
    size,
    cost: costs[index] ?? NaN,
    peak: peaks.get(tree) ?? NaN,
  }));
  const [bytes, files] = [points.slice(0, byBytes.length), points.slice(byBytes.length)];
  const ofPeak = (all: typeof points) => all.map(({ size, peak }) => ({ size, cost: peak }));
  return [
    { group: "6 archives", name: "packing, bytes", of: "MB", unit: "ms a MB", points: bytes },
    { group: "6 archives", name: "packing, files", of: "files", unit: "ms a file", points: files },
    {
      group: "7 memory",
      name: "the most while packing bytes",
      of: "MB",
      unit: "MiB",
      points: ofPeak(bytes),
    },
    {
      group: "7 memory",
      name: "the most while packing files",
      of: "files",
      unit: "MiB",
      points: ofPeak(files),
    },
  ];
}

/** Measures. */
export async function growthOfDownload(extent: Extent): Promise<Growth[]> {
  await using closing = new AsyncDisposableStack();
  const scratch = await scratchFolder(closing);
  const service = await startService({ runtime: extent.runtime, env: { ARCHIVE_LEVEL: "0" } });
  closing.defer(service.stop);
  const archives: { size: number; path: string }[] = [];
  for (const megabytes of DOWNLOADED) {
    const size = megabytes * extent.scale;
    const tree = join(scratch, String(size));
    await mkdir(tree);
    const file = await open(join(tree, "large"), "w");
    await file.truncate(size * 1e6); // nothing but zeros: a disk has no part in this
    await file.close();
    const { id } = await service.completed((await service.post(`pack ${tree}`)).id);
    archives.push({ size, path: `/must-gather/${id}/data` });
  }
  const costs = await growing(archives, extent, async ({ size, path }) => {
    const before = await cpuMs(service.pid);
    const read = await download({ port: service.port, path });
    if (read < size * 1e6) throw new Error(`only ${read} bytes came`);
    return (await cpuMs(service.pid) - before) / size;
  });
  return [{
    group: "6 archives",
    name: "download",
    of: "MB",
    unit: "ms a MB",
    points: archives.map(({ size }, index) => ({ size, cost: costs[index] ?? NaN })),
  }];
}
