import assert from "node:assert/strict";
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import zlib from "node:zlib";
import StreamZip from "node-stream-zip";
import { verifyZip } from "../../../src/archive/zip/verify.ts";
import { centralRecord, endRecords, localHeader } from "../../../src/archive/zip/format.ts";
import { ZipWriter } from "../../../src/archive/zip/writer.ts";
import { entriesOf, inWork, python } from "../work.ts";

const FILE = 0o100644;
const data = Buffer.from("far away");
const sums = { method: 0, crc: zlib.crc32(data), size: data.length, packed: data.length } as const;
const signal = new AbortController().signal;

function head(name: string, zip64 = false) {
  return { name: Buffer.from(name), mode: FILE, mtimeMs: Date.UTC(2026, 10, 22), zip64 };
}

test("the first number of entries that does not fit in two bytes is read right by all", async () => {
  await inWork(async (_tree, folder) => {
    const file = join(folder, "many.zip");
    const fd = openSync(file, "w+");
    const writer = new ZipWriter(fd);
    for (let i = 0; i < 65_535; i++) await writer.add(head(`folder/file-${i}`), sums, data);
    await writer.close();
    closeSync(fd);
    await verifyZip(file, { entries: 65_535, threads: 2, signal });
    await python(
      folder,
      `
import subprocess, zipfile
z = zipfile.ZipFile("many.zip")
assert len(z.namelist()) == 65535, len(z.namelist())
assert z.read("folder/file-65534") == b"far away"
assert b"65535 files" in subprocess.check_output(["unzip", "-Z", "-t", "many.zip"])
`,
    );
    const zip = new StreamZip.async({ file });
    assert.equal(await zip.entriesCount, 65_535);
    assert.equal((await zip.entryData("folder/file-65534")).toString(), "far away");
    await zip.close();
  });
});

test("an entry with eight-byte sizes, and one beyond 4 GiB of the file, are read by all", async () => {
  await inWork(async (_tree, folder) => {
    const file = join(folder, "far.zip");
    const fd = openSync(file, "w+");
    const far = 5 * 2 ** 30; // a hole: the file takes no room
    const entries = [
      { head: head("near", true), at: 0 },
      { head: head("far"), at: far },
      { head: head("far-64", true), at: far + 1000 },
    ];
    for (const { head, at } of entries) {
      writeSync(fd, Buffer.concat([localHeader(head, sums), data]), 0, undefined, at);
    }
    const directory = Buffer.concat(entries.map(({ head, at }) => centralRecord(head, sums, at)));
    const offset = far + 2000;
    const end = Buffer.concat([directory, endRecords(entries.length, directory.length, offset)]);
    ftruncateSync(fd, offset);
    writeSync(fd, end, 0, undefined, offset);
    closeSync(fd);
    const read = await entriesOf(file);
    assert.deepEqual(read.map((e) => [e.name, e.data.toString(), e.mode]), [
      ["near", "far away", FILE],
      ["far", "far away", FILE],
      ["far-64", "far away", FILE],
    ]);
    const zip = new StreamZip.async({ file });
    for (const { name } of read) assert.equal(String(await zip.entryData(name)), "far away");
    await zip.close();
  });
});

test("an entry in pieces can be dropped again, whether it was flushed or not", async () => {
  await inWork(async (_tree, folder) => {
    for (const size of [10, 3_000_000]) {
      const file = join(folder, `${size}.zip`);
      const fd = openSync(file, "w+");
      const writer = new ZipWriter(fd);
      await writer.add(head("before"), sums, data);
      await writer.begin(head("dropped"), 0);
      await writer.data(Buffer.alloc(size, 1));
      await writer.drop();
      await writer.begin(head("pieces", true), 0);
      for (let i = 0; i < 3; i++) await writer.data(data);
      await writer.end(zlib.crc32(Buffer.concat([data, data, data])), 24);
      assert.equal(writer.entries, 2);
      await writer.close();
      closeSync(fd);
      await verifyZip(file, { entries: 2, threads: 1, signal });
      const read = await entriesOf(file);
      assert.deepEqual(read.map((e) => [e.name, e.data.toString()]), [
        ["before", "far away"],
        ["pieces", "far away".repeat(3)],
      ]);
    }
  });
});

test("times outside of what a ZIP holds are clamped, not wrapped", async () => {
  await inWork(async (_tree, folder) => {
    const file = join(folder, "times.zip");
    const fd = openSync(file, "w+");
    const writer = new ZipWriter(fd);
    const times = [Date.UTC(1901, 0), -1500, Date.UTC(2038, 0, 20), Date.UTC(2500, 0)];
    for (const [i, mtimeMs] of times.entries()) {
      await writer.add({ ...head(`t${i}`), mtimeMs }, sums, data);
    }
    await writer.close();
    closeSync(fd);
    const read = (await entriesOf(file)).map((e) => e.mtime);
    assert.deepEqual(read, [null, -2, null, null]);
    const zip = new StreamZip.async({ file });
    const entries = Object.values(await zip.entries());
    assert.deepEqual(entries.map((e) => new Date(e.time).getUTCFullYear()), [
      1980,
      1980,
      2038,
      2107,
    ]);
    await zip.close();
  });
});
