import { Buffer } from "node:buffer";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Release } from "./release.ts";
import type { Scenario } from "./scenarios.ts";

/**
 * A folder is all that the processes of one pretended oc share. Files are only ever created whole or
 * appended to in one write, so no lock is needed, whatever is killed when.
 */
export interface State {
  folder: string;
  config: Config;
}

/** What a test chose for all of its processes. */
export interface Config {
  release: Release;
  /** How many times faster than recorded. */
  speed: number;
  /** Scenarios by a part of the image's name; they win over the ones known here. */
  scenarios: Record<string, Scenario>;
  /** The tokens that the cluster knows; `null` is any. */
  tokens: string[] | null;
}

/** How a command fails when a test asks for it. */
export type Failure =
  | "forbidden"
  | "unauthorized"
  | "timeout"
  | "refused"
  | "server-error"
  | "slow"
  | "hang";

/** What the pretended oc keeps book of, one JSON line each. */
export type Event =
  | Invocation
  | { type: "phase"; pid: number; at: number; phase: string }
  | { type: "held"; pid: number; at: number; gate: string }
  | { type: "signal"; pid: number; at: number; signal: string }
  | { type: "child"; pid: number; at: number; parent: number; role: string }
  | { type: "end"; pid: number; at: number; code: number };

/** One start of oc. */
export interface Invocation {
  type: "start";
  pid: number;
  /** Milliseconds since the epoch. */
  at: number;
  /** The words behind `oc`. */
  argv: string[];
  /** The names, not the values, of the environment that oc was given (PWD, which a shell sets, aside). */
  env: string[];
  cwd: string;
  kubeconfig: "readable" | "unreadable" | "unset";
  /** Permissions of the kubeconfig, such as `600`. */
  kubeconfigMode: string;
  /** The server that the kubeconfig names. */
  server: string;
  /** SHA-256, hexadecimal, of the token in the kubeconfig; empty where there is none. */
  tokenDigest: string;
}

/** Opens the folder that `createFakeOc` has made. Throws when it is not there. */
export function openState(folder: string): State {
  return { folder, config: JSON.parse(fs.readFileSync(path.join(folder, "config.json"), "utf8")) };
}

/** Appends one event. A folder that is gone is no error: the test is over. */
export function record(state: State, event: Event): void {
  try {
    fs.appendFileSync(path.join(state.folder, "events.jsonl"), `${JSON.stringify(event)}\n`);
  } catch { /* the test has removed the folder */ }
}

/** The events so far, in the order in which they came. Each is read once: who waits for one looks often. */
export class Events {
  readonly #file: string;
  readonly #read: Event[] = [];
  #bytes = 0;

  constructor(folder: string) {
    this.#file = path.join(folder, "events.jsonl");
  }

  all(): readonly Event[] {
    const size = fs.statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0;
    if (size > this.#bytes) this.#readOn(size);
    return this.#read;
  }

  #readOn(size: number): void {
    const piece = Buffer.alloc(size - this.#bytes);
    const file = fs.openSync(this.#file, "r");
    try {
      fs.readSync(file, piece, 0, piece.length, this.#bytes);
    } finally {
      fs.closeSync(file);
    }
    const lines = piece.subarray(0, piece.lastIndexOf("\n") + 1);
    this.#bytes += lines.length;
    for (const line of lines.toString().split("\n").slice(0, -1)) {
      this.#read.push(JSON.parse(line));
    }
  }
}

/**
 * Waits as long as the test holds this gate, looking every 10 ms. `interrupted` is asked each time, and
 * may throw.
 */
export async function gate(state: State, name: string, interrupted?: () => void): Promise<void> {
  const hold = path.join(state.folder, "holds", name);
  if (!fs.existsSync(hold)) return;
  record(state, { type: "held", pid: process.pid, at: Date.now(), gate: name });
  while (fs.existsSync(hold)) {
    interrupted?.();
    await sleep(10);
  }
}

/** Tells whether the test has raised this flag. */
export function flagged(state: State, name: string): boolean {
  return fs.existsSync(path.join(state.folder, "flags", name));
}

/** Reads a choice that the test made while running (`scenario`, `exec`); `null` where it made none. */
export function choice<T>(state: State, name: string): T | null {
  try {
    return JSON.parse(fs.readFileSync(path.join(state.folder, `${name}.json`), "utf8"));
  } catch {
    return null;
  }
}

/**
 * Claims the failure that the test has ordered for this command, if one is left. Each of the `times` is
 * claimed by creating a file that must be new, so two processes never take the same one.
 */
export function claimFailure(state: State, command: string): Failure | null {
  const folder = path.join(state.folder, "failures");
  for (const name of fs.readdirSync(folder).filter((file) => file.endsWith(".json")).sort()) {
    const order = JSON.parse(fs.readFileSync(path.join(folder, name), "utf8"));
    if (command !== order.command && !command.startsWith(`${order.command} `)) continue;
    if (order.times === null) return order.how;
    for (let time = 0; time < order.times; time++) {
      try {
        fs.writeFileSync(path.join(folder, `${name}.${time}`), "", { flag: "wx" });
        return order.how;
      } catch { /* taken */ }
    }
  }
  return null;
}
