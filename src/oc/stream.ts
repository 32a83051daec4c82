/** A run of oc whose standard output is a stream of bytes, in a process group of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { groupIsAlive, signal as send } from "../runtime.ts";

/** How oc is started. */
export interface OcProgram {
  program: string;
  /** Arguments before all others: those that start a program of our own. */
  prefix: readonly string[];
  env: Readonly<Record<string, string>>;
}

/** How a streaming oc ended. */
export type OcEnd = Readonly<{ code: number | null; stderr: string }>;

export interface OcStream {
  /** What it prints; to be read to the end or destroyed. */
  stdout: Readable;
  /** Never rejects: `code` is null where a signal ended it, or it could not be started; then `stderr` says why. */
  ended: Promise<OcEnd>;
  /** Ends it and all of its group; `ended` comes within 5 s then. Does nothing when it has ended. */
  kill: () => void;
}

/** What is kept of the newest on standard error, bytes: tar tells of every file that changed, and the reason comes last. */
const KEPT_STDERR = 8 * 1024;

/** How long the end of a killed process, of its group and of its standard error is waited for: a few ms if the system is not stuck. */
const LONGEST_END_MS = 5000;

/** Between two looks whether the rest of its group is dead, milliseconds. */
const LOOK_MS = 10;

/** Starts oc. What it leaves in its group when it ends is killed, and all of it when `signal` aborts. */
export function streamOc(
  args: readonly string[],
  { program, prefix, env }: OcProgram,
  signal: AbortSignal,
): OcStream {
  const { promise: ended, resolve } = Promise.withResolvers<OcEnd>();
  let child: ChildProcess;
  try {
    child = spawn(program, [...prefix, ...args], {
      env: { ...env },
      detached: true, // a process group of its own, so that all of it can be ended
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (error) {
    return { stdout: Readable.from([]), ended: Promise.resolve(unstarted(error)), kill: () => {} };
  }
  const { pid } = child;
  const stdout = child.stdout ?? Readable.from([]);
  const newest = new Newest(child.stderr ?? Readable.from([]));

  let timer: ReturnType<typeof setTimeout> | undefined;
  let isEnding = false;
  let isOver = false;
  const end = (outcome: () => OcEnd): void => {
    isEnding = isOver = true;
    clearTimeout(timer);
    signal.removeEventListener("abort", kill);
    child.stderr?.destroy();
    resolve(outcome());
  };
  const endSoon = (code: number | null): void => {
    clearTimeout(timer);
    timer = setTimeout(end, LONGEST_END_MS, () => ({ code, stderr: newest.text }));
  };
  const kill = (): void => {
    if (pid === undefined || isEnding) return;
    endSoon(null);
    void send(pid, "SIGKILL", "group");
  };
  child.once("error", (error) => {
    if (pid !== undefined) return; // a signal that did not reach it; its end is told by `exit`
    stdout.destroy();
    end(() => unstarted(error));
  });
  child.once("exit", async (code) => {
    if (pid === undefined || isEnding) return;
    isEnding = true;
    endSoon(code);
    // Whoever is left in the group holds the pipes open, and dies a moment after it is killed. What is in the pipes stays.
    while (!isOver && await groupIsAlive(pid)) {
      await send(pid, "SIGKILL", "group");
      await sleep(LOOK_MS);
    }
    await newest.read;
    end(() => ({ code, stderr: newest.text }));
  });
  signal.addEventListener("abort", kill);
  if (signal.aborted) kill();
  return { stdout, ended, kill };
}

/** Reads a stream to its end and keeps the newest of it. */
class Newest {
  #kept = Buffer.alloc(0);
  /** Resolves when the stream has ended. */
  readonly read: Promise<void>;

  constructor(stream: Readable) {
    stream.on("data", (piece: Buffer) => {
      this.#kept = Buffer.concat([this.#kept, piece]).subarray(-KEPT_STDERR);
    });
    stream.on("error", () => {});
    this.read = new Promise((resolve) => stream.once("close", resolve));
  }

  get text(): string {
    return this.#kept.toString("utf8");
  }
}

function unstarted(error: unknown): OcEnd {
  const why = error instanceof Error ? error.message : String(error);
  return { code: null, stderr: `oc cannot be started: ${why}` };
}
