import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
import {
  groupIsAlive,
  groupsWorkingIn,
  ownProgram,
  processStart,
  runtime,
  signal,
} from "../src/runtime.ts";
import { testFolder } from "./support/folder.ts";
import { until } from "./support/until.ts";

/** A pid that nobody has: the largest that Linux gives is 2²². */
const NOBODY = 2 ** 22 + 1;

/** Starts a shell script as the leader of a group of its own, killed with all of it at the end of the test. */
async function start(
  t: TestContext,
  script: string,
  cwd = "/",
  env: Record<string, string> = {},
): Promise<ChildProcess> {
  const child = spawn("/bin/sh", ["-c", script], {
    cwd,
    detached: true,
    env: { PATH: process.env.PATH, ...env },
    stdio: ["ignore", "pipe", "ignore"],
  });
  t.after(() => {
    try {
      process.kill(-(child.pid ?? 0), "SIGKILL");
    } catch {
      // It has ended already.
    }
  });
  await once(child.stdout, "data");
  return child;
}

test("the runtime says what it is", () => {
  assert.equal(runtime.name, "Deno" in globalThis ? "deno" : "node");
  assert.match(runtime.version, /^\d+\.\d+\.\d+/);
});

test("a program of our own is started on the same runtime, and is told of its cache", async (t) => {
  const folder = await testFolder(t);
  const script = join(folder, "program.ts");
  const module = new URL("../src/runtime.ts", import.meta.url).href;
  await writeFile(
    script,
    `import { ownProgram } from "${module}"; const { env }: { env: object } = ownProgram("-");
    console.log(JSON.stringify(env));`,
  );
  const { program, args } = ownProgram(script);
  const start = async (env: Record<string, string>) => {
    const child = spawn(program, args, { env: { PATH: process.env.PATH, HOME: folder, ...env } });
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => said += text);
    await once(child, "close");
    return JSON.parse(said) as unknown;
  };
  const name = runtime.name === "deno" ? "DENO_DIR" : "NODE_COMPILE_CACHE";
  const caches = { NODE_COMPILE_CACHE: join(folder, "node"), DENO_DIR: join(folder, "deno") };
  assert.deepEqual(await start({}), {});
  assert.deepEqual(await start(caches), { [name]: caches[name] });
});

test("a signal reaches one process or a whole group, and says whether somebody was there", async (t) => {
  const child = await start(t, "sleep 60 & echo go; wait");
  const pid = child.pid ?? 0;
  assert.equal(await signal(pid, 0, "process"), true);
  assert.equal(await signal(pid, 0, "group"), true);
  const exit = once(child, "exit");
  assert.equal(await signal(pid, "SIGKILL", "process"), true);
  await exit;
  assert.equal(await signal(pid, 0, "process"), false);
  assert.equal(await groupIsAlive(pid), true, "the child lives on");
  assert.equal(await signal(pid, "SIGTERM", "group"), true);
  await until("the end of the group", async () => !await groupIsAlive(pid));
});

test("of nobody nothing is alive and nothing has started", async () => {
  assert.equal(await signal(NOBODY, 0, "process"), false);
  assert.equal(await groupIsAlive(NOBODY), false);
  assert.equal(await processStart(NOBODY), undefined);
});

test("where no program may be run, what it would have told is not known", async (t) => {
  const script = join(await testFolder(t), "restricted.ts");
  const module = JSON.stringify(import.meta.resolve("../src/runtime.ts"));
  await writeFile(
    script,
    `import process from "node:process";
import { groupIsAlive, processStart } from ${module};
console.log(await groupIsAlive(process.pid), await processStart(${NOBODY}));`,
  );
  const isNode = runtime.name === "node";
  const args = isNode
    ? ["--permission", "--allow-fs-read=/", script]
    : ["run", "--no-prompt", "--allow-read", "--allow-env", "--no-check", script];
  const child = spawn(process.execPath, args, {
    detached: true, // it leads a group
    env: { PATH: process.env.PATH },
    stdio: "pipe",
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => said += text);
  await once(child, "close");
  assert.equal(said, isNode ? "true undefined\n" : "false undefined\n"); // Deno signals with a program, too
});

test("a group of which only zombies are left is gone, though it can still be signalled", async (t) => {
  // A parent that never waits: its child, a leader of a group of its own, ends and stays a zombie.
  const parent = await start(
    t,
    `exec perl -e 'use POSIX; $| = 1; my $pid = fork; if (!$pid) { setpgid(0, 0); exit 0 } print "$pid\\n"; sleep 60'`,
  );
  const listing = spawn("ps", ["--ppid", String(parent.pid), "-o", "pid="], { stdio: "pipe" });
  let listed = "";
  listing.stdout.setEncoding("utf8").on("data", (text: string) => listed += text);
  await once(listing, "close");
  const zombie = Number(listed);
  assert.ok(zombie > 1, listed);
  await until("its group", () => signal(zombie, 0, "group"));
  await until("the zombie", async () => !await groupIsAlive(zombie));
  assert.equal(await signal(zombie, 0, "group"), true, "it is still there to be signalled");
  assert.equal(await processStart(zombie), undefined);
});

test("when a process started stays the same, and differs from that of another", async (t) => {
  const one = await start(t, "echo go; exec sleep 60");
  const first = await processStart(one.pid ?? 0);
  assert.ok(first);
  await until("a tick of the clock", async () => { // a hundredth of a second, by which starts differ
    const own = await start(t, "echo go");
    const start2 = await processStart(own.pid ?? 0);
    return start2 !== undefined && start2 !== first;
  });
  assert.equal(await processStart(one.pid ?? 0), first);
  assert.notEqual(await processStart(process.pid), first);
});

test("a process whose name holds brackets and blanks is told from others all the same", async (t) => {
  const folder = await testFolder(t);
  const name = join(folder, ") Z 1 (x");
  await symlink("/bin/sleep", name);
  const child = await start(t, `echo go; exec '${name}' 60`);
  await until("its start", async () => await processStart(child.pid ?? 0) !== undefined);
  assert.match(await processStart(child.pid ?? 0) ?? "", /:\d+$|^ps:/);
});

test("who works in a folder or below it and was given its HOME is found by its group, whatever links lead there", async (t) => {
  const folder = await testFolder(t);
  const path = (name: string) => join(folder, name);
  await mkdir(path("work/inner"), { recursive: true });
  await mkdir(path("work-not"));
  await mkdir(path("home"));
  await symlink(path("work"), path("link"));
  await symlink(path("home"), path("link-home"));
  const env = { HOME: path("home") };
  const inside = await start(t, "(cd inner; echo go; exec sleep 60) & wait", path("work"), env);
  await start(t, "echo go; exec sleep 60", path("work-not"), env);
  for (const HOME of [path("home-not"), path("home/inner"), path(""), ""]) {
    await start(t, "echo go; exec sleep 60", path("work"), { HOME, NOT_HOME: path("home") });
  }
  await start(t, "echo go; exec sleep 60", path("work"));
  for (const name of ["work", "work/inner", "link"]) {
    for (const home of ["home", "link-home"]) {
      const found = await groupsWorkingIn(path(name), path(home));
      assert.deepEqual(found, [inside.pid], `${name} ${home}`);
    }
  }
  assert.deepEqual(await groupsWorkingIn(path("none"), path("home")), []);
});
