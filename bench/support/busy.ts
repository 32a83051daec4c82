/**
 * Loaded into the service before all else (`--import`): at its end writes to the file `BUSY_FILE` for how many milliseconds of processor
 * time the main thread was busy, at most, between two turns of a timer of 1 ms, and how often for more than 20. What a
 * busy machine takes away is not in it.
 */
import { writeFileSync } from "node:fs";
import process from "node:process";

/** What is written. */
export interface Busy {
  most: number;
  over20: number;
}

const busy: Busy = { most: 0, over20: 0 };
let last = process.threadCpuUsage();
/** Loading all the modules is no request's wait: what comes before the first line of the log does not count. */
let hasStarted = false;
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = ((...args: Parameters<typeof write>) => {
  if (String(args[0]).includes("service listens")) setTimeout(() => hasStarted = true, 500).unref();
  return write(...args);
}) as typeof write;
setInterval(() => {
  const used = process.threadCpuUsage(last);
  last = process.threadCpuUsage();
  const ms = (used.user + used.system) / 1000;
  if (!hasStarted) return;
  busy.most = Math.max(busy.most, ms);
  if (ms > 20) busy.over20++;
}, 1).unref();
process.on("exit", () => writeFileSync(process.env["BUSY_FILE"] ?? "", JSON.stringify(busy)));
