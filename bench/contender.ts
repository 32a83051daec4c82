/** One archive made by one of the JavaScript writers, in a process of its own: prints what it took as a line of JSON. */
import { constants, createWriteStream } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import process from "node:process";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { ZipFile } from "yazl";
import { closeFd, openFd } from "../src/archive/fd.ts";
import type { ArchiveFormat } from "../src/archive/pack/formats.ts";
import { packTree } from "../src/archive/zip/pack-tree.ts";
import { pack } from "../src/archive/pack/pack.ts";
import { Tree } from "../src/archive/pack/tree.ts";
import { ZipWriter } from "../src/archive/zip/writer.ts";

/** What a contender took. */
export interface Took {
  wallMs: number;
  /** User and system. */
  cpuMs: number;
  /** Highest resident memory over what the process had before it began: bytes. */
  memory?: number;
  /** The longest the event loop was late, for whatever reason: on a busy machine, for want of a processor. */
  delayMs?: number;
  /** The most processor time that the main thread used between two turns of a timer of 1 ms: what is our own doing. */
  busyMs?: number;
}

interface Task {
  tree: string;
  folder: string;
  level: number;
  threads: number;
}

/** Compressed already, by its name: yazl is told, as we tell ourselves by looking. */
const COMPRESSED = /\.(?:gz|xz|zst|png)$/;

/** The delay is sampled so often, and counted over this: milliseconds. */
const RESOLUTION_MS = 1;

const contenders: Readonly<Record<string, (task: Task) => Promise<void>>> = {
  /** All that the service does: looks through the tree, packs, reads back with digest. */
  service: (task) => packAs("zip", task),
  tar: (task) => packAs("tar.gz", task),
  /** Only the archive, as the others make it. */
  async archive({ tree, folder, level, threads }) {
    const fd = await openFd(join(folder, "archive.zip"), constants.O_CREAT | constants.O_RDWR);
    try {
      const opened = await Tree.open(tree);
      if (!opened) throw new Error(`There is no tree at ${tree}`);
      const writer = new ZipWriter(fd);
      const signal = new AbortController().signal;
      const options = { level, threads, signal, finish: undefined, onBytes: () => {} };
      await packTree(opened, writer, options);
      await writer.close();
    } finally {
      await closeFd(fd);
    }
  },
  async yazl({ tree, folder, level }) {
    const zip = new ZipFile();
    const found = await readdir(tree, { recursive: true, withFileTypes: true });
    const files = found.filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)).sort();
    for (const file of files) {
      const compress = level > 0 && !COMPRESSED.test(file);
      zip.addFile(file, relative(tree, file), {
        compress,
        compressionLevel: compress ? level : 0,
      });
    }
    zip.end();
    await pipeline(zip.outputStream, createWriteStream(join(folder, "archive.zip")));
  },
};

async function packAs(format: ArchiveFormat, task: Task): Promise<void> {
  const { signal } = new AbortController();
  const archiveFilename = "must-gather.tar.gz";
  await pack({ ...task, format, archiveFilename, describe: () => ({}) }, { signal });
}

const [name = "", tree = "", folder = "", level = "", threads = ""] = process.argv.slice(2);
const contender = contenders[name];
if (!contender) throw new Error(`There is no contender ${name}`);
await rm(join(folder, "archive.zip"), { force: true });
await sleep(200); // loading is over, and what it left is let go
const idle = process.memoryUsage.rss();
const before = process.cpuUsage();
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();
let mostBusy = 0;
let last = process.threadCpuUsage();
const ticking = setInterval(() => {
  const used = process.threadCpuUsage(last);
  last = process.threadCpuUsage();
  mostBusy = Math.max(mostBusy, used.user + used.system);
}, RESOLUTION_MS);
const began = performance.now();
await contender({ tree, folder, level: Number(level), threads: Number(threads) });
const wallMs = performance.now() - began;
delay.disable();
clearInterval(ticking);
const cpu = process.cpuUsage(before);
const took: Took = {
  wallMs,
  cpuMs: (cpu.user + cpu.system) / 1000,
  memory: process.resourceUsage().maxRSS * 1024 - idle,
  delayMs: delay.max / 1e6 - RESOLUTION_MS,
  busyMs: mostBusy / 1000,
};
process.stdout.write(JSON.stringify(took) + "\n");
