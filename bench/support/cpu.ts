/** What a process has used of processors and memory, as Linux tells it. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** A process that uses less than this between two looks is idle: milliseconds. */
const IDLE_MS = 5;
const LOOK_MS = 300;
const LOOKS = 100;

/**
 * The processor time of all threads of a process that still run, in milliseconds, to the nanosecond: the scheduler counts it, so
 * that waiting for a busy machine is not in it.
 */
export async function cpuMs(pid: number): Promise<number> {
  const tasks = `/proc/${pid}/task`;
  const times = (await readdir(tasks)).map(async (task) => {
    const text = await readFile(`${tasks}/${task}/schedstat`, "utf8").catch(() => "0");
    return Number(text.split(" ")[0]);
  });
  return (await Promise.all(times)).reduce((sum, time) => sum + time, 0) / 1e6;
}

/** What the main thread had of processors, and how long it was ready to run and had none: milliseconds. */
export async function mainThreadMs(pid: number): Promise<{ ran: number; waited: number }> {
  const text = await readFile(`/proc/${pid}/task/${pid}/schedstat`, "utf8");
  const [ran = NaN, waited = NaN] = text.split(" ").map((ns) => Number(ns) / 1e6);
  return { ran, waited };
}

/** Waits until a process has nothing to do any more, at most half a minute: what a gather leaves behind is cleared after its end. */
export async function settled(pid: number): Promise<void> {
  let before = await cpuMs(pid);
  for (let look = 0; look < LOOKS; look++) {
    await sleep(LOOK_MS);
    const now = await cpuMs(pid);
    if (now - before < IDLE_MS) return;
    before = now;
  }
}

/** The processor time of a process and of the children that it has waited for, in milliseconds, to the clock tick (10 ms). */
export async function familyCpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * 10;
}

/** Resident memory now, or the highest there was since {@linkcode resetPeak}: bytes. */
export async function memory(pid: number, what: "now" | "peak"): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const name = what === "now" ? "VmRSS" : "VmHWM";
  return Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? NaN) * 1024;
}

/** Makes what it has now the highest there was (`clear_refs` of Linux). Rejects where the process is somebody else's. */
export async function resetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, "5");
}
