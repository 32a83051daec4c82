/** What a process uses, as Linux tells it. */
import { readFile, writeFile } from "node:fs/promises";
export { residentBytes } from "../support/process-use.ts";

/** Clock ticks a second in `/proc/<pid>/stat`: USER_HZ, 100 on all machines that Linux runs on. */
const TICKS = 100;

/** CPU time that a process has used, its children aside: milliseconds. */
export async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 1000 / TICKS;
}

/** The most memory that a process had in use since it started or since {@linkcode forgetPeak}, in bytes. */
export async function peakBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** Begins to look for the peak anew. */
export async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, "5");
}
