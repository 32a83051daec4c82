/** The service as a container of its image would run it, without an image or a container runtime: Linux namespaces. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CACHED } from "../support/caches.ts";
import { type LogLine, PATIENCE_MS } from "../support/service.ts";
import { imageConfig, PROJECT, readDockerfile } from "./dockerfile.ts";

/** A file or folder of this machine, and where it is in the container. */
export interface Mount {
  readonly from: string;
  readonly at: string;
  readonly how: "rw" | "ro";
}

export interface ContainerOptions {
  /** The test's own temporary folder. */
  readonly folder: string;
  /** What the image has in its working folder. */
  readonly tree: string;
  /** Besides those of the image. */
  readonly env?: Readonly<Record<string, string>>;
  /** Besides `/tmp`, which everybody may write in, and `/dev/shm`. */
  readonly mounts?: readonly Mount[];
  /** The fake oc, found as `oc` on the image's PATH. */
  readonly oc: string;
  /** Whether nothing but the mounts can be written; without it that is as the image's own rights are. */
  readonly readOnlyRoot?: boolean;
}

/** A service in a container. It is process 1 there: the image's tini is left out, which makes it harder. */
export interface Container {
  /** The service's process id, seen from here. */
  readonly pid: number;
  /** The id of its user, seen from here: where the tests do not run as root it is theirs, and another number inside only. */
  readonly user: number;
  readonly log: readonly LogLine[];
  readonly stderr: () => string;
  /** Where it listens, as it says itself. */
  readonly url: URL;
  /** Resolves with the exit code. */
  readonly exit: Promise<number | string>;
  /** The processes of the container, seen from here. */
  processes: () => Promise<ContainerProcess[]>;
  kill: (signal: NodeJS.Signals) => void;
  /** Ends it, if need be by force. */
  close: () => Promise<void>;
}

/** One line of `/proc/<pid>/status`, for the most part. */
export interface ContainerProcess {
  readonly pid: number;
  readonly parent: number;
  /** `Z` is a zombie. */
  readonly state: string;
  readonly status: Readonly<Record<string, string>>;
}

/** A user id that no file of this machine knows, as OpenShift gives them. */
const RANDOM_USER = 1_000_650_000;

/** What the official Node image has in its environment; the Dockerfile adds to it. */
const NODE_IMAGE_ENV = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };

/** The Node that package.json names, whatever the tests run on: the image has no other. */
const NODE = fileURLToPath(new URL("node_modules/node/bin/node", PROJECT));

/** Compiled code for all containers of all runs, in place of what the image's build makes: a start takes 0.3 s of CPU instead of 0.8. */
const CODE = join(CACHED.NODE_COMPILE_CACHE, "image");

/** Starts the image's command and waits until the service listens. Rejects with what it said when it does not. */
export async function startContainer(options: ContainerOptions): Promise<Container> {
  const image = imageConfig(await readDockerfile());
  const scratch = await mkdtemp(join(options.folder, "container-"));
  const folders = { root: join(scratch, "root"), tmp: join(scratch, "tmp") };
  for (const path of Object.values(folders)) await mkdir(path);
  await chmod(folders.tmp, 0o1777);
  // The fake oc is a script that names these by their paths.
  const ocHome = join(options.oc, "..", "..");
  await openToWrite(ocHome);
  await mkdir(CODE, { recursive: true });
  await chmod(CODE, 0o1777);
  const checkout = fileURLToPath(PROJECT).replace(/\/$/, "");
  const mounts: Mount[] = [
    { from: folders.tmp, at: "/tmp", how: "rw" },
    { from: NODE, at: "/usr/local/bin/node", how: "ro" },
    { from: checkout, at: checkout, how: "ro" },
    { from: CODE, at: CODE, how: "rw" },
    { from: process.execPath, at: process.execPath, how: "ro" },
    { from: ocHome, at: ocHome, how: "rw" },
    { from: options.oc, at: "/usr/local/bin/oc", how: "ro" },
    { from: options.tree, at: image.workdir, how: "ro" },
    ...options.mounts ?? [],
  ];
  // In a file: Deno changes an argument that is its own path.
  const list = join(scratch, "mounts");
  await writeFile(list, mounts.map(({ from, at, how }) => `${from}\t${at}\t${how}\n`).join(""));
  const env = { ...NODE_IMAGE_ENV, ...image.env, NODE_COMPILE_CACHE: CODE, ...options.env };
  const self = process.getuid?.() ?? 0;
  const child: ChildProcess = spawn("unshare", [
    ...(self === 0 ? [] : ["--map-root-user"]),
    ...["--mount", "--pid", "--fork"],
    ...["sh", fileURLToPath(new URL("container.sh", import.meta.url))],
    ...[folders.root, options.readOnlyRoot ? "ro" : "rw", list],
    ...[String(RANDOM_USER), image.workdir],
    ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
    ...image.command,
  ], { stdio: ["ignore", "pipe", "pipe"] });
  const log: LogLine[] = [];
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => stderr += text);
  const exit = once(child, "exit").then(([code, signal]) => (code ?? signal) as number | string);
  // Process 1 and with it all of them, then unshare. (Its own way of doing so is off once the user id has changed.)
  const close = async () => {
    for (const pid of await childrenOf(child)) process.kill(pid, "SIGKILL");
    child.kill("SIGKILL");
    await exit;
  };
  const url = await listening(child, exit, log, () => stderr).catch(async (error) => {
    await close();
    throw error;
  });
  const [pid] = await childrenOf(child);
  if (pid === undefined) throw new Error("the container has no process");
  return {
    pid,
    user: self === 0 ? RANDOM_USER : self,
    log,
    url,
    exit,
    stderr: () => stderr,
    processes: () => processesBelow(pid),
    kill: (signal) => void process.kill(pid, signal),
    close,
  };
}

function listening(
  { stdout }: ChildProcess,
  exit: Promise<number | string>,
  log: LogLine[],
  stderr: () => string,
): Promise<URL> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`the service does not listen: ${stderr()}`));
    const timer = setTimeout(late, PATIENCE_MS);
    if (!stdout) throw new Error("no stdout");
    createInterface(stdout).on("line", (text) => {
      const line = JSON.parse(text) as LogLine;
      log.push(line);
      if (line.event !== "service listens") return;
      clearTimeout(timer);
      resolve(new URL(String(line["url"])));
    });
    void exit.then((code) => {
      clearTimeout(timer);
      reject(new Error(`the service ended with ${code}: ${stderr()}`));
    });
  });
}

async function openToWrite(path: string): Promise<void> {
  await promisify(execFile)("chmod", ["-R", "a+rwX", path]);
}

async function allProcesses(): Promise<ContainerProcess[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const read = await Promise.all(pids.map(async (pid) => {
    const text = await readFile(`/proc/${pid}/status`, "utf8").catch(() => ""); // it has ended since
    const status = Object.fromEntries(text.split("\n").map((line) => line.split(/:\s*/, 2)));
    return {
      pid: Number(pid),
      parent: Number(status["PPid"]),
      state: String(status["State"]).slice(0, 1),
      status,
    };
  }));
  return read.filter(({ parent }) => parent >= 0);
}

async function childrenOf({ pid }: ChildProcess): Promise<number[]> {
  return (await allProcesses()).filter(({ parent }) => parent === pid).map((one) => one.pid);
}

async function processesBelow(first: number): Promise<ContainerProcess[]> {
  const all = await allProcesses();
  const found = all.filter(({ pid }) => pid === first);
  for (const one of found) found.push(...all.filter(({ parent }) => parent === one.pid));
  return found;
}
