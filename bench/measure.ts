/** What a piece of work takes of the process that does nothing else. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

/** What it took. */
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

/** The delay is sampled so often, and counted over this: milliseconds. */
const RESOLUTION_MS = 1;

/** Does the work once. Rejects as it does. */
export async function measure(work: () => Promise<unknown>): Promise<Took> {
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
  await work();
  const wallMs = performance.now() - began;
  await sleep(2 * RESOLUTION_MS); // the last turn counts too
  delay.disable();
  clearInterval(ticking);
  const cpu = process.cpuUsage(before);
  return {
    wallMs,
    cpuMs: (cpu.user + cpu.system) / 1000,
    memory: process.resourceUsage().maxRSS * 1024 - idle,
    delayMs: delay.max / 1e6 - RESOLUTION_MS,
    busyMs: mostBusy / 1000,
  };
}
