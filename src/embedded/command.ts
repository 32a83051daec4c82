import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import os from "node:os";
import process from "node:process";
import type { Readable } from "node:stream";
import { reasonOf } from "./collector.ts";
import { Lines } from "./lines.ts";
import { killGroup, leadsItsGroup } from "./process-group.ts";

/** After a command ended its pipes are read on for this long, in milliseconds: what it printed may still be in them. */
const PIPE_GRACE = 500;

/** How a program ends that SIGKILL ended, as a shell tells it. */
const KILLED = 128 + 9;

/** Where bash is looked for; `sh` stands in where it is nowhere. */
function shell(path: string): string {
  const folders = [...path.split(":").filter(Boolean), "/bin", "/usr/bin"];
  return folders.map((folder) => `${folder}/bash`).find((program) => existsSync(program)) ?? "sh";
}

/**
 * Runs the words of a command as oc's pod does: joined by blanks, by `bash -c "<words>; sync"`. Resolves to its exit code,
 * 128 and the signal's number when a signal ended it, as it does when `stop` is aborted.
 *
 * When it ends everything that it started ends, as it would with the pod. It runs in our own process group when we lead
 * one, so that whoever ends that group ends the command too, even if we cannot any more.
 *
 * @param folder its working folder, and what the variable SOURCE_DIR says
 * @param tell is given each line that it prints, and is waited for
 */
export async function runCommand(options: {
  words: readonly string[];
  folder: string;
  env: Readonly<Record<string, string | undefined>>;
  stop: AbortSignal;
  tell: (line: string) => void;
  drained: () => Promise<void>;
}): Promise<number> {
  const { words, folder, env, stop, tell, drained } = options;
  if (stop.aborted) return KILLED;
  const detached = !leadsItsGroup();
  const child = spawn(shell(env.PATH ?? ""), ["-c", `${words.join(" ")}; sync`], {
    cwd: folder,
    env: { ...env, SOURCE_DIR: folder },
    stdio: ["ignore", "pipe", "pipe"],
    detached,
  });
  const group = detached ? child.pid : process.pid;
  const end = (): void => {
    if (group !== undefined) killGroup(group);
  };
  stop.addEventListener("abort", end, { once: true });
  const read = Promise.all([
    readLines(child.stdout, tell, drained),
    readLines(child.stderr, tell, drained),
  ]);
  try {
    const code = await exitCode(child);
    end();
    const timer = setTimeout(() => {
      child.stdout.destroy();
      child.stderr.destroy();
    }, PIPE_GRACE);
    await read;
    clearTimeout(timer);
    return code;
  } finally {
    stop.removeEventListener("abort", end);
  }
}

async function exitCode(child: ChildProcess): Promise<number> {
  try {
    const [code, signal] = await once(child, "exit") as [number | null, NodeJS.Signals | null];
    return code ?? 128 + (signal === null ? 0 : os.constants.signals[signal]);
  } catch (error) {
    throw new Error(`cannot start a shell: ${reasonOf(error)}`);
  }
}

async function readLines(
  stream: Readable,
  tell: (line: string) => void,
  drained: () => Promise<void>,
): Promise<void> {
  const lines = new Lines(tell);
  try {
    for await (const piece of stream as AsyncIterable<Buffer>) {
      lines.push(piece);
      await drained();
    }
  } catch { /* destroyed: somebody beyond our reach holds the other end */ }
  lines.end();
}
