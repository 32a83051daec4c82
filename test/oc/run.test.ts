import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { chmod, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { adoptRun, type ProcessIdentity, type Run, startRun } from "../../src/oc/run.ts";
import { spoolIn } from "../../src/oc/spool.ts";
import { groupIsAlive, processStart } from "../../src/runtime.ts";
import { atEnd, testFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";

const PATH = process.env.PATH ?? "";

/** A run of a shell script, and what was told of it, in order. */
interface Watched {
  run: Run;
  told: string[];
  stdout: () => string;
  stderr: () => string;
  identity: () => ProcessIdentity | undefined;
  /** Resolves when nothing more is to be told. */
  over: Promise<void>;
}

interface Options {
  program?: string;
  args?: string[];
  folder?: string;
  env?: Record<string, string>;
  /** What is answered to each block. */
  goOn?: () => boolean;
}

function watch(t: TestContext, script: string, options: Options = {}): Watched {
  const printed = mkdtempSync(join(tmpdir(), "mg-run-"));
  atEnd(t, () => rmSync(printed, { recursive: true, force: true }));
  const told: string[] = [];
  const streams = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  let identity: ProcessIdentity | undefined;
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const run = startRun({
    program: options.program ?? "/bin/sh",
    args: options.args ?? ["-c", script],
    folder: options.folder ?? "/",
    env: options.env ?? { PATH },
    spool: spoolIn(printed),
  }, {
    started(found) {
      identity = found;
      told.push("started");
    },
    output(stream, block) {
      streams[stream].push(Buffer.from(block));
      if (told.at(-1) !== stream) told.push(stream);
      return options.goOn?.() ?? true;
    },
    exited({ code, signal, orphans }) {
      told.push(`exited ${code} ${signal}${orphans ? " with orphans" : ""}`);
      if (!orphans) resolve();
    },
    gone() {
      told.push("gone");
      resolve();
    },
    failed: (reason) => told.push(`failed: ${reason}`),
  });
  return {
    run,
    told,
    stdout: () => Buffer.concat(streams.stdout).toString(),
    stderr: () => Buffer.concat(streams.stderr).toString(),
    identity: () => identity,
    over,
  };
}

/** Whether a process is there and no zombie. */
const isAlive = async (pid: number) => await processStart(pid) !== undefined;

/** Ends a process that a test left on purpose. */
function endAfter(t: TestContext, pid: number): void {
  assert.ok(pid > 0, "a process id"); // 0 would be all of our own group
  t.after(() => {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended already.
    }
  });
}

test("a run is told from its start to its end: who it is, all of its output, its exit code", async (t) => {
  const watched = watch(t, "echo one; echo two >&2; printf three; exit 7");
  await watched.over;
  assert.equal(watched.stdout(), "one\nthree\n");
  assert.equal(watched.stderr(), "two\n");
  assert.equal(watched.told.at(-1), "exited 7 null");
  assert.equal(watched.told.filter((event) => event === "started").length, 1);
});

test("it runs in its folder with the environment that it is given and no more", async (t) => {
  const folder = await testFolder(t);
  const watched = watch(t, "pwd; /usr/bin/env | sort", { folder, env: { PATH, GIVEN: "1" } });
  await watched.over;
  const [where, ...names] = watched.stdout().trim().split("\n");
  assert.equal(where, folder);
  const own = ["PWD", "OLDPWD", "SHLVL", "_"]; // the shell's own
  assert.deepEqual(
    names.map((line) => line.split("=")[0] ?? "").filter((name) => !own.includes(name)),
    ["GIVEN", "PATH"],
  );
});

test("a signal that ended it is told by name, without a code", async (t) => {
  const watched = watch(t, "kill -9 $$");
  await watched.over;
  assert.equal(watched.told.at(-1), "exited null SIGKILL");
});

test("the exit code of a program that was signalled and ended by itself is its own", async (t) => {
  const watched = watch(t, "trap 'exit 5' INT; echo ready; while :; do sleep 0.02; done");
  await until("ready", () => watched.stdout() === "ready\n");
  watched.run.signal("SIGINT", "leader");
  await watched.over;
  assert.equal(watched.told.at(-1), "exited 5 null");
});

test("who it is is known before its end is told, however soon it ends", async (t) => {
  for (let n = 0; n < 5; n++) {
    const watched = watch(t, "exit 0");
    await watched.over;
    assert.deepEqual(watched.told, ["started", "exited 0 null"]);
  }
});

test("the identity of a running one is its process id and its start", async (t) => {
  const watched = watch(t, "echo $$; read line || sleep 60");
  const identity = await until("its identity", () => watched.identity()) ?? { pid: 0, start: "" };
  assert.equal(identity.start, await processStart(identity.pid));
  await until("its output", () => watched.stdout() === `${identity.pid}\n`);
  watched.run.signal("SIGKILL", "group");
  await watched.over;
});

test("what cannot be started is told with the reason, then as ended", async (t) => {
  const folder = await testFolder(t);
  const file = join(folder, "program");
  await writeFile(file, "#!/bin/sh\n");
  await chmod(file, 0o644);
  const gone = join(folder, "gone");
  const cases: [Options, RegExp][] = [
    [{ program: join(folder, "none"), args: [] }, /none: there is no such program/],
    [{ program: file, args: [] }, /program: it may not be run/],
    [{ folder: gone }, /its working folder is gone/],
    [{ args: ["-c", "true", "x".repeat(4 * 2 ** 20)] }, /what it is told is too long/],
  ];
  for (const [options, reason] of cases) {
    const watched = watch(t, "true", options);
    await watched.over;
    assert.equal(watched.told.length, 2, watched.told.join());
    assert.match(watched.told[0] ?? "", reason);
    assert.match(watched.told[0] ?? "", /^failed: Cannot start /);
    assert.equal(watched.told[1], "exited null null");
    watched.run.signal("SIGKILL", "group"); // nobody is there: nothing happens
    watched.run.resume();
  }
});

test("signals go to the leader alone or to its whole group", async (t) => {
  const script = (who: string) =>
    `trap 'echo ${who} got it; exit 0' TERM; echo ready; while :; do sleep 0.02; done`;
  const watched = watch(t, `(${script("child")}) & ${script("leader")}`);
  await until("both", () => watched.stdout() === "ready\nready\n");
  watched.run.signal("SIGTERM", "leader");
  await until("the leader's end", () => watched.told.at(-1)?.startsWith("exited"));
  assert.equal(watched.told.at(-1), "exited 0 null with orphans");
  assert.equal(watched.stdout(), "ready\nready\nleader got it\n");
  watched.run.signal("SIGTERM", "leader"); // it is dead: its id may be anybody's
  watched.run.signal("SIGTERM", "group");
  await watched.over;
  assert.equal(watched.stdout(), "ready\nready\nleader got it\nchild got it\n");
  assert.equal(watched.told.at(-1), "gone");
});

test("a child that ends right behind its parent is no orphan", async (t) => {
  const watched = watch(t, "(sleep 0.05; echo late) & exit 3");
  await watched.over;
  assert.equal(watched.told.at(-1), "exited 3 null");
  assert.equal(watched.stdout(), "late\n");
});

test("a daemon that left the group and holds the output open keeps nobody waiting", async (t) => {
  const watched = watch(t, "setsid sleep 60 & echo $!; printf unfinished; exit 0");
  await watched.over;
  const told = [...watched.told];
  const [pid = "", last] = watched.stdout().split("\n");
  endAfter(t, Number(pid));
  assert.equal(last, "unfinished");
  assert.equal(told.at(-1), "exited 0 null");
  assert.ok(await isAlive(Number(pid)), "it was not ours to end");
  process.kill(Number(pid), "SIGKILL");
  await until("its end", async () => !await isAlive(Number(pid)));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(watched.told, told, "nothing is told behind the end");
});

test("a large output comes whole and before the end is told, also through many pauses", async (t) => {
  const line = "a line of some forty characters, and no more";
  let blocks = 0;
  const watched = watch(t, `yes '${line}' | head -n 200000`, {
    goOn: () => {
      if (++blocks % 10 !== 0) return true;
      setTimeout(() => watched.run.resume(), 1);
      return false;
    },
  });
  await watched.over;
  assert.equal(watched.told.at(-1), "exited 0 null");
  assert.equal(watched.stdout().length, 200_000 * (line.length + 1));
  assert.ok(blocks > 50);
});

test("the end is told when all is read, however long the reading is paused", async (t) => {
  const folder = await testFolder(t);
  await writeFile(join(folder, "output"), "a line\n".repeat(20_000)); // more than is read at once
  const watched = watch(t, "sleep 0.1; exec dd if=output bs=140000 count=1", {
    folder,
    goOn: () => false,
  });
  const { pid } = await until("its identity", () => watched.identity()) ?? { pid: 0 };
  await until("its end", async () => !await isAlive(pid));
  await new Promise((resolve) => setTimeout(resolve, 300)); // longer than orphans are looked for
  assert.ok(watched.stdout().length < 140_000);
  const resuming = setInterval(() => watched.run.resume(), 1);
  await watched.over;
  clearInterval(resuming);
  assert.equal(watched.stdout().length, 140_000);
  assert.equal(watched.told.at(-1), "exited 0 null");
});

/** A gather's folder, and the HOME of its oc. */
const placeIn = (path: string) => ({
  path,
  home: join(path, "home"),
  spool: spoolIn(join(path, "spool")),
});

/** Starts a process as an earlier life of the service would have, or as somebody else with another HOME. */
async function earlier(
  t: TestContext,
  script: string,
  folder = "/",
  HOME = "/",
): Promise<ProcessIdentity> {
  const child = spawn("/bin/sh", ["-c", script], {
    cwd: folder,
    detached: true,
    env: { PATH, HOME },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const pid = child.pid ?? 0;
  endAfter(t, pid);
  await once(child.stdout, "data");
  return { pid, start: await processStart(pid) ?? "" };
}

/** Ignores everything but SIGKILL. */
const STUBBORN = "trap '' INT TERM; while :; do sleep 0.02; done";

test("a process of an earlier life is asked as its own leader, and its group is killed", async (t) => {
  const folder = await testFolder(t);
  const identity = await earlier(
    t,
    `(${STUBBORN}) & trap 'touch ${folder}/asked; exit 0' TERM; echo go; while :; do sleep 0.02; done`,
    folder,
    join(folder, "home"),
  );
  const told: unknown[] = [];
  const run = adoptRun(identity, placeIn(folder), { exited: (end) => told.push(end) });
  run.signal("SIGTERM", "leader");
  await until("the leader's end", async () => !await isAlive(identity.pid));
  await rm(join(folder, "asked")); // the leader was asked, not killed
  assert.deepEqual(told, []);
  assert.ok(await groupIsAlive(identity.pid));
  run.signal("SIGKILL", "group");
  await until("its end", () => told.length > 0);
  assert.deepEqual(told, [{ code: null, signal: null, orphans: false }]);
  assert.ok(!await groupIsAlive(identity.pid));
});

test("a process that was started but never written down is found by its folder", async (t) => {
  const folder = await testFolder(t);
  await mkdir(join(folder, "tree"));
  const link = join(folder, "link");
  await symlink(folder, link);
  await mkdir(join(folder, "home"));
  const script = "echo go; exec sleep 60";
  const { pid } = await earlier(t, script, join(folder, "tree"), join(folder, "home"));
  const told: unknown[] = [];
  const run = adoptRun(undefined, placeIn(link), { exited: (end) => told.push(end) });
  run.signal("SIGINT", "leader");
  await until("its end", () => told.length > 0);
  assert.ok(!await isAlive(pid));
});

test("somebody else who works in the folder, as a person who looks into it does, is left alone", async (t) => {
  const folder = await testFolder(t);
  const { pid } = await earlier(t, "echo go; exec sleep 60", folder);
  const told: unknown[] = [];
  const run = adoptRun(undefined, placeIn(folder), { exited: (end) => told.push(end) });
  run.signal("SIGKILL", "group");
  await until("its end", () => told.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(await isAlive(pid));
});

test("another process with the same id is left alone: what was ours is gone", async (t) => {
  const folder = await testFolder(t);
  const identity = await earlier(t, "echo go; exec sleep 60");
  const told: unknown[] = [];
  const run = adoptRun({ ...identity, start: `${identity.start}1` }, placeIn(folder), {
    exited: (end) => told.push(end),
  });
  run.signal("SIGKILL", "group");
  run.signal("SIGKILL", "leader");
  await until("its end", () => told.length > 0);
  run.signal("SIGKILL", "group");
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(await isAlive(identity.pid));
  assert.equal(told.length, 1);
});

test("where no process was known and none works in the folder, there is none to end", async (t) => {
  const folder = await testFolder(t);
  const told: unknown[] = [];
  adoptRun(undefined, placeIn(folder), { exited: (end) => told.push(end) }).signal(
    "SIGKILL",
    "group",
  );
  await until("its end", () => told.length > 0);
  assert.deepEqual(told, [{ code: null, signal: null, orphans: false }]);
});
