/**
 * Runs the tests on Node and on Deno side by side, as most of them wait more than they compute: `node test/run.ts`, or only on one
 * of them: `node test/run.ts node`. Node's output comes as it is made; behind it Deno's, whole where a test failed and its sums where
 * none did: so the output ends with what failed. The exit code is 1 where either fails, or where files of the tests are left.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import {
  chmod,
  glob,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  statfs,
  writeFile,
} from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { promisify, stripVTControlCharacters } from "node:util";
import { removeTree } from "../src/archive/remove-tree.ts";
import { CACHED } from "./support/caches.ts";

/** How many files of tests run at once on each of the runtimes: they wait for processes and files more than they compute. */
const AT_ONCE = String(Math.max(3, availableParallelism()));

/** Of these folders each file has a process of its own, and they begin first: they take longest, and some measure what they use. */
const APART = ["web", "soak"];

/** What starts programs of ours, or serves, waits more than it computes. It begins first: what only computes fills gaps, and ends soon. */
const WAITS = /"[^"]*\/(?:service|stage|start|fake-oc|container|server)\.ts"/;

/** These, and the others, share so many processes: to load what tests need takes as long as a quarter of the tests themselves. */
const SHARED = { waiting: 8, others: 4 };

/** Not of these: what a file hooks into all tests would be so for others, and what it measures would be theirs. */
const OWN = /^(?:before|after)(?:Each)?\(|process\.memoryUsage/m;

/** With their files here the tests take a fifth less CPU than on a disk: they make and remove many thousands. */
const IN_MEMORY = "/dev/shm";

/** The most that the tests of both runtimes had there at once was a tenth of it. Bytes. */
const ROOM = 4 * 1024 ** 3;

/** How the name of a run's folder begins. */
const NAME = "test-run-";

/** What Chromium leaves in the folder for temporary files. */
const OF_CHROMIUM = /^\.?org\.chromium\./;

/**
 * Writes the modules that import all tests, in the order in which they are to begin, into a folder; resolves to their paths.
 * `without` are folders of tests that are left out.
 */
async function modulesOf(folder: string, without: readonly string[] = []): Promise<string[]> {
  const files: string[] = [];
  for await (const file of glob("test/**/*.test.ts")) {
    if (!without.some((name) => file.startsWith(`test/${name}/`))) files.push(file);
  }
  files.sort();
  const apart: string[][] = [];
  const waiting: string[] = [];
  const others: string[] = [];
  for (const file of files) {
    const text = await readFile(file, "utf8");
    if (APART.some((name) => file.startsWith(`test/${name}/`)) || OWN.test(text)) {
      apart.push([file]);
    } else (WAITS.test(text) ? waiting : others).push(file);
  }
  const modules = [
    ...apart,
    ...dealt(waiting, SHARED.waiting),
    ...dealt(others, SHARED.others),
  ];
  return await Promise.all(modules.map(async (imported, n) => {
    const path = join(folder, `${String(n).padStart(3, "0")}.test.mjs`);
    await writeFile(path, imported.map((file) => `import "${pathToFileURL(file)}";\n`).join(""));
    return path;
  }));
}

/** Neighbours are of a kind, and take equally long: each goes to another heap. */
function dealt(files: readonly string[], heaps: number): string[][] {
  return Array.from({ length: heaps }, (_, heap) => files.filter((_, n) => n % heaps === heap));
}

type Run = (program: string, args: readonly string[]) => Promise<boolean>;

const RUNTIMES = {
  async node(folder: string, run: Run): Promise<boolean> {
    return await run("node", [
      "--test",
      `--test-concurrency=${AT_ONCE}`,
      ...await modulesOf(folder),
    ]);
  },
  /**
   * The machines' tests have no permission there: that is the proof that the machines are pure. Those of the tests' stand-in for oc
   * are Node's: it is a program of Node's whichever runtime starts it.
   */
  async deno(folder: string, run: Run): Promise<boolean> {
    const pure = await run("deno", ["test", "--no-check", "test/machines"]);
    const modules = await modulesOf(folder, ["machines", "support"]);
    return await run("deno", ["test", "-A", "--no-check", "--parallel", ...modules]) && pure;
  },
};

type Name = keyof typeof RUNTIMES;

async function runOn(name: Name, folder: string, output: number | "inherit"): Promise<boolean> {
  const { NODE_COMPILE_CACHE } = CACHED; // not Deno's: it measures programs of ours with the one that it has
  const env = { ...process.env, TMPDIR: temporary, NODE_COMPILE_CACHE, DENO_JOBS: AT_ONCE };
  const passed = await RUNTIMES[name](folder, async (program, args) => {
    if (stopped.aborted) return false;
    // In a group of its own, which the services that tests start are in too: one that is interrupted leaves none of them.
    const child = spawn(program, args, {
      stdio: ["ignore", output, output],
      env,
      detached: true,
    });
    const signalAll = (signal: NodeJS.Signals) => {
      try {
        process.kill(-(child.pid ?? NaN), signal);
      } catch {
        // It was not started, or all of it has ended.
      }
    };
    const stop = () => signalAll("SIGINT");
    stopped.addEventListener("abort", stop);
    const [code] = await once(child, "exit");
    stopped.removeEventListener("abort", stop);
    if (stopped.aborted) signalAll("SIGKILL");
    return code === 0;
  });
  if (!passed) process.exitCode = 1;
  return passed;
}

/** Prints the output kept in a file: whole, or only the lines in which Deno sums up its tests. */
async function print(kept: string, whole: boolean): Promise<void> {
  for await (const line of createInterface({ input: createReadStream(kept) })) {
    if (whole || /^ok \| /.test(stripVTControlCharacters(line))) console.log(line);
  }
}

const told = (name: Name, passed: boolean): string => `${name}: ${passed ? "passed" : "FAILED"}`;

/** Makes a folder for all that this run makes: in memory where there is room, and where programs in it may run. */
async function makeFolder(): Promise<string> {
  const { bavail, bsize } = await statfs(IN_MEMORY).catch(() => ({ bavail: 0, bsize: 0 }));
  if (process.env["TMPDIR"] || bavail * bsize < ROOM) return await mkdtemp(join(tmpdir(), NAME));
  const folder = await mkdtemp(join(IN_MEMORY, NAME));
  const program = join(folder, "program");
  await writeFile(program, "#!/bin/sh\n", { mode: 0o700 });
  try {
    await promisify(execFile)(program);
    return folder;
  } catch {
    await rm(folder, { recursive: true });
    return await mkdtemp(join(tmpdir(), NAME));
  }
}

const stopping = new AbortController();
const stopped = stopping.signal;
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => stopping.abort());

const folder = await makeFolder();
const temporary = join(folder, "tmp");
try {
  await mkdir(temporary);
  await chmod(folder, 0o755); // some tests are another user's
  const [only] = process.argv.slice(2);
  if (only === "node" || only === "deno") {
    console.log(told(only, await runOn(only, folder, "inherit")));
  } else {
    const [modules, kept] = [await mkdtemp(join(folder, "deno-")), join(folder, "output")];
    const file = await open(kept, "w");
    const [node, deno] = await Promise.all([
      runOn("node", folder, "inherit"),
      runOn("deno", modules, file.fd),
    ]);
    await file.close();
    await print(kept, !deno);
    console.log(`${told("node", node)}, ${told("deno", deno)}`);
  }
  const left = (await readdir(temporary)).filter((name) => !OF_CHROMIUM.test(name));
  if (left.length > 0 && !stopped.aborted) {
    console.log(`Tests left in their temporary folder: ${left.join(", ")}`);
    process.exitCode = 1;
  }
} finally {
  await removeTree(folder); // where tests were interrupted there may be paths longer than the system opens
}
