import assert from "node:assert/strict";
import { constants } from "node:fs";
import { readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import zlib from "node:zlib";
import { closeFd, openFd } from "../../../src/archive/fd.ts";
import { STORED } from "../../../src/archive/zip/format.ts";
import { wholeEntries, type WholeEntry } from "../../../src/archive/zip/local-headers.ts";
import { ZipWriter } from "../../../src/archive/zip/writer.ts";
import { atEnd, testFolder } from "../../support/folder.ts";

const { signal } = new AbortController();
const MTIME = Date.UTC(2026, 1, 3, 4, 5, 6);

function headOf(name: string, zip64 = false) {
  return { name: Buffer.from(name), mode: 0o100640, mtimeMs: MTIME, zip64, keepsMode: true };
}

async function all(entries: AsyncIterable<WholeEntry>): Promise<WholeEntry[]> {
  const found: WholeEntry[] = [];
  for await (const entry of entries) found.push(entry);
  return found;
}

/** A ZIP in the making, with a first entry, and what a walk of it finds. */
async function begun(t: TestContext) {
  const file = join(await testFolder(t), "archive.zip.part");
  const fd = await openFd(file, constants.O_CREAT | constants.O_RDWR, 0o600);
  atEnd(t, () => closeFd(fd));
  const writer = new ZipWriter(fd);
  const add = async (name: string, data: Buffer, zip64 = false) => {
    const crc = zlib.crc32(data);
    const sums = { method: STORED, crc, size: data.length, packed: data.length } as const;
    await writer.add(headOf(name, zip64), sums, data);
  };
  const names = async () => {
    await writer.sync();
    const found = await all(wholeEntries(file, signal));
    return found.map(({ head }) => head.name.toString());
  };
  await add("first", Buffer.from("first"));
  return { file, writer, add, names };
}

/** A whole ZIP of somebody else, as far as a walk is concerned: longer than what the writer gathers before it writes. */
async function others(t: TestContext): Promise<Buffer> {
  const { file, add, writer } = await begun(t);
  for (let i = 0; i < 20; i++) await add(`injected ${i}`, Buffer.alloc(100_000, i));
  await writer.sync();
  return await readFile(file);
}

test("what is whole has its name, mode, time and sums, small, large or empty", async (t) => {
  const { file, writer, add } = await begun(t);
  const large = Buffer.alloc(3 << 20, "large");
  await add("empty", Buffer.alloc(0));
  await add("a/folder/", Buffer.alloc(0));
  await writer.begin(headOf("large"), STORED);
  await writer.data(large);
  await writer.end(zlib.crc32(large), large.length);
  await add("zip64", Buffer.from("eight bytes each"), true);
  await writer.sync();
  const found = await all(wholeEntries(file, signal));
  assert.deepEqual(
    found.map(({ head, sums }) => [head.name.toString(), head.zip64, sums.size]),
    [["first", false, 5], ["empty", false, 0], ["a/folder/", false, 0], ["large", false, 3 << 20], [
      "zip64",
      true,
      16,
    ]],
  );
  for (const { head } of found) assert.deepEqual([head.mode, head.mtimeMs], [0o100640, MTIME]);
});

test("an entry under way is not whole, and what is in it is not taken for entries", async (t) => {
  const { writer, names } = await begun(t);
  await writer.begin(headOf("their.zip"), STORED);
  await writer.data(await others(t));
  assert.deepEqual(await names(), ["first"]);
});

test("an entry that was dropped leaves nothing behind the next one", async (t) => {
  const { writer, add, names } = await begun(t);
  const theirs = await others(t);
  // The next entry ends where theirs has a header.
  const next = "n".repeat(theirs.indexOf("PK\u0003\u0004", 100) + "their.zip".length);
  await writer.begin(headOf("their.zip"), STORED);
  await writer.data(theirs);
  await writer.drop();
  await add("", Buffer.from(next));
  assert.deepEqual(await names(), ["first", ""]);
});

test("a ZIP that is cut anywhere gives what is whole in front of the cut", async (t) => {
  const { file, add, names } = await begun(t);
  await add("second", Buffer.alloc(300, "second"));
  assert.deepEqual(await names(), ["first", "second"]);
  const { size } = await stat(file);
  const [first] = await all(wholeEntries(file, signal));
  for (let length = size - 1; length > 0; length -= 7) {
    await truncate(file, length);
    const found = await all(wholeEntries(file, signal));
    assert.equal(found.length, length >= (first?.end ?? 0) ? 1 : 0, `${length} of ${size} bytes`);
  }
});

test("a file that is no ZIP, and none, have nothing whole in them", async (t) => {
  const folder = await testFolder(t);
  await writeFile(join(folder, "text"), "PK is how this begins, and not how it goes on for long");
  for (const name of ["text", "none"]) {
    assert.deepEqual(await all(wholeEntries(join(folder, name), signal)), []);
  }
});
