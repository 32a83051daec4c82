import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster } from "./fake-oc/cluster.ts";
import type { Release } from "./fake-oc/release.ts";
import {
  type ExecManner,
  type Scenario,
  scenario,
  type ScenarioName,
} from "./fake-oc/scenarios.ts";
import { type Event, Events, type Failure, type Invocation } from "./fake-oc/state.ts";
import { STUBS } from "./fake-oc/words.ts";
import { answerFile, answers, wrapper } from "./fake-oc/wrapper.ts";

export { type Scenario, scenario, type ScenarioName } from "./fake-oc/scenarios.ts";
export type { Binding, Namespace, Pod } from "./fake-oc/cluster.ts";
export type { ExecManner, Failure, Invocation, Release };

/** What a test chooses. */
export interface FakeOcOptions {
  /** The test's own temporary folder; everything is kept below it. */
  folder: string;
  /** Default: the newest recorded. */
  release?: Release;
  /** How many times faster than recorded; 20 makes the ten seconds to the pod's first line half a second. */
  speed?: number;
  /** Scenarios by a part of the image's name, before the names that are known anyway. */
  scenarios?: Record<string, ScenarioName | Scenario>;
  /** The tokens that the cluster knows; without them it asks for none. */
  tokens?: string[];
}

/** Where a running gather can be held; other commands are held by their name (`get-pod`, `exec`, …). */
export type Gate =
  | "start"
  | "before-namespace"
  | "before-binding"
  | "before-pod"
  | "before-gather"
  | "during-gather"
  | "before-copy"
  | "during-copy"
  | "before-delete"
  | "before-exit"
  | "get-pod"
  | "get-namespace"
  | "get-clusterrolebinding"
  | "delete-namespace"
  | "delete-clusterrolebinding"
  | "exec";

/** A stand-in for `oc` that behaves as the recordings in `test/fixtures/oc`. */
export interface FakeOc {
  /** The program to give to the service as `OC`. Its folder can stand in PATH: it is named `oc`. */
  readonly path: string;
  /** What is in the cluster. */
  readonly cluster: Cluster;
  /** Makes every image behave so from now on, whatever its name; `null` ends that. */
  use(chosen: ScenarioName | Scenario | null): void;
  /** Makes whoever comes to this gate wait there. */
  hold(gate: Gate): void;
  /** Lets them go on. */
  release(gate: Gate): void;
  /** Waits until somebody is held at this gate (since `hold`); resolves to its process id. */
  reached(gate: Gate, ms?: number): Promise<number>;
  /** Waits until a gather has come to this phase; resolves to the process id. */
  entered(phase: "waiting" | "gathering" | "copying" | "ending", ms?: number): Promise<number>;
  /** Ends the endless gathers of the slow image in good order. */
  finish(): void;
  /**
   * Makes a command (`must-gather`, `get`, `get pod`, `delete namespace`, `delete clusterrolebinding`,
   * `exec`) fail, `times` times or always.
   */
  fail(command: string, how: Failure, times?: number): void;
  /** Takes all ordered failures back. */
  mend(): void;
  /** How every `oc exec … tar` goes from now on; `null` leaves it to the scenario. */
  execAs(manner: ExecManner | null): void;
  /** Every start of oc so far, or those whose words begin with these. */
  invocations(...words: string[]): Invocation[];
  /** Every SIGINT and SIGTERM that a gather has met, in order. */
  signals(): { pid: number; at: number; signal: string }[];
  /** The processes that were started and still run, those of rsync included. */
  running(): number[];
  events(): readonly Event[];
  /** Waits until the condition holds, at most `ms` (20 s). Throws with `what` when it does not come to hold. */
  until(condition: () => boolean, what: string, ms?: number): Promise<void>;
  /** Ends every process that is left and removes everything. */
  close(): Promise<void>;
}

/** Makes a stand-in for `oc` below the test's folder. Close it at the end of the test. */
export async function createFakeOc(
  { folder, release = "4.22", speed = 20, scenarios = {}, tokens }: FakeOcOptions,
): Promise<FakeOc> {
  const home = await fs.promises.mkdtemp(path.join(folder, "fake-oc-"));
  for (const name of ["answers", "holds", "flags", "failures", "stubs", "bin"]) {
    fs.mkdirSync(path.join(home, name));
  }
  const config = {
    release,
    speed,
    scenarios: Object.fromEntries(
      Object.entries(scenarios).map(([part, given]) => [part, complete(given)]),
    ),
    tokens: tokens ?? null,
  };
  fs.writeFileSync(path.join(home, "config.json"), JSON.stringify(config));
  for (const [name, text] of Object.entries(STUBS)) {
    fs.writeFileSync(path.join(home, "stubs", name), text, { mode: 0o755 });
  }
  fs.symlinkSync("/bin/bash", path.join(home, "stubs", "bash"));
  const program = path.join(home, "bin", "oc");
  for (const [words, text] of answers(release)) {
    fs.writeFileSync(path.join(home, answerFile(words)), text);
  }
  fs.writeFileSync(program, wrapper(home, release), { mode: 0o755 });
  return new Handle(home, program, new Cluster(home, { release, speed }));
}

