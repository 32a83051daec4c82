/** The client as a process of its own, for tests. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { CACHED } from "../support/caches.ts";
import { programCommand } from "../support/self.ts";

const GATHER = fileURLToPath(new URL("../../src/cli/gather.ts", import.meta.url));

/** How long anything here is waited for: far more than it takes. Milliseconds. */
export const PATIENCE_MS = 30_000;

/** A client that runs. */
export interface Started {
  stdout: () => string;
  stderr: () => string;
  /** Resolves when standard error holds `text`; rejects when the client ends before. */
  told: (text: string) => Promise<void>;
  kill: (signal: NodeJS.Signals) => void;
  /** Writes to its standard input and closes it. */
  type: (text: string) => void;
  /** Stops reading what it prints. */
  closeOutput: () => void;
  /** Its exit code, or the signal that ended it. */
  ended: Promise<number | string>;
}

/** What a client that has ended left. */
export interface Ended {
  code: number | string;
  stdout: string;
  stderr: string;
}

/** The folders of one test: where the client is started, and what a service of its needs. */
export class Place {
  readonly root: string;
  /** Where the client is started, so where its archives go. */
  readonly here: string;
  readonly journal: string;
  readonly #temporary: string;
  readonly #programs: string;

  private constructor(root: string) {
    this.root = root;
    this.here = join(root, "here");
    this.journal = join(root, "journal");
    this.#temporary = join(root, "tmp");
    this.#programs = join(root, "programs");
  }

  static async make(): Promise<Place> {
    const place = new Place(await mkdtemp(join(tmpdir(), "cli-")));
    for (const folder of [place.here, place.#temporary, place.#programs]) await mkdir(folder);
    for (const name of ["sync", "vmstat"]) { // the real ones take seconds
      await writeFile(join(place.#programs, name), "#!/bin/sh\necho stand-in\n");
      await chmod(join(place.#programs, name), 0o755);
    }
    return place;
  }

  /** The environment of a client; nothing of ours but PATH. */
  env(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      PATH: `${this.#programs}:${process.env["PATH"] ?? ""}`,
      HOME: this.root,
      TMPDIR: this.#temporary,
      ...CACHED,
      OC: "embedded",
      LOCAL_COMMANDS: "1",
      STOP_GRACE: "500ms",
      WORK_PATH: join(this.root, "work"),
      JOURNAL_PATH: this.journal,
      ...more,
    };
  }

  start(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    cwd = this.here,
  ): Started {
    const [program, own] = programCommand(GATHER);
    const child: ChildProcess = spawn(program, [...own, ...args], {
      cwd,
      env: this.env(env),
      stdio: ["pipe", "pipe", "pipe"],
    });
    let [stdout, stderr] = ["", ""];
    child.stdout?.setEncoding("utf8").on("data", (text: string) => stdout += text);
    child.stderr?.setEncoding("utf8").on("data", (text: string) => stderr += text);
    const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
    const ended = once(child, "close").then(([code, signal]) => {
      clearTimeout(timer);
      return (code ?? signal) as number | string;
    });
    return {
      stdout: () => stdout,
      stderr: () => stderr,
      told: (text) =>
        new Promise((resolve, reject) => {
          const look = () => stderr.includes(text) && resolve();
          child.stderr?.on("data", look);
          look();
          void ended.then((code) => reject(new Error(`${code} before "${text}": ${stderr}`)));
        }),
      kill: (signal) => void process.kill(child.pid ?? 0, signal),
      type: (text) => void child.stdin?.end(text),
      closeOutput() {
        child.stdout?.destroy();
        child.stderr?.destroy();
      },
      ended,
    };
  }

  /** Runs a client to its end. */
  async run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const started = this.start(args, env);
    const code = await started.ended;
    return { code, stdout: started.stdout(), stderr: started.stderr() };
  }

  /** The files in the client's folder. */
  async files(): Promise<string[]> {
    return (await readdir(this.here)).sort();
  }

  /** What is left in the temporary folder. */
  async leftovers(): Promise<string[]> {
    return (await readdir(this.#temporary)).filter((name) => name.startsWith("must-gather"));
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}
