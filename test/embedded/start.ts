import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { CACHED } from "../support/caches.ts";
import { asNobody } from "../support/nobody.ts";
import { programCommand } from "../support/self.ts";

const MAIN = fileURLToPath(new URL("../../src/embedded/main.ts", import.meta.url));

/** A gatherer that was started, and what it printed so far. */
export type Started = Readonly<{
  pid: number;
  stdout: () => string;
  stderr: () => string;
  /** Resolves when stdout holds `text`; rejects when the program ends before. */
  printed: (text: string) => Promise<void>;
  /** Stops reading its stdout. */
  closeStdout: () => void;
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}>;

/** A place of its own for a test: destination, temporary folder and stand-ins for programs; removed by `remove`. */
export class Place {
  readonly root: string;
  readonly destination: string;
  readonly temporary: string;
  readonly programs: string;

  private constructor(root: string) {
    this.root = root;
    this.destination = join(root, "destination");
    this.temporary = join(root, "temporary");
    this.programs = join(root, "programs");
  }

  static async make(): Promise<Place> {
    const place = new Place(await mkdtemp(join(os.tmpdir(), "embedded-test-")));
    await mkdir(place.temporary);
    await mkdir(place.programs);
    await place.program("vmstat", "echo stand-in"); // the real one takes a second,
    await place.program("sync", "exit 0"); // and this one as long as others write
    return place;
  }

  /** Puts a shell script in front of a program that the gatherer runs. */
  async program(name: string, script: string): Promise<void> {
    const path = join(this.programs, name);
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
  }

  /** The environment of a gatherer: nothing of ours but PATH and the runtimes' caches. */
  env(more: Record<string, string> = {}): Record<string, string> {
    return {
      PATH: `${this.programs}:${process.env.PATH ?? ""}`,
      ...CACHED,
      HOME: this.root,
      TMPDIR: this.temporary,
      ...more,
    };
  }

  /** Starts the gatherer as the leader of a process group, as the service does. */
  start(args: readonly string[], options: {
    env?: Record<string, string>;
    /** Who it runs as, where the tests run as root. */
    user?: number;
    detached?: boolean;
  } = {}): Started {
    const [program, own] = programCommand(MAIN);
    const words = [program, ...own, ...args];
    const line = options.user === undefined ? words : asNobody(options.user, words);
    const child = spawn(line[0] ?? "", line.slice(1), {
      cwd: this.root,
      env: options.env ?? this.env(),
      stdio: ["ignore", "pipe", "pipe"],
      detached: options.detached ?? true,
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => stdout += text);
    child.stderr.setEncoding("utf8").on("data", (text: string) => stderr += text);
    const ended = once(child, "close").then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
    }));
    const printed = (text: string): Promise<void> =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (stdout.includes(text)) resolve();
        };
        child.stdout.on("data", look);
        look();
        ended.then(() => reject(new Error(`never printed ${text}: ${stdout}${stderr}`)), reject);
      });
    return {
      pid: child.pid ?? 0,
      stdout: () => stdout,
      stderr: () => stderr,
      printed,
      closeStdout: () => child.stdout.destroy(),
      ended,
    };
  }

  /** Runs the gatherer to its end. */
  async run(
    args: readonly string[],
    options: Parameters<Place["start"]>[1] = {},
  ): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const started = this.start(args, options);
    const { code } = await started.ended;
    return { code, stdout: started.stdout(), stderr: started.stderr() };
  }

  /** Runs a whole gather into this place's destination. */
  gather(args: readonly string[] = [], env: Record<string, string> = {}): ReturnType<Place["run"]> {
    const line = ["adm", "must-gather", `--dest-dir=${this.destination}`, ...args];
    return this.run(line, { env: this.env(env) });
  }

  /** The folder of the result. */
  async result(): Promise<string> {
    const names = (await readdir(this.destination)).filter((name) =>
      name.startsWith("local-gather-")
    );
    if (names.length !== 1) throw new Error(`${names.length} results`);
    return join(this.destination, names[0] ?? "");
  }

  /** The paths of all files of the destination, relative to it. */
  async files(): Promise<string[]> {
    const entries = await readdir(this.destination, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(this.destination.length + 1)).sort();
  }

  /** Everything that stands in the destination's files. */
  async text(): Promise<string> {
    const files = await this.files();
    return (await Promise.all(
      files.map((file) => readFile(join(this.destination, file), "utf8")),
    )).join("\n");
  }

  remove(): Promise<void> {
    return rm(this.root, { recursive: true, force: true });
  }
}

/** Resolves when a process is gone or only a zombie is left of it; rejects after five seconds. */
export async function gone(pid: number): Promise<void> {
  for (let tries = 0; tries < 250; tries++) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    const ps = spawn("ps", ["-o", "stat=", "-p", String(pid)], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let state = "";
    ps.stdout.setEncoding("utf8").on("data", (text: string) => state += text);
    await once(ps, "close");
    if (state.trim() === "" || state.startsWith("Z")) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`process ${pid} is still there`);
}
