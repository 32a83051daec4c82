/** The service as a process of its own, for measurements, with an oc that does what it is told. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { GatherRecord } from "../../src/schema/record.ts";
import { writeOc } from "./oc.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** How long a start and an end are waited for: milliseconds. */
const PATIENCE_MS = 60_000;

export type Runtime = "node" | "deno";

/** Where the runtimes keep compiled code between starts, as in the image: with the modules, so that it goes with them. */
const CACHE = fileURLToPath(new URL("../../node_modules/.cache/bench", import.meta.url));

/** What makes a runtime keep compiled code; the first start fills it when it ends. */
export function compileCache(runtime: Runtime): Record<string, string> {
  return runtime === "node" ? { NODE_COMPILE_CACHE: CACHE } : { DENO_DIR: CACHE };
}

/** How the service is started. */
export interface ServiceOptions {
  runtime?: Runtime;
  env?: Readonly<Record<string, string>>;
  /** The processor it stays on. */
  cpu?: number | undefined;
  /** A folder with what an earlier one left; it is not removed then. */
  folder?: string;
  /** Who asks, where the service wants to know. */
  token?: string;
  /** Given to the runtime before the program. */
  flags?: readonly string[];
}

/** A running service. */
export interface Service {
  port: number;
  pid: number;
  folder: string;
  /** Sends a request for a gather whose oc does what `command` says; rejects unless one was made. */
  post: (command: string, besides?: Record<string, unknown>) => Promise<GatherRecord>;
  /** Sends one and gives the status and the body. */
  send: (body: Record<string, unknown>) => Promise<{ status: number; text: string }>;
  get: (id: number) => Promise<GatherRecord>;
  /** Waits until it has ended. Rejects when that is not `completed`. */
  completed: (id: number) => Promise<GatherRecord>;
  /** Ends it and removes its folder. */
  stop: () => Promise<void>;
}

/** The runtime's command line for a program of ours. */
export function commandOf(runtime: Runtime, program: string): string[] {
  if (runtime === "node") return [process.execPath, program];
  const deno = fileURLToPath(new URL("../../node_modules/.bin/deno", import.meta.url));
  return [deno, "run", "-A", "--no-check", "--no-prompt", program];
}

/** Keeps a process that runs, and what it starts from now on, on one processor. */
export async function pin(pid: number, cpu: number): Promise<void> {
  const [code] = await once(spawn("taskset", ["-cp", String(cpu), String(pid)]), "exit");
  if (code !== 0) throw new Error(`Cannot stay on processor ${cpu}: taskset ended with ${code}`);
}

/** Starts a program, on one processor if so asked, and gives the first line it prints that `find` takes. */
export async function startProgram<T>(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  cpu: number | undefined,
  find: (line: string) => T | undefined,
): Promise<{ child: ChildProcess; found: T }> {
  const pinned = cpu === undefined ? command : ["taskset", "-c", String(cpu), ...command];
  const child = spawn(pinned[0] ?? "", pinned.slice(1), {
    env: { PATH: process.env.PATH ?? "", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (!child.stdout) throw new Error("Cannot start: there is no standard output");
  const lines = createInterface(child.stdout);
  const found = await new Promise<T>((resolve, reject) => {
    lines.on("line", (line) => {
      const good = find(line);
      if (good !== undefined) resolve(good);
    });
    child.once("exit", (code) => reject(new Error(`${command.join(" ")} ended with ${code}`)));
    AbortSignal.timeout(PATIENCE_MS).addEventListener("abort", () => reject(new Error("no start")));
  });
  return { child, found };
}

/** Ends a program that {@linkcode startProgram} started. */
export async function stopProgram(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  await exit;
  clearTimeout(timer);
}

/** Starts the service and waits until it listens. */
export async function startService(options: ServiceOptions = {}): Promise<Service> {
  const folder = options.folder ?? await mkdtemp(join(tmpdir(), "bench-service-"));
  const [program = "", ...args] = commandOf(options.runtime ?? "node", MAIN);
  const { child, found: port } = await startProgram(
    [program, ...options.flags ?? [], ...args],
    {
      HOME: folder,
      PORT: "127.0.0.1:0",
      OC: await writeOc(folder),
      WORK_PATH: join(folder, "work"),
      JOURNAL_PATH: join(folder, "journal"),
      ...compileCache(options.runtime ?? "node"),
      ...options.env,
    },
    options.cpu,
    portIn,
  );
  const bearer = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };
  const url = (path: string) => `http://127.0.0.1:${port}/must-gather${path}`;
  const service: Service = {
    port,
    pid: child.pid ?? 0,
    folder,
    async send(body) {
      const reply = await fetch(url(""), {
        method: "POST",
        headers: { "content-type": "application/json", ...bearer },
        body: JSON.stringify(body),
      });
      return { status: reply.status, text: await reply.text() };
    },
    async post(command, besides = {}) {
      const { status, text } = await service.send({ command, ...besides });
      if (status !== 201) throw new Error(`POST gave ${status}: ${text}`);
      return JSON.parse(text) as GatherRecord;
    },
    get: async (id) =>
      await (await fetch(url(`/${id}`), { headers: bearer })).json() as GatherRecord,
    async completed(id) {
      let etag = "";
      for (;;) {
        const headers = { prefer: "wait=20", ...bearer, ...(etag && { "if-none-match": etag }) };
        const reply = await fetch(url(`/${id}`), { headers });
        etag = reply.headers.get("etag") ?? "";
        if (reply.status === 304) continue;
        const record = await reply.json() as GatherRecord;
        if (record.status === "completed") return record;
        if (record.status === "error") throw new Error(`gather ${id}: ${record.message}`);
      }
    },
    async stop() {
      await stopProgram(child);
      if (!options.folder) await rm(folder, { recursive: true, force: true });
    },
  };
  return service;
}

/** Waits until a condition holds. */
export async function until(holds: () => Promise<boolean> | boolean, everyMs = 20): Promise<void> {
  while (!await holds()) await sleep(everyMs);
}

function portIn(line: string): number | undefined {
  const { event, url } = JSON.parse(line) as { event: string; url?: string };
  return event === "service listens" ? Number(new URL(url ?? "").port) : undefined;
}