function complete(given: ScenarioName | Scenario): Scenario {
  return typeof given === "string" ? scenario(given) : given;
}

class Handle implements FakeOc {
  readonly path: string;
  readonly cluster: Cluster;
  readonly #home: string;
  readonly #heldSince = new Map<string, number>();
  readonly #events: Events;
  /** The processes that were not seen to have ended, by the events up to `#looked`. */
  readonly #alive = new Set<number>();
  #looked = 0;
  #orders = 0;

  constructor(home: string, program: string, cluster: Cluster) {
    this.#home = home;
    this.#events = new Events(home);
    this.path = program;
    this.cluster = cluster;
  }

  use(chosen: ScenarioName | Scenario | null): void {
    this.#choose("scenario", chosen === null ? null : complete(chosen));
  }

  execAs(manner: ExecManner | null): void {
    this.#choose("exec", manner);
  }

  hold(gate: Gate): void {
    this.#heldSince.set(gate, this.events().length);
    fs.writeFileSync(path.join(this.#home, "holds", gate), "");
  }

  release(gate: Gate): void {
    fs.rmSync(path.join(this.#home, "holds", gate), { force: true });
  }

  reached(gate: Gate, ms?: number): Promise<number> {
    const since = this.#heldSince.get(gate) ?? 0;
    return this.#seen(
      (event) => event.type === "held" && event.gate === gate,
      `nobody has come to the gate ${gate}`,
      since,
      ms,
    );
  }

  entered(phase: string, ms?: number): Promise<number> {
    return this.#seen(
      (event) => event.type === "phase" && event.phase === phase,
      `no gather has come to the phase ${phase}`,
      0,
      ms,
    );
  }

  finish(): void {
    fs.writeFileSync(path.join(this.#home, "flags", "finish"), "");
  }

  fail(command: string, how: Failure, times?: number): void {
    const order = { command, how, times: times ?? null };
    const name = `${String(this.#orders++).padStart(4, "0")}.json`;
    const temporary = path.join(this.#home, name);
    fs.writeFileSync(temporary, JSON.stringify(order));
    fs.renameSync(temporary, path.join(this.#home, "failures", name));
  }

  mend(): void {
    for (const file of fs.readdirSync(path.join(this.#home, "failures"))) {
      fs.rmSync(path.join(this.#home, "failures", file));
    }
  }

  events(): readonly Event[] {
    return this.#events.all();
  }

  invocations(...words: string[]): Invocation[] {
    return this.events().filter((event): event is Invocation =>
      event.type === "start" && words.every((word, n) => event.argv[n] === word)
    );
  }

  signals(): { pid: number; at: number; signal: string }[] {
    return this.events().flatMap((event) =>
      event.type === "signal" ? [{ pid: event.pid, at: event.at, signal: event.signal }] : []
    );
  }

  running(): number[] {
    const events = this.events();
    for (const { type, pid } of events.slice(this.#looked)) {
      if (type === "start" || type === "child") this.#alive.add(pid);
    }
    this.#looked = events.length;
    for (const pid of this.#alive) if (!this.#isOurs(pid)) this.#alive.delete(pid);
    return [...this.#alive];
  }

  async until(condition: () => boolean, what: string, ms = 20_000): Promise<void> {
    const end = performance.now() + ms;
    while (!condition()) {
      if (performance.now() > end) throw new Error(`fake oc: after ${ms} ms: ${what}`);
      await sleep(5);
    }
  }

  async close(): Promise<void> {
    for (const pid of this.running()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch { /* it has ended since */ }
    }
    await this.until(() => this.running().length === 0, "a process outlives SIGKILL");
    await fs.promises.rm(this.#home, { recursive: true, force: true, maxRetries: 5 });
  }

  async #seen(
    wanted: (event: Event) => boolean,
    what: string,
    since: number,
    ms?: number,
  ): Promise<number> {
    let found: Event | undefined;
    await this.until(
      () => {
        found = this.events().slice(since).find(wanted);
        return found !== undefined;
      },
      what,
      ms,
    );
    return found?.pid ?? 0;
  }

  #choose(name: string, value: unknown): void {
    const file = path.join(this.#home, `${name}.json`);
    if (value === null) return fs.rmSync(file, { force: true });
    fs.writeFileSync(`${file}.new`, JSON.stringify(value));
    fs.renameSync(`${file}.new`, file);
  }

  /** A process id may have been given away since: it is ours only while its command names our folder. */
  #isOurs(pid: number): boolean {
    try {
      return fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(this.#home);
    } catch {
      return false;
    }
  }
}
