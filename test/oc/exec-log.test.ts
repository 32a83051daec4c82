import assert from "node:assert/strict";
import { readdir, readFile, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import {
  ExecLog,
  LOG_PIECE_BYTES,
  logExtent,
  logTail,
  positionOfLastLines,
  readLog,
} from "../../src/oc/exec-log.ts";
import { testFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";

const MIB = 2 ** 20;

const quiet = {
  drain: () => {},
  error: (error: unknown) => {
    throw error;
  },
};

/** Writes all of a text into a log whose files are this long. */
async function write(folder: string, blocks: readonly string[], segment?: number): Promise<void> {
  const log = new ExecLog(folder, quiet, segment);
  for (const block of blocks) log.write(Buffer.from(block));
  await log.close();
}

/** Reads what is on disk from a position to the end of the output, file by file. */
async function readFrom(folder: string, position: number, segment: number): Promise<string> {
  const { end } = await logExtent(folder, segment);
  let text = "";
  while (position < end) {
    const piece = await readLog(folder, position, 7, segment);
    assert.ok(piece.length > 0, `nothing at ${position} of ${end}`);
    text += piece.toString();
    position += piece.length;
  }
  return text;
}

test("what is written is what is read, over the ends of files", async (t) => {
  const folder = await testFolder(t);
  const lines = Array.from({ length: 30 }, (_, n) => `line number ${n}\n`);
  await write(folder, lines, 64);
  const text = lines.join("");
  assert.deepEqual((await readdir(folder)).length, Math.ceil(text.length / 64));
  assert.deepEqual(await logExtent(folder, 64), { end: text.length, gapStart: 64, gapEnd: 64 });
  for (const position of [0, 1, 63, 64, 65, 200, text.length]) {
    assert.equal(await readFrom(folder, position, 64), text.slice(position));
  }
  assert.equal((await readLog(folder, text.length, 10, 64)).length, 0);
});

test("one block may be longer than many files, and end where a file ends", async (t) => {
  const folder = await testFolder(t);
  await write(folder, ["x".repeat(320)], 64);
  assert.equal((await logExtent(folder, 64)).end, 320);
  await rm(folder, { recursive: true });
  assert.deepEqual(await logExtent(folder, 64), { end: 0, gapStart: 0, gapEnd: 0 });
  assert.equal((await readLog(folder, 0, 10, 64)).length, 0);
  assert.equal((await logTail(folder, 10, 64)).length, 0);
  assert.equal(await positionOfLastLines(folder, 3, 64), 0);
});

test("of more than fits, the first file and the newest fifteen stay, and the gap between them is told", async (t) => {
  const folder = await testFolder(t);
  const text = Array.from({ length: 400 }, (_, n) => `${n}`.padStart(7) + "\n").join("");
  await write(folder, [text], 64); // 50 files
  const { end, gapStart, gapEnd } = await logExtent(folder, 64);
  assert.deepEqual({ end, gapStart, gapEnd }, { end: 3200, gapStart: 64, gapEnd: 35 * 64 });
  assert.equal((await readLog(folder, 0, 64, 64)).toString(), text.slice(0, 64));
  assert.equal((await readLog(folder, 64, 64, 64)).length, 0);
  assert.equal(await readFrom(folder, gapEnd, 64), text.slice(gapEnd));
  assert.equal((await logTail(folder, 30, 64)).toString(), text.slice(-24));
});

test("the files are of 16 MiB", async (t) => {
  const folder = await testFolder(t);
  await write(folder, ["x".repeat(16 * MIB), "end\n"]);
  assert.deepEqual((await readdir(folder)).sort(), ["exec.log", "exec.log.1"]);
  assert.equal((await logExtent(folder)).end, 16 * MIB + 4);
  assert.equal((await logTail(folder, 100)).toString(), "x".repeat(96) + "end\n");
});

test("a log starts anew over what a forgotten run left", async (t) => {
  const folder = await testFolder(t);
  await write(folder, ["something long from before\n"]);
  await write(folder, ["new\n"]);
  assert.equal(await readFile(join(folder, "exec.log"), "utf8"), "new\n");
});

test("who writes much is asked to pause and told when to go on, and all of it is there", async (t) => {
  const folder = await testFolder(t);
  let drains = 0;
  const log = new ExecLog(folder, { ...quiet, drain: () => drains++ });
  const block = Buffer.alloc(MIB, "x");
  const answers = [1, 2, 3, 4, 5].map(() => log.write(block));
  assert.deepEqual(answers, [true, true, true, false, false]);
  await until("the drain", () => drains === 1);
  assert.equal(log.write(block), true);
  await log.close();
  assert.equal(drains, 1);
  assert.equal((await logExtent(folder)).end, 6 * MIB);
});

test("what was written can be read while more is being written", async (t) => {
  const folder = await testFolder(t);
  const log = new ExecLog(folder, quiet, 1024);
  let read = "";
  let writing = true;
  const reader = (async () => {
    for (;;) {
      const last = !writing;
      const piece = await readLog(folder, read.length, 100, 1024);
      read += piece.toString();
      if (piece.length === 0 && last) return;
    }
  })();
  const lines = Array.from({ length: 500 }, (_, n) => `line ${n}\n`);
  for (const [n, line] of lines.entries()) {
    log.write(Buffer.from(line));
    if (n % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await log.close();
  writing = false;
  await reader;
  assert.equal(read, lines.join(""));
});

for (
  const [name, spoil] of [
    ["has no room", (folder: string) => symlink("/dev/full", join(folder, "exec.log"))],
    ["is gone", (folder: string) => rm(folder, { recursive: true })],
  ] as const
) {
  test(`a disk that ${name} is told once; the writer goes on and is not left waiting`, async (t) => {
    const folder = await testFolder(t);
    await spoil(folder);
    const errors: unknown[] = [];
    let drains = 0;
    const log = new ExecLog(folder, { drain: () => drains++, error: (e) => errors.push(e) });
    const block = Buffer.alloc(3 * MIB, "x");
    assert.deepEqual([log.write(block), log.write(block)], [true, false]);
    await until("the drain", () => drains === 1);
    for (let n = 0; n < 10; n++) assert.equal(log.write(block), true);
    await log.close();
    assert.equal(errors.length, 1);
    assert.match(`${(errors[0] as NodeJS.ErrnoException).code}`, /^(?:ENOSPC|ENOENT)$/);
  });
}

test("a disk that is full in the middle keeps what it took", async (t) => {
  const folder = await testFolder(t);
  await symlink("/dev/full", join(folder, "exec.log.1"));
  const errors: unknown[] = [];
  const log = new ExecLog(folder, { drain: () => {}, error: (e) => errors.push(e) }, 64);
  log.write(Buffer.from("x".repeat(63) + "\n" + "y".repeat(100)));
  await log.close();
  await rm(join(folder, "exec.log.1"));
  assert.equal(errors.length, 1);
  assert.equal((await logTail(folder, 1000, 64)).toString(), "x".repeat(63) + "\n");
});

test("no file stays open behind a log that was closed", async (t) => {
  const folder = await testFolder(t);
  const open = async () => (await readdir("/dev/fd")).length;
  const before = await open();
  for (let n = 0; n < 20; n++) {
    await write(folder, ["x".repeat(200)], 64);
    await readLog(folder, 0, 10, 64);
    await logTail(folder, 100, 64);
    await positionOfLastLines(folder, 3, 64);
  }
  await until("all to be closed", async () => await open() <= before + 2);
});

/** Where the last lines of a text begin, said in another way. */
function positionByHand(text: string, lines: number): number {
  const ends = [...text.matchAll(/\n/g)].map((match) => match.index + 1)
    .filter((end) => end < text.length);
  return lines > ends.length ? 0 : ends.at(-lines) ?? 0;
}

test("the last lines begin where they should, whatever the lengths of lines and files", async (t) => {
  const folder = await testFolder(t);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom("", "a", "bcd", "x".repeat(20)), { maxLength: 12 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 14 }),
      fc.integer({ min: 8, max: 40 }),
      async (lines, isEnded, wanted, segment) => {
        const text = lines.join("\n") + (isEnded ? "\n" : "");
        for (const name of await readdir(folder)) await rm(join(folder, name));
        if (text !== "") await write(folder, [text], segment);
        assert.equal(
          await positionOfLastLines(folder, wanted, segment),
          positionByHand(text, wanted),
        );
      },
    ),
    { numRuns: 60 },
  );
});

test("last lines that are left out in part begin behind the gap", async (t) => {
  const folder = await testFolder(t);
  const text = Array.from({ length: 400 }, (_, n) => `${n}`.padStart(7) + "\n").join("");
  await write(folder, [text], 64);
  assert.equal(await positionOfLastLines(folder, 3, 64), 3200 - 24);
  assert.equal(await positionOfLastLines(folder, 120, 64), 35 * 64);
  assert.equal(await positionOfLastLines(folder, 121, 64), 35 * 64);
  assert.equal(await positionOfLastLines(folder, 1_000_000, 64), 35 * 64);
});

test("last lines are found over more than is read at a time", async (t) => {
  const folder = await testFolder(t);
  const line = "x".repeat(99) + "\n";
  const lines = Math.ceil(3 * LOG_PIECE_BYTES / line.length);
  await write(folder, [line.repeat(lines)]);
  for (const wanted of [1, 656, lines - 1]) {
    assert.equal(await positionOfLastLines(folder, wanted), (lines - wanted) * 100);
  }
  assert.equal(await positionOfLastLines(folder, lines), 0);
  assert.equal(await positionOfLastLines(folder, lines + 1), 0);
});
