/**
 * The one file that knows Node from Deno: how to start one of our own programs, how to signal a process group, and how to
 * tell one process from a later one with the same id.
 */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { readdir, readFile, readlink, realpath } from "node:fs/promises";
import { createConnection, createServer } from "node:net";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf } from "./errors.ts";

/** A signal that ends a process. */
export type EndingSignal = "SIGINT" | "SIGTERM" | "SIGKILL";

const isDeno = "Deno" in globalThis;

/** Whether `/proc` is there to be read: where it is not, a file missing in it says nothing of a process. */
const hasProc = process.platform === "linux" && !isDeno;

/** The runtime the service is on, and its version. */
export const runtime = {
  name: isDeno ? "deno" : "node",
  version: (isDeno ? process.versions.deno : process.versions.node) ?? "unknown",
} as const;

/**
 * How many jobs may be given to the runtime's thread pool and leave two threads for reading files and names: Node has four
 * threads unless UV_THREADPOOL_SIZE says otherwise, Deno as many as it needs.
 */
export function spareThreads(): number {
  if (isDeno) return Infinity;
  const size = Number(process.env.UV_THREADPOOL_SIZE) || 4;
  return Math.max(1, size - 2);
}

/** Says where the runtime keeps what it made of sources: with that a program of ours starts with half the CPU. */
const CACHE = isDeno ? "DENO_DIR" : "NODE_COMPILE_CACHE";

/** What starts a program of our own, a `.ts` file, on the runtime that we are on, and what of our environment it is faster with. */
export function ownProgram(
  script: string,
): { program: string; args: string[]; env: Record<string, string> } {
  const cache = process.env[CACHE];
  return {
    program: process.execPath,
    args: [...isDeno ? ["run", "--no-prompt", "-A"] : [], script],
    env: cache === undefined ? {} : { [CACHE]: cache },
  };
}

/** `ps` and `kill` answer in milliseconds; one that takes longer than this is not waited for. */
const PROGRAM_TIMEOUT_MS = 5000;

/** Runs a small program and gives what it printed; undefined when it is not there, fails or takes too long. */
function ask(program: string, args: string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = {
      timeout: PROGRAM_TIMEOUT_MS,
      maxBuffer: 4 * 1024 * 1024, // 100,000 processes in a `ps` listing
      env: { PATH: process.env.PATH, LC_ALL: "C", TZ: "UTC" },
    };
    try {
      execFile(program, args, options, (error, stdout) => resolve(error ? undefined : stdout));
    } catch {
      resolve(undefined); // it may not be run, or there is no memory for it
    }
  });
}

/**
 * Signals one process (`target` is its id) or a whole group (`group`: the id of its leader).
 *
 * Resolves to whether somebody was there to be signalled. Deno asks for the right to run anything before it lets
 * `process.kill()` go; the `kill` program needs only itself allowed.
 */
