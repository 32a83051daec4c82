import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import {
  type Collector,
  FILE_LIMIT,
  LOG_LIMIT,
  type Source,
} from "../../src/embedded/collector.ts";
import { file, logFile, readPart } from "../../src/embedded/file.ts";
import { type Bounds, gather } from "../../src/embedded/gather.ts";
import { made } from "../../src/embedded/machine.ts";
import { logOf, program } from "../../src/embedded/program.ts";
import { gone } from "./start.ts";

const bounds: Bounds = { parallel: 2, each: 5000, all: 10_000, grace: 150 };

function collector(name: string, ...sources: Source[]): Collector {
  return { file: name, about: "a test", sources };
}

async function run(
  collectors: Collector[],
  more: { bounds?: Partial<Bounds>; stop?: AbortSignal } = {},
) {
  const folder = await mkdtemp(join(os.tmpdir(), "embedded-test-"));
  try {
    const lines: string[] = [];
    const outcomes = await gather({
      collectors,
      folder,
      env: { PATH: process.env.PATH },
      stop: more.stop ?? new AbortController().signal,
      bounds: { ...bounds, ...more.bounds },
      tell: (line) => lines.push(line),
    });
    const texts: Record<string, string> = {};
    for (const { file, bytes } of outcomes) {
      if (bytes !== null) texts[file] = await readFile(join(folder, file), "utf8");
    }
    const of = (name: string) => outcomes.find(({ file }) => file === name);
    return { outcomes, texts, lines, of };
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("the first source that gives something counts, and reasons are told when none does", async () => {
  const { texts, of } = await run([
    collector("a/b.txt", program("no-such-program-here"), program("echo", "$HOME", "x")),
    collector("c.txt", program("no-such-program-here"), file("/no/such/file")),
    collector("d.txt", program("sh", "-c", "echo why >&2; exit 3")),
  ]);
  assert.equal(texts["a/b.txt"], "$HOME x\n"); // no shell saw it
  assert.equal(of("a/b.txt")?.how, "echo $HOME x");
  assert.equal(of("c.txt")?.bytes, null);
  assert.equal(
    of("c.txt")?.note,
    "no-such-program-here: no such program; read /no/such/file: no such file or directory",
  );
  assert.match(of("d.txt")?.note ?? "", /exit 3: why$/);
});

test("programs get nothing of our environment but PATH", async () => {
  const { texts } = await run([collector("a", program("env"))]);
  const names = texts.a?.trim().split("\n").map((line) => line.split("=")[0]) ?? [];
  assert.deepEqual(names.filter((name) => !["PWD", "SHLVL", "_"].includes(name ?? "")).sort(), [
    "LC_ALL",
    "PATH",
  ]);
});

test("a collector that takes too long is ended, its part is kept, and the next one runs", async () => {
  const script = "echo part; echo $$; exec sleep 60";
  const { texts, of } = await run([
    collector("slow", program("sh", "-c", script)),
    collector("silent", program("sleep", "60")),
    collector("next", program("echo", "next")),
  ], { bounds: { each: 1500, parallel: 1 } });
  const pid = Number(texts.slow?.split("\n")[1]);
  assert.equal(texts.slow, `part\n${pid}\n`);
  assert.equal(of("slow")?.note, "incomplete: not done after 1.5 s");
  assert.equal(of("silent")?.note, "sleep 60: not done after 1.5 s");
  assert.equal(texts.next, "next\n");
  await gone(pid);
});

test("the time for everything is bounded, and what did not start is told", async () => {
  const { outcomes, of } = await run(
    ["a", "b", "c"].map((name) => collector(name, program("sleep", "60"))),
    { bounds: { all: 200, parallel: 2 } },
  );
  assert.deepEqual(outcomes.map(({ bytes }) => bytes), [null, null, null]);
  assert.equal(of("a")?.note, "sleep 60: the 0.2 s for everything were over");
  assert.equal(of("c")?.note, "not started: the 0.2 s for everything were over");
});

test("a source that does not heed the signal is given up", async () => {
  const hung = made("hang", () => new Promise<string>(() => {}));
  const { of } = await run([collector("hung", hung)], { bounds: { each: 100 } });
  assert.equal(of("hung")?.note, "hang: not done after 0.1 s");
});

test("output is bounded: of a program the first part is kept, of a log the newest whole lines", async () => {
  const { texts, of } = await run([
    collector("endless", program("yes", "0123456")),
    collector("log", logOf("seq", "-f", "%015.0f", "300000")),
  ]);
  assert.equal(texts.endless?.length, FILE_LIMIT);
  assert.equal(of("endless")?.note, `cut: the first ${FILE_LIMIT} bytes`);
  assert.ok((texts.log?.length ?? 0) <= LOG_LIMIT && (texts.log?.length ?? 0) >= LOG_LIMIT - 16);
  assert.ok(texts.log?.endsWith("000000000300000\n"));
  assert.match(texts.log ?? "", /^\d{15}\n/);
});

test("of a log file the newest whole lines are kept", async () => {
  const folder = await mkdtemp(join(os.tmpdir(), "embedded-test-"));
  const path = join(folder, "log");
  await writeFile(path, "first\n" + `${"x".repeat(99)}\n`.repeat(30_000) + "last\n");
  const { texts, of } = await run([collector("log", logFile(path))]);
  await rm(folder, { recursive: true });
  assert.ok(texts.log?.endsWith("last\n") && texts.log.startsWith("x".repeat(99)));
  assert.equal(of("log")?.note, `cut: the newest ${LOG_LIMIT} of 3000011 bytes`);
});

test("secrets are masked in what is collected and in what is told", async () => {
  const { texts, lines, of } = await run([
    collector("a", program("echo", "--token=s3cr3t")),
    collector("b", program("sh", "-c", "echo password=s3cr3t >&2; exit 1")),
  ]);
  assert.equal(texts.a, "--token=***\n");
  assert.doesNotMatch(of("b")?.note.replace(/^sh -c .*?: exit/, "exit") ?? "s3cr3t", /s3cr3t/);
  assert.equal(lines.filter((line) => line.startsWith("gather")).length, 3);
});

test("a link is not followed where that was not allowed, and a pipe is never opened for reading", async () => {
  const folder = await mkdtemp(join(os.tmpdir(), "embedded-test-"));
  await symlink("/etc/hosts", join(folder, "link"));
  await assert.rejects(readPart(join(folder, "link"), 100, "head", false), {
    message: "not a regular file",
  });
  assert.ok((await readPart(join(folder, "link"), 100, "head")).text.length > 0);
  await assert.rejects(readPart("/dev/zero", 100, "head"), { message: "not a regular file" });
  await rm(folder, { recursive: true });
});
