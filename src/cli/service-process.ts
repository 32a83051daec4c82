/** A service of our own: started for one gather and ended after it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseDuration } from "../duration.ts";
import { ownProgram, signal as sendSignal } from "../runtime.ts";
import { TOKEN_VARIABLE } from "./arguments.ts";
import { Failure } from "./errors.ts";
import { printable } from "./text.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

/** It listens after about a second; on a slow machine with a long journal later. Milliseconds. */
const START_MS = 60_000;

/** How often it is looked whether it listens. Milliseconds. */
const LOOK_MS = 25;

/** The service's own default for all of a shutdown, and what it gets beyond that before it is killed. Milliseconds. */
const DRAIN_MS = 25_000;
const BEYOND_DRAIN_MS = 10_000;

/** How long one that was told twice is waited for: it goes on ending by itself. Milliseconds. */
const HURRY_MS = 3000;

export type Environment = Readonly<Record<string, string | undefined>>;

/** A service that this process has started. */
export interface OwnService {
  /** Where it listens, as it says itself. */
  url: string;
  /** Aborts when it has ended; the reason is a {@linkcode Failure} with its last words. */
  ended: AbortSignal;
  /**
   * Ends it with SIGTERM, at the latest with SIGKILL after its own time for it. Never rejects.
   *
   * @param hurry tells it once more, and lets it end by itself
   */
  stop: (hurry: AbortSignal) => Promise<void>;
}

/**
 * Starts the service and waits until it listens. Rejects with {@linkcode Failure} and the service's own words when it does not,
 * and with the signal's reason; none is left behind then.
 *
 * Its output goes to files, not to us: it must be able to end in good order when we are gone. It leads a process group of its
 * own, so a Ctrl-C in the terminal reaches only us.
 */
export async function startService(
  env: Environment,
  cwd: string,
  signal: AbortSignal,
): Promise<OwnService> {
  const folder = await mkdtemp(join(tmpdir(), "must-gather-client-"));
  const [outPath, errorPath] = [join(folder, "stdout"), join(folder, "stderr")];
  const [out, errors] = await Promise.all([open(outPath, "a"), open(errorPath, "a")]);
  const { [TOKEN_VARIABLE]: _token, ...childEnv } = env;
  const { program, args } = ownProgram(MAIN);
  const child = spawn(program, args, {
    cwd,
    env: childEnv,
    detached: true,
    stdio: ["ignore", out.fd, errors.fd],
  });
  const ended = new AbortController();
  const exit = once(child, "exit").catch((error: Error) => [error.message]).then(async ([how]) => {
    process.off("exit", lastResort);
    const words = await readFile(errorPath, "utf8").catch(() => "");
    await rm(folder, { recursive: true, force: true });
    const said = words.trim().split("\n").slice(-3).map((line) => printable(line).slice(0, 500));
    ended.abort(new Failure(`The service ended: ${said.join(" ") || how}`));
  });
  const pid = child.pid;
  function lastResort(): void {
    if (pid !== undefined) void sendSignal(pid, "SIGTERM", "process");
  }
  process.on("exit", lastResort);
  await Promise.all([out.close(), errors.close()]);

  async function stop(hurry: AbortSignal): Promise<void> {
    if (pid === undefined || ended.signal.aborted) return;
    await sendSignal(pid, "SIGTERM", "process");
    const drainMs = parseDuration(env["DRAIN_GRACE"] ?? "") ?? DRAIN_MS;
    await until(exit, drainMs + BEYOND_DRAIN_MS, hurry);
    if (ended.signal.aborted) return;
    await sendSignal(pid, hurry.aborted ? "SIGTERM" : "SIGKILL", "process");
    await until(exit, HURRY_MS);
    child.unref();
  }

  try {
    const url = await listening(outPath, AbortSignal.any([signal, ended.signal]));
    return { url, ended: ended.signal, stop };
  } catch (error) {
    await stop(new AbortController().signal);
    throw error;
  }
}

/** The address in the service's log, once it is there. */
async function listening(path: string, signal: AbortSignal): Promise<string> {
  const giveUpAt = performance.now() + START_MS;
  while (performance.now() < giveUpAt) {
    const log = await readFile(path, "utf8").catch(() => "");
    const line = log.split("\n").find((line) => line.includes('"event":"service listens"'));
    if (line?.endsWith("}")) return (JSON.parse(line) as { url: string }).url;
    signal.throwIfAborted();
    await sleep(LOOK_MS);
  }
  throw new Failure(`The service does not listen after ${START_MS / 1000} s`);
}

/** Resolves when `done` does, after `ms`, or when the signal aborts. */
async function until(done: Promise<unknown>, ms: number, signal?: AbortSignal): Promise<void> {
  const over = new AbortController();
  const either = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
  await Promise.race([done, sleep(ms, undefined, { signal: either }).catch(() => {})]);
  over.abort();
}