export async function signal(
  pid: number,
  signal: EndingSignal | 0,
  whom: "process" | "group",
): Promise<boolean> {
  const target = whom === "group" ? -pid : pid;
  if (isDeno) {
    const name = signal === 0 ? "-0" : `-${signal.slice(3)}`;
    return await ask("kill", [name, "--", String(target)]) !== undefined;
  }
  try {
    process.kill(target, signal);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

/**
 * Whether anybody of a process group is alive. Zombies are not: as process 1 of a container nobody reaps them, and they
 * answer to signals for ever.
 */
export async function groupIsAlive(pgid: number): Promise<boolean> {
  if (!await signal(pgid, 0, "group")) return false;
  const listing = await ask("ps", ["-A", "-o", "pgid=,stat="]);
  if (listing === undefined) return true; // without `ps`, what can be signalled counts as alive
  return listing.split("\n").some((line) => {
    const [group, state] = line.trim().split(/\s+/);
    return group === String(pgid) && state !== undefined && !state.startsWith("Z");
  });
}

/** Of this boot of the machine; read once. */
let boot: string | undefined;

/**
 * When a process started, as a text to compare with an earlier one; undefined when there is no such process.
 *
 * From `/proc` (boot and clock ticks since) where that can be read, else from `ps` (a second's resolution).
 */
export async function processStart(pid: number): Promise<string | undefined> {
  try {
    // Read at once: the kernel has them in memory, and through libuv's pool they cost twenty times as much.
    boot ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in brackets, may hold anything; state is the first field behind it, the start time the 20th.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : `${boot}:${fields[19]}`;
  } catch (error) {
    if (codeOf(error) === "ENOENT" && hasProc) return undefined;
  }
  const started = (await ask("ps", ["-o", "lstart=", "-p", String(pid)]))?.trim();
  return started ? `ps:${started}` : undefined;
}

/** So often an empty environment is looked at again, and the pause between: milliseconds. Nobody needs that long to become a program. */
const ENVIRONMENT_LOOKS = 10;
const ENVIRONMENT_PAUSE_MS = 20;

/**
 * The process groups of which somebody works in a folder or below it and was started with `home` as its HOME: a person who looks into
 * the folder has another. Told by `/proc`; none where that cannot be read (macOS, Deno with few permissions).
 */
export async function groupsWorkingIn(folder: string, home: string): Promise<number[]> {
  const groups = new Set<number>();
  const follow = (path: string) => realpath(path).catch(() => path);
  const [real, realHome] = await Promise.all([follow(folder), follow(home)]); // as the links of /proc have it
  for (const name of await readdir("/proc").catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const cwd = await readlink(`/proc/${name}/cwd`);
      if (cwd !== real && !cwd.startsWith(`${real}/`)) continue;
      const environment = await environmentOf(name);
      const itsHome = environment.split("\0").find((each) => each.startsWith("HOME="))?.slice(5);
      if (!itsHome || await follow(itsHome) !== realHome) continue;
      const stat = await readFile(`/proc/${name}/stat`, "utf8");
      groups.add(Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]));
    } catch {
      // it has ended, or is somebody else's
    }
  }
  return [...groups];
}

/** The environment of a process as `/proc` has it. One that is just becoming another program shows none for a moment. */
async function environmentOf(pid: string): Promise<string> {
  for (let look = 1;; look++) {
    const environment = await readFile(`/proc/${pid}/environ`, "utf8");
    if (environment !== "" || look === ENVIRONMENT_LOOKS) return environment;
    await sleep(ENVIRONMENT_PAUSE_MS);
  }
}

/** Somebody who listens on a unix socket, and lets go of whoever connects. */
export interface LocalListener {
  /** Stops listening; resolves when that is over. The socket's file goes too. */
  close: () => Promise<void>;
}

/** What is used of Deno's own way: its `node:net` closes the descriptors of unix sockets twice, and with it those of others (2.9). */
interface DenoLocal {
  listen: (options: { path: string; transport: "unix" }) => {
    accept: () => Promise<{ close: () => void }>;
    close: () => void;
    ref: () => void;
    unref: () => void;
  };
  connect: (options: { path: string; transport: "unix" }) => Promise<{ close: () => void }>;
}

const denoLocal = (globalThis as { Deno?: DenoLocal }).Deno;

/** Between two guests when one could not be taken: milliseconds. */
const GUEST_PAUSE_MS = 100;

/** Listens on a unix socket. It keeps no process alive. Rejects with the system's error. */
export async function listenLocally(path: string): Promise<LocalListener> {
  if (!denoLocal) {
    const server = createServer((socket) => socket.on("error", () => {}).destroy());
    server.listen(path);
    await once(server, "listening");
    server.unref();
    return { close: () => new Promise((resolve) => server.close(() => resolve())) };
  }
  const listener = denoLocal.listen({ path, transport: "unix" });
  listener.unref();
  let isOpen = true;
  const over = (async () => {
    while (isOpen) {
      try {
        (await listener.accept()).close();
      } catch { // a guest that has left already, or too many open files
        if (isOpen) await sleep(GUEST_PAUSE_MS, undefined, { ref: false });
      }
    }
  })();
  return {
    async close() {
      isOpen = false;
      listener.ref(); // what nobody holds, nobody can wait for
      listener.close();
      await over;
    },
  };
}

/** Connects to a unix socket and lets go of it at once. Rejects with the system's error. */
export async function connectLocally(path: string): Promise<void> {
  if (denoLocal) return (await denoLocal.connect({ path, transport: "unix" })).close();
  const socket = createConnection(path);
  try {
    await once(socket, "connect");
  } finally {
    socket.on("error", () => {}).destroy();
  }
}
