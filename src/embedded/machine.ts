import { readdir } from "node:fs/promises";
import os from "node:os";
import process from "node:process";
import type { Context, Source } from "./collector.ts";
import { readPart } from "./file.ts";

/** A source of our own making, described by a sentence. */
export function made(how: string, make: (context: Context) => string | Promise<string>): Source {
  return { how, take: async (context) => ({ text: await make(context) }) };
}

/** The release of the operating system as its maker writes it, or what the kernel says when it does not. */
export async function operatingSystem(): Promise<string> {
  try {
    const { text } = await readPart("/etc/os-release", 16 * 1024, "head");
    const name = /^PRETTY_NAME="?([^"\n]+)"?$/m.exec(text)?.[1];
    if (name !== undefined) return name;
  } catch { /* no such file, as on macOS */ }
  return `${os.type()} ${os.release()}`;
}

/** What the runtime tells of the machine, as JSON. */
export function machineFacts(): string {
  const cpus = os.cpus();
  const facts = {
    hostname: os.hostname(),
    platform: os.platform(),
    architecture: os.arch(),
    kernel: `${os.type()} ${os.release()}`,
    version: os.version(),
    processors: cpus.length,
    "processor-model": cpus[0]?.model ?? "",
    "memory-bytes": os.totalmem(),
    "memory-free-bytes": os.freemem(),
    "load-average": os.loadavg(),
    "uptime-seconds": Math.round(os.uptime()),
    "time-zone": Intl.DateTimeFormat().resolvedOptions().timeZone,
    "temporary-folder": os.tmpdir(),
  };
  return JSON.stringify(facts, null, 2) + "\n";
}

/** The runtime that the gatherer itself is on. */
export function runtimeFacts(): string {
  const facts = {
    program: process.execPath,
    versions: process.versions,
    "process-id": process.pid,
    "user-id": process.getuid?.() ?? null,
    "group-id": process.getgid?.() ?? null,
    "working-folder": process.cwd(),
    "memory-bytes": process.memoryUsage(),
  };
  return JSON.stringify(facts, null, 2) + "\n";
}

/** The names of environment variables, one a line: their values may be secrets. */
export function environmentNames(context: Context): string {
  return Object.keys(context.env).sort().join("\n") + "\n";
}

/** The files of a cgroup that bound or count something; of version 1 and 2. */
const CGROUP_FILE =
  /^(?:cpu\.(?:max|stat|weight|pressure|cfs_\w+)|memory\.(?:max|high|current|peak|swap\.\w+|events|stat|pressure|limit_in_bytes|usage_in_bytes|max_usage_in_bytes|failcnt)|pids\.(?:max|current|events)|io\.(?:max|stat|pressure)|cpuset\.cpus(?:\.effective)?)$/;

/** The bounds and counters of the cgroups that this process is in, and of those above them. */
export async function cgroups(): Promise<string> {
  const { text: own } = await readPart("/proc/self/cgroup", 64 * 1024, "head");
  const parts = [`# /proc/self/cgroup\n${own}`];
  for (const folder of cgroupFolders(own)) {
    const names = await readdir(folder).catch(() => [] as string[]);
    for (const name of names.filter((name) => CGROUP_FILE.test(name)).sort()) {
      const path = `${folder}/${name}`;
      const text = await readPart(path, 64 * 1024, "head").then(
        (taken) => taken.text.trimEnd(),
        (error: Error) => `(${error.message})`,
      );
      parts.push(`# ${path}\n${text}\n`);
    }
  }
  return parts.join("\n");
}

/** The folders of the cgroups in a `/proc/self/cgroup` and of all above them, each once. */
function cgroupFolders(own: string): string[] {
  const folders = new Set<string>();
  for (const line of own.split("\n")) {
    const [, controllers, path] = line.split(":");
    if (controllers === undefined || path === undefined || path.includes("..")) continue;
    const root = controllers === "" ? "/sys/fs/cgroup" : `/sys/fs/cgroup/${controllers}`;
    const steps = path.split("/").filter(Boolean).slice(0, 32);
    for (let length = steps.length; length >= 0; length--) {
      folders.add([root, ...steps.slice(0, length)].join("/"));
    }
  }
  return [...folders];
}
