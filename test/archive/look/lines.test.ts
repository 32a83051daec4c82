/** The last lines of a text, and those that hold a word. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { batched, grep, linesOf, tailOf } from "../../../src/archive/look/lines.ts";

async function* inPieces(text: string | Buffer, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all(pieces: AsyncIterable<Buffer>): Promise<string> {
  const list: Buffer[] = [];
  for await (const piece of pieces) list.push(Buffer.from(piece));
  return Buffer.concat(list).toString("utf8");
}

async function lines(text: string, size: number): Promise<string[]> {
  const list: string[] = [];
  for await (const line of linesOf(inPieces(text, size))) list.push(line.toString("utf8"));
  return list;
}

test("lines are the same whatever the pieces are", async () => {
  for (const text of ["", "\n", "a", "a\n", "a\nb", "\n\na\n", "ä\nöü\n\nlast", "x".repeat(50)]) {
    const expected = text.split("\n");
    if (expected.at(-1) === "") expected.pop();
    for (const size of [1, 2, 3, 7, 1000]) {
      assert.deepEqual(await lines(text, size), expected, JSON.stringify({ text, size }));
    }
  }
});

test("a line is cut at 64 KiB, and the next one is whole", async () => {
  const text = `${"a".repeat(200_000)}\nshort\n`;
  for (const size of [1000, 64 * 1024, 300_000]) {
    assert.deepEqual(await lines(text, size), ["a".repeat(65_536), "short"]);
  }
});

test("a tail is the last lines, of few as of many", async () => {
  const text = Array.from({ length: 12_000 }, (_, n) => `line ${n + 1}\n`).join("");
  assert.equal(await all(tailOf(inPieces(text, 1000), 2)), "line 11999\nline 12000\n");
  assert.equal(await all(tailOf(inPieces(text, 997), 50_000)), text);
  assert.equal(await all(tailOf(inPieces("a\nb", 1), 1)), "b\n");
  assert.equal(await all(tailOf(inPieces("", 1), 5)), "");
});

test("a tail holds 16 MiB at most, and lets go of what it does not give", async () => {
  const line = Buffer.from(`${"x".repeat(60_000)}\n`);
  const many = async function* () {
    for (let n = 0; n < 12_000; n++) yield line;
  };
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  let bytes = 0;
  for await (const piece of tailOf(many(), 100_000)) bytes += piece.length;
  assert.ok(bytes <= 16 * 2 ** 20 && bytes > 16 * 2 ** 20 - line.length, `${bytes}`);
  const grown = process.memoryUsage().rss - before;
  // What was let go of waits for the collector, which takes its time on a busy machine.
  assert.ok(grown < 400 * 2 ** 20, `${grown} bytes more than before, of 720 MB`);
});

test("grep gives lines with their numbers and two around, as grep -n -C2 does", async () => {
  const text = "a\nb\nc\nfound it\nd\ne\nf\ng\nh\ni\nfound again\nfound more\nj\n";
  assert.equal(
    await all(grep(inPieces(text, 3), "found", false)),
    "2-b\n3-c\n4:found it\n5-d\n6-e\n--\n9-h\n10-i\n11:found again\n12:found more\n13-j\n",
  );
  assert.equal(await all(grep(inPieces("found\nx\n", 3), "found", false)), "1:found\n2-x\n");
  assert.equal(
    await all(grep(inPieces("m1\nx\ny\nz\nm2\n", 9), "m", false)),
    "1:m1\n2-x\n3-y\n4-z\n5:m2\n",
  );
});

test("grep takes its text as it is, with case unless told otherwise", async () => {
  const text = "an Error [x] \xc4pfel\nnothing\n";
  assert.equal(
    await all(grep(inPieces(text, 5), "error [X] \xe4PFEL", true)),
    "1:an Error [x] \xc4pfel\n2-nothing\n",
  );
  assert.equal(await all(grep(inPieces(text, 5), "error", false)), "");
  assert.equal(await all(grep(inPieces("a.c\nabc\n", 5), "a.c", false)), "1:a.c\n2-abc\n");
});

test("grep stops after 5000 lines and says so, without reading on", async () => {
  let given = 0;
  const endless = async function* () {
    for (;;) {
      given++;
      yield Buffer.from("match\n".repeat(100));
    }
  };
  const text = await all(grep(endless(), "match", false));
  assert.match(text, /\n5000:match\n-- more than 5000 lines hold this.*\n$/);
  assert.equal(given, 51);
});

test("many pieces come as few", async () => {
  const sizes: number[] = [];
  for await (const piece of batched(inPieces("x".repeat(1050), 10), 100)) sizes.push(piece.length);
  assert.deepEqual(sizes, [...Array(10).fill(100), 50]);
});
