/**
 * Loaded into the service before all else (`--import`): counts how much processor time the main thread used between two turns of a
 * timer of 1 ms, as the scheduler tells it (at its ticks, so to some milliseconds). What a busy machine takes away is not in
 * it. At SIGUSR2 it writes what it counted to the file `BUSY_FILE`, and begins anew.
 */
import { renameSync, writeFileSync } from "node:fs";
import { createHistogram } from "node:perf_hooks";
import process from "node:process";

/** What is written: milliseconds between two turns. */
export interface Busy {
  p99: number;
  most: number;
}

const file = process.env["BUSY_FILE"];
if (file) {
  const turns = createHistogram();
  let last = process.threadCpuUsage();
  setInterval(() => {
    const { user, system } = process.threadCpuUsage(last);
    last = process.threadCpuUsage();
    turns.record(Math.max(1, user + system));
  }, 1).unref();
  process.on("SIGUSR2", () => {
    const busy: Busy = { p99: turns.percentile(99) / 1000, most: turns.max / 1000 };
    turns.reset();
    writeFileSync(`${file}.new`, JSON.stringify(busy));
    renameSync(`${file}.new`, file);
  });
}
