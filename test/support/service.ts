/** The real service as a process of its own, for tests. */
import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { GatherRecord } from "../../src/schema/record.ts";
import { CACHED } from "./caches.ts";
import type { Documented } from "./documented.ts";
import { atEnd } from "./folder.ts";
import { programCommand } from "./self.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** How long anything here is waited for, in milliseconds: far more than it takes, so that a hang fails and does not hang. */
export const PATIENCE_MS = 30_000;

/** A line of the service's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly event: string };

/** A running service. */
export interface Service {
  readonly url: string;
  readonly pid: number;
  /** What it logged so far. */
  readonly log: readonly LogLine[];
  /** What it printed that is no log line. */
  readonly stderr: () => string;
  /** Rejects when the reply is not as the OpenAPI document says. */
  fetch: (path: string, init?: RequestInit) => Promise<Response>;
  /** POSTs a gather and gives its record. */
  start: (body: Record<string, unknown>) => Promise<GatherRecord>;
  get: (id: number | string) => Promise<GatherRecord>;
  /** Asks for a gather, each time it has changed and every second, until `when` holds of it. */
  until: (id: number | string, when: (record: GatherRecord) => boolean) => Promise<GatherRecord>;
  /** Asks until it has ended. */
  ended: (id: number | string) => Promise<GatherRecord>;
  /** Sends a signal. */
  kill: (signal: NodeJS.Signals) => void;
  /** Resolves with its exit code, or the signal that ended it. */
  exit: Promise<number | string>;
  /** SIGTERM, and waits for the end. */
  stop: () => Promise<number | string>;
}

/** A place for a service's files, which outlives the process. */
export interface Place {
  folder: string;
  env: Record<string, string>;
  remove: () => Promise<void>;
}

/** Makes folders for a service. */
export async function makePlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "mg-"));
  return {
    folder,
    env: {
      PORT: "127.0.0.1:0",
      WORK_PATH: join(folder, "work"),
      JOURNAL_PATH: join(folder, "journal"),
      STOP_GRACE: "500ms",
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

let loading: Promise<Documented> | undefined;

/** The document that replies are held against, loaded with the first of them. */
function documented(): Promise<Documented> {
  return loading ??= import("./documented.ts").then(({ Documented }) => new Documented());
}

/** Starts the service's process in a place, for what is seen before it listens, or of its streams. */
export function spawnService(
  place: Place,
  env: Record<string, string>,
  stdio: StdioOptions,
): ChildProcess {
  const [program, args] = programCommand(MAIN);
  return spawn(program, args, {
    env: { PATH: process.env.PATH ?? "", HOME: place.folder, ...CACHED, ...place.env, ...env },
    stdio,
  });
}

/** One whose standard output is read; it is ended with the test at the latest. `exit` is its exit code or the signal. */
export function watchService(t: TestContext, place: Place, env: Record<string, string>) {
  const child = spawnService(place, env, ["ignore", "pipe", "ignore"]);
  const { stdout, pid = 0 } = child;
  if (!stdout) throw new Error("no stdout");
  const exit = once(child, "exit").then(([code, signal]) => (code ?? signal) as number | string);
  let alive = true;
  void exit.then(() => alive = false);
  atEnd(t, () => void (alive && process.kill(pid, "SIGKILL")));
  let said = "";
  stdout.setEncoding("utf8").on("data", (text: string) => said += text);
  return { pid, stdout, exit, said: () => said };
}

/** Starts the service in a place and waits until it listens. Throws with what it said when it does not. */
export async function startService(
  place: Place,
  env: Record<string, string> = {},
): Promise<Service> {
  const child = spawnService(place, env, ["ignore", "pipe", "pipe"]);
  const log: LogLine[] = [];
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => stderr += text);
  const exit = once(child, "exit").then(([code, signal]) => (code ?? signal) as number | string);
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(child.pid, "SIGKILL");
      reject(new Error(`service does not listen: ${stderr}`));
    }, PATIENCE_MS);
    if (!child.stdout) throw new Error("no stdout");
    createInterface(child.stdout).on("line", (text) => {
      let line: LogLine;
      try {
        line = JSON.parse(text) as LogLine;
      } catch {
        stderr += `not JSON: ${text}\n`;
        return;
      }
      log.push(line);
      if (line.event === "service listens") {
        clearTimeout(timer);
        resolve(String(line["url"]));
      }
    });
    void exit.then((code) => {
      clearTimeout(timer);
      reject(new Error(`service ended with ${code}: ${stderr}`));
    });
  });

  let running = true;
  void exit.then(() => running = false);
  // Not `child.kill()`: on Deno that loses the exit code.
  const kill = (signal: NodeJS.Signals) => {
    if (running && child.pid !== undefined) process.kill(child.pid, signal);
  };

  const service: Service = {
    url,
    pid: child.pid ?? 0,
    log,
    stderr: () => stderr,
    async fetch(path, init) {
      const to = new URL(path, url);
      const reply = await fetch(to, { signal: AbortSignal.timeout(PATIENCE_MS), ...init });
      await (await documented()).check(init?.method ?? "GET", to, reply);
      return reply;
    },
    async start(body) {
      const reply = await service.fetch("must-gather", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      const text = await reply.text();
      if (reply.status !== 201 && reply.status !== 200) throw new Error(`${reply.status}: ${text}`);
      return JSON.parse(text) as GatherRecord;
    },
    async get(id) {
      const reply = await service.fetch(`must-gather/${encodeURIComponent(id)}`);
      const text = await reply.text();
      if (reply.status !== 200) throw new Error(`${reply.status}: ${text}`);
      return JSON.parse(text) as GatherRecord;
    },
    async until(id, when) {
      const deadline = performance.now() + PATIENCE_MS;
      for (let [etag, state] = ["", ""];;) {
        const reply = await service.fetch(`must-gather/${encodeURIComponent(id)}`, {
          headers: etag === "" ? {} : { "if-none-match": etag, prefer: "wait=1" },
        });
        const text = await reply.text();
        if (reply.status === 200) {
          const record = JSON.parse(text) as GatherRecord;
          if (when(record)) return record;
          [etag, state] = [reply.headers.get("etag") ?? "", record.state];
        } else if (reply.status !== 304) throw new Error(`${reply.status}: ${text}`);
        if (performance.now() > deadline) {
          throw new Error(`gather ${id} stays ${state}: ${JSON.stringify(log.slice(-5))}`);
        }
      }
    },
    ended: (id) => service.until(id, ({ status }) => status === "completed" || status === "error"),
    kill,
    exit,
    async stop() {
      kill("SIGTERM");
      const timer = setTimeout(() => kill("SIGKILL"), PATIENCE_MS);
      const code = await exit;
      clearTimeout(timer);
      return code;
    },
  };
  return service;
}
