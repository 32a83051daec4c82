import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, writeSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { makePipes, openPipe, pipesIn } from "../../src/oc/pipes.ts";
import { adoptRun, startRun } from "../../src/oc/run.ts";
import { testFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";

const env = { PATH: process.env.PATH ?? "" };

test("what a process says when nobody listens any more does not end it, and waits for the next who listens", async (t) => {
  const folder = await testFolder(t);
  await makePipes(join(folder, "pipes"));
  const pipes = pipesIn(join(folder, "pipes"));
  const opened = [openPipe(pipes.stdout), openPipe(pipes.stderr)] as const;
  const script = "echo before; read -r _; echo after; echo why >&2; exec sleep 60";
  const child = spawn("/bin/sh", ["-c", script], {
    cwd: folder,
    env: { ...env, HOME: folder },
    detached: true,
    stdio: ["pipe", opened[0].writer, opened[1].writer],
  });
  for (const { writer } of opened) closeSync(writer);
  const [before] = await once(opened[0].reader, "data");
  assert.equal(String(before), "before\n");
  for (const { reader } of opened) reader.destroy(); // as the end of a service does

  child.stdin?.write("\n");
  const told: string[] = [];
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const run = adoptRun(undefined, { path: folder, home: folder }, {
    output: (stream, block) => told.push(`${stream} ${block}`) > 0,
    exited: () => resolve(),
  }, pipes);
  await until("both are read", () => told.length === 2);
  assert.deepEqual(told.sort(), ["stderr why\n", "stdout after\n"]);
  run.signal("SIGKILL", "group");
  await over;
});

test("what waits in a pipe is passed on at once where it is asked for, and once", async (t) => {
  const folder = await testFolder(t);
  await makePipes(join(folder, "pipes"));
  const { reader, writer } = openPipe(pipesIn(join(folder, "pipes")).stdout);
  let text = "";
  reader.on("data", (piece: Buffer) => text += String(piece));
  await until("it flows", () => writeSync(writer, "first\n") > 0 && text.includes("first\n"));
  await new Promise((resolve) => setTimeout(resolve, 60)); // the longest pause: nothing is about to be read
  const before = text;
  writeSync(writer, "created\n");
  reader.lookNow();
  assert.equal(text, `${before}created\n`);
  reader.lookNow();
  closeSync(writer);
  await once(reader, "close");
  assert.equal(text, `${before}created\n`);
  reader.lookNow();
});

test("who was asked to look at once, and is let go, never reads from the pipe that comes next", async (t) => {
  const folder = await testFolder(t);
  await makePipes(join(folder, "first"));
  await makePipes(join(folder, "next"));
  const first = openPipe(pipesIn(join(folder, "first")).stdout);
  // As a signal is sent that waited for this very line.
  first.reader.on("data", () => first.reader.lookNow());
  writeSync(first.writer, "created\n");
  await once(first.reader, "data");
  await new Promise((resolve) => setTimeout(resolve, 20)); // it waits for more
  closeSync(first.writer);
  first.reader.destroy();
  await once(first.reader, "close");

  const next = openPipe(pipesIn(join(folder, "next")).stdout); // with the descriptors that are free now
  writeSync(next.writer, "its own\n");
  await new Promise((resolve) => setTimeout(resolve, 150)); // three of the longest pauses
  let text = "";
  next.reader.on("data", (piece: Buffer) => text += String(piece));
  writeSync(next.writer, "to the end\n");
  closeSync(next.writer);
  await once(next.reader, "close");
  assert.equal(text, "its own\nto the end\n");
});

test("a large output comes whole through pipes, also with pauses, and its end is the process's", async (t) => {
  const folder = await testFolder(t);
  await makePipes(join(folder, "pipes"));
  const { promise: over, resolve } = Promise.withResolvers<number | null>();
  let bytes = 0;
  const run = startRun({
    program: "/bin/sh",
    args: ["-c", "yes 0123456789 | head -c 11000000; exit 7"],
    folder,
    env,
    pipes: pipesIn(join(folder, "pipes")),
  }, {
    started: () => {},
    output(_, block) {
      bytes += block.length;
      setTimeout(() => run.resume(), 1);
      return false;
    },
    exited: ({ code }) => resolve(code),
    gone: () => {},
    failed: assert.fail,
  });
  assert.equal(await over, 7);
  assert.equal(bytes, 11_000_000);
});

test("where there are no pipes, a process runs without", async (t) => {
  const folder = await testFolder(t);
  const { promise: over, resolve } = Promise.withResolvers<void>();
  let said = "";
  startRun({
    program: "/bin/echo",
    args: ["hello"],
    folder,
    env,
    pipes: pipesIn(join(folder, "none")),
  }, {
    started: () => {},
    output: (_, block) => (said += block) !== "",
    exited: () => resolve(),
    gone: () => {},
    failed: assert.fail,
  });
  await over;
  assert.equal(said, "hello\n");
});

test("pipes are made anew where there were some", async (t) => {
  const folder = join(await testFolder(t), "pipes");
  await makePipes(folder);
  await makePipes(folder);
  assert.deepEqual((await readdir(folder)).sort(), ["stderr", "stdout"]);
});
