import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, closeSync, statSync, writeSync } from "node:fs";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { adoptRun, startRun } from "../../src/oc/run.ts";
import { openToPrint, RELEASED_BYTES, spoolIn, SpoolReader } from "../../src/oc/spool.ts";
import { testFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";

const env = { PATH: process.env.PATH ?? "" };

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A file that is printed to and read. */
async function stage(t: TestContext) {
  const path = join(await testFolder(t), "stdout");
  const writer = openToPrint(path);
  const reader = new SpoolReader(path);
  const read = { text: "", bytes: 0 };
  return { path, writer, reader, read };
}

test("what a process says when nobody listens any more does not end it, and all of it is there for the next who listens", async (t) => {
  const folder = await testFolder(t);
  const spool = spoolIn(folder);
  const script = "echo before; read -r _; echo after; echo why >&2; exec sleep 60";
  const opened = [openToPrint(spool.stdout), openToPrint(spool.stderr)];
  const reader = new SpoolReader(spool.stdout);
  const child = spawn("/bin/sh", ["-c", script], {
    cwd: folder,
    env: { ...env, HOME: folder },
    detached: true,
    stdio: ["pipe", ...opened],
  });
  for (const writer of opened) closeSync(writer);
  const [before] = await once(reader, "data");
  assert.equal(String(before), "before\n");
  reader.destroy(); // as the end of a service does, before it has made anything of what it read

  child.stdin?.write("\n");
  const told = { stdout: "", stderr: "" };
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const run = adoptRun(undefined, { path: folder, home: folder, spool }, {
    output: (stream, block) => (told[stream] += String(block)) !== "",
    exited: () => resolve(),
  });
  await until("both are read", () => told.stdout.includes("after") && told.stderr !== "");
  assert.deepEqual(told, { stdout: "before\nafter\n", stderr: "why\n" });
  run.signal("SIGKILL", "group");
  await over;
});

test("what comes is read soon, and in the end all of it that was there when the end was told", async (t) => {
  const { path, writer, reader, read } = await stage(t);
  reader.on("data", (piece: Buffer) => read.text += String(piece));
  for (const line of ["one\n", "two\n", "three\n"]) {
    writeSync(writer, line);
    await until(line, () => read.text.endsWith(line));
    await pause(120); // longer than the longest pause between two looks
  }
  writeSync(writer, "last\n");
  reader.finish();
  appendFileSync(path, "of one who got away\n");
  await once(reader, "close");
  closeSync(writer);
  assert.equal(read.text, "one\ntwo\nthree\nlast\n");
});

test("an end that is told while nobody wants to read comes when somebody does", async (t) => {
  const { writer, reader, read } = await stage(t);
  writeSync(writer, "x".repeat(300_000));
  closeSync(writer);
  reader.finish();
  await pause(20);
  reader.on("data", (piece: Buffer) => {
    read.bytes += piece.length;
    reader.pause();
    setTimeout(() => reader.resume(), 1);
  });
  await once(reader, "close");
  assert.equal(read.bytes, 300_000);
});

test("what is let go never reads from the file that is opened next", async (t) => {
  const { writer, reader } = await stage(t);
  reader.on("data", () => {});
  writeSync(writer, "line\n");
  await once(reader, "data");
  await pause(20);
  reader.destroy();
  await once(reader, "close");
  const next = await stage(t); // with the descriptor that is free now
  writeSync(next.writer, "its own\n");
  await pause(120);
  next.reader.on("data", (piece: Buffer) => next.read.text += String(piece));
  next.reader.finish();
  await once(next.reader, "close");
  closeSync(next.writer);
  closeSync(writer);
  assert.equal(next.read.text, "its own\n");
});

test("a file that is there already is begun anew, and only its owner may read it", async (t) => {
  const path = join(await testFolder(t), "stdout");
  await writeFile(path, "of an earlier one\n");
  await chmod(path, 0o600);
  closeSync(openToPrint(path));
  assert.equal(await readFile(path, "utf8"), "");
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.throws(() => new SpoolReader(`${path}-none`), { code: "ENOENT" });
});

test("what was read takes no room in the end", async (t) => {
  const { path, writer, reader, read } = await stage(t);
  reader.on("data", (piece: Buffer) => read.bytes += piece.length);
  const block = Buffer.alloc(2 ** 20, "a line of sixteen\n");
  const blocks = 2.5 * RELEASED_BYTES / block.length;
  for (let n = 0; n < blocks; n++) {
    writeSync(writer, block);
    if (n % 16 === 0) await pause(1);
  }
  await until("all is read", () => read.bytes === blocks * block.length);
  const taken = () => statSync(path).blocks * 512;
  await until("the room is given back", () => taken() < RELEASED_BYTES);
  reader.finish();
  await once(reader, "close");
  closeSync(writer);
  assert.equal(statSync(path).size, blocks * block.length, "nothing has moved");
});

test("a large output comes whole, also with pauses, and its end is the process's", async (t) => {
  const folder = await testFolder(t);
  const { promise: over, resolve } = Promise.withResolvers<number | null>();
  let bytes = 0;
  const run = startRun({
    program: "/bin/sh",
    args: ["-c", "yes 0123456789 | head -c 11000000; exit 7"],
    folder,
    env,
    spool: spoolIn(folder),
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
