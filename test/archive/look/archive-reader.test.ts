/** Listing archives and taking single files out of them. */
import assert from "node:assert/strict";
import { readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { type ArchiveFile, ArchiveReader } from "../../../src/archive/look/archive-reader.ts";
import { CAPS } from "../../../src/archive/look/caps.ts";
import { descriptors } from "../../support/process-use.ts";
import { testFolder } from "../../support/folder.ts";
import { until } from "../../support/until.ts";
import { logOf, tarGzOf, tarOf } from "../tars.ts";
import { archived, fill, inWork } from "../work.ts";

const LOG = logOf(20_000);
const never = new AbortController().signal;

/** Files in a folder that this process has open, those without a name too. */
async function openIn(folder: string): Promise<number> {
  return (await descriptors(process.pid)).filter((path) => path.startsWith(folder)).length;
}

async function place(t: TestContext, file: string, content: Buffer): Promise<ArchiveFile> {
  const folder = await testFolder(t);
  await writeFile(join(folder, file), content);
  return { folder, file, digest: `sha-256=:${folder}:` };
}

async function read(
  reader: ArchiveReader,
  archive: ArchiveFile,
  path: string,
  start = 0,
  end?: number,
): Promise<Buffer> {
  const item = (await reader.list(archive)).find(path);
  assert.ok(item, `${path} is listed`);
  const pieces: Buffer[] = [];
  const content = reader.content(archive, item, start, end ?? item.size, never);
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function makeNested(): Promise<Buffer> {
  const innermost = await tarOf({ "deep/a.txt": "deepest", "deep/b.log": LOG });
  const inner = await tarGzOf({ "x/": "", "x/one.log": LOG, "in.tar": innermost });
  return await tarGzOf({
    "./must-gather/": "",
    "./must-gather/zero": "",
    "./must-gather/odd.bin": Buffer.alloc(1025, 7),
    [`./must-gather/${"long-".repeat(40)}/${"name".repeat(30)}.yaml`]: "kind: Node\n",
    "./must-gather/inner.tar.gz": inner,
    "./must-gather/link": { link: "odd.bin" },
    "./must-gather/ünï cödé %41.log": LOG,
    "./must-gather/no.tar.gz": "this is no archive",
    "./must-gather/cut.tgz": inner.subarray(0, 5000),
    "./must-gather/last.txt": "the end",
  });
}

const NESTED = await makeNested();

test("all of a tar.gz is listed, with what is in the archives in it", async (t) => {
  const archive = await place(t, "archive.tar.gz", NESTED);
  const items = await new ArchiveReader().list(archive);
  assert.deepEqual([...items].map(({ path, type, size }) => [path, type, size]), [
    ["must-gather", "folder", 0],
    ["must-gather/cut.tgz", "file", 5000],
    ["must-gather/inner.tar.gz", "archive", items.find("must-gather/inner.tar.gz")?.size],
    [
      "must-gather/inner.tar.gz!/in.tar",
      "archive",
      items.find("must-gather/inner.tar.gz!/in.tar")?.size,
    ],
    ["must-gather/inner.tar.gz!/in.tar!/deep/a.txt", "file", 7],
    ["must-gather/inner.tar.gz!/in.tar!/deep/b.log", "file", LOG.length],
    ["must-gather/inner.tar.gz!/x", "folder", 0],
    ["must-gather/inner.tar.gz!/x/one.log", "file", LOG.length],
    ["must-gather/last.txt", "file", 7],
    ["must-gather/link", "link", 0],
    [`must-gather/${"long-".repeat(40)}/${"name".repeat(30)}.yaml`, "file", 11],
    ["must-gather/no.tar.gz", "file", 18],
    ["must-gather/odd.bin", "file", 1025],
    ["must-gather/zero", "file", 0],
    ["must-gather/ünï cödé %41.log", "file", LOG.length],
  ]);
  assert.equal(items.find("must-gather/zero")?.modified, Date.parse("2026-01-02T03:04:05Z"));
});

test("every file of a tar.gz comes as it went in, whole and in part, first and second time", async (t) => {
  const archive = await place(t, "archive.tar.gz", NESTED);
  const reader = new ArchiveReader();
  const expected: Record<string, string | Buffer> = {
    "must-gather/zero": "",
    "must-gather/odd.bin": Buffer.alloc(1025, 7),
    "must-gather/last.txt": "the end",
    "must-gather/no.tar.gz": "this is no archive",
    "must-gather/ünï cödé %41.log": LOG,
    "must-gather/inner.tar.gz!/x/one.log": LOG,
    "must-gather/inner.tar.gz!/in.tar!/deep/a.txt": "deepest",
    "must-gather/inner.tar.gz!/in.tar!/deep/b.log": LOG,
  };
  for (const round of [1, 2]) {
    for (const [path, content] of Object.entries(expected)) {
      const bytes = await read(reader, archive, path);
      assert.ok(bytes.equals(Buffer.from(content)), `${path}, time ${round}`);
    }
  }
  const part = await read(reader, archive, "must-gather/inner.tar.gz!/x/one.log", 1000, 600_000);
  assert.equal(part.toString(), LOG.slice(1000, 600_000));
});

test("a ZIP gives the files that were packed, and what is in a tar.gz in it", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, {
      "image/a.log": LOG,
      "image/back\\slash.txt": "escaped",
      "image/empty": "",
      "image/stored.gz": gzipSync(LOG),
      "other/must-gather.tar.gz": await tarGzOf({ "ns/pod.log": LOG }),
    });
    const { file } = await archived(tree, folder);
    const archive = { folder, file: file.slice(folder.length + 1), digest: "d" };
    const reader = new ArchiveReader();
    assert.equal((await read(reader, archive, "image/a.log")).toString(), LOG);
    assert.equal((await read(reader, archive, "image/a.log", 5, 70)).toString(), LOG.slice(5, 70));
    assert.equal((await read(reader, archive, "image/back%5Cslash.txt")).toString(), "escaped");
    assert.equal((await read(reader, archive, "image/empty")).length, 0);
    assert.ok((await read(reader, archive, "image/stored.gz")).equals(gzipSync(LOG)));
    const inner = "other/must-gather.tar.gz!/ns/pod.log";
    assert.equal((await read(reader, archive, inner)).toString(), LOG);
    assert.equal((await read(reader, archive, inner, 9, 19)).toString(), LOG.slice(9, 19));
  });
});

test("the list is read from beside the archive, and made again when it is cut or another's", async (t) => {
  const archive = await place(t, "archive.tar.gz", await tarGzOf({ "a.txt": "a", "b.txt": "b" }));
  const list = join(archive.folder, "contents.jsonl");
  const first = await new ArchiveReader().list(archive);
  const kept = await readFile(list, "utf8");
  // Another name in the list shows that it is the list that was read.
  await writeFile(list, kept.replace('"a.txt"', '"A.txt"'));
  assert.equal([...await new ArchiveReader().list(archive)][0]?.path, "A.txt");
  await truncate(list, kept.length - 10);
  assert.deepEqual([...await new ArchiveReader().list(archive)], [...first]);
  const other = await new ArchiveReader().list({ ...archive, digest: "another" });
  assert.deepEqual([...other], [...first]);
  assert.match(await readFile(list, "utf8"), /"another"/);
});

test("whoever asks at once gets the same list and the same file, made once", async (t) => {
  const archive = await place(t, "archive.tar.gz", NESTED);
  const reader = new ArchiveReader();
  const lists = await Promise.all(Array.from({ length: 10 }, () => reader.list(archive)));
  assert.equal(new Set(lists).size, 1);
  const path = "must-gather/inner.tar.gz!/x/one.log";
  const all = await Promise.all(Array.from({ length: 20 }, () => read(reader, archive, path)));
  assert.ok(all.every((bytes) => bytes.toString() === LOG));
  assert.equal(await openIn(archive.folder), 1, "one file is kept open for all");
});

test("nothing is left in the folder but the list, and kept files are let go when they are not used", async (t) => {
  const archive = await place(t, "archive.tar.gz", NESTED);
  const reader = new ArchiveReader({ idleMs: 20 });
  await read(reader, archive, "must-gather/odd.bin");
  await read(reader, archive, "must-gather/last.txt");
  assert.deepEqual((await readdir(archive.folder)).sort(), ["archive.tar.gz", "contents.jsonl"]);
  await until("kept files are closed", async () => await openIn(archive.folder) === 0);
  assert.equal((await read(reader, archive, "must-gather/last.txt")).toString(), "the end");
});

test("more than the cache holds: what was used longest ago goes, and a larger file is not kept", async (t) => {
  const archive = await place(t, "archive.tar.gz", NESTED);
  const reader = new ArchiveReader({ scratchBytes: 1100 });
  await read(reader, archive, "must-gather/odd.bin");
  await read(reader, archive, "must-gather/last.txt");
  assert.equal(await openIn(archive.folder), 2);
  await read(reader, archive, "must-gather/inner.tar.gz!/in.tar!/deep/a.txt");
  assert.equal(await openIn(archive.folder), 3, "1025, 7 and 7 bytes fit");
  const big = await read(reader, archive, "must-gather/inner.tar.gz!/x/one.log");
  assert.equal(big.toString(), LOG);
  assert.equal(await openIn(archive.folder), 3);
  const small = new ArchiveReader({ scratchBytes: 1026 });
  await read(small, archive, "must-gather/odd.bin");
  await read(small, archive, "must-gather/last.txt");
  await until("the first is closed", async () => await openIn(archive.folder) === 4);
});

test("a reader that stops in the middle, or is told to, holds no file open", async (t) => {
  const big = await tarGzOf({ "a.txt": "a", "b.log": Buffer.from(logOf(60_000)) });
  const plain = await tarOf({ "a.txt": "a", "b.log": Buffer.alloc(5_000_000, 1) });
  for (const content of [big, plain]) {
    const tar = await place(t, "archive.tar.gz", content);
    const reader = new ArchiveReader({ scratchBytes: 2 });
    const item = (await reader.list(tar)).find("b.log");
    assert.ok(item);
    for await (const piece of reader.content(tar, item, 0, item.size, never)) {
      assert.ok(piece.length > 0);
      break;
    }
    assert.equal(await openIn(tar.folder), 0);
    const gone = new AbortController();
    const bytes = reader.content(tar, item, 0, item.size, gone.signal);
    await bytes.next();
    gone.abort(new Error("gone"));
    await assert.rejects(async () => {
      for await (const _ of bytes);
    }, /gone/);
    assert.equal(await openIn(tar.folder), 0);
  }
});

test("bombs are refused, and the cap is named", async (t) => {
  const many = await place(
    t,
    "archive.tar.gz",
    await tarGzOf(Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`${n}`, ""]))),
  );
  const zeros = await place(t, "archive.tar.gz", await tarGzOf({ zeros: Buffer.alloc(3_000_000) }));
  const inner = await tarGzOf({ zeros: Buffer.alloc(3_000_000) });
  const hidden = await place(t, "archive.tar.gz", await tarGzOf({ "in.tar.gz": inner }));
  const list = (archive: ArchiveFile, caps: object) =>
    new ArchiveReader({ caps: { ...CAPS, ...caps } }).list(archive);
  await assert.rejects(list(many, { entries: 49 }), /TooMuchError.*49 entries/);
  await assert.rejects(list(many, { names: 89 }), /TooMuchError.*89 characters/);
  await assert.rejects(list(zeros, { bytes: 2_000_000 }), /TooMuchError.*2000000 bytes/);
  await assert.rejects(list(hidden, { bytes: 2_000_000 }), /TooMuchError.*2000000 bytes/);
  await assert.rejects(list(hidden, { harmless: 1e6 }), /TooMuchError.*500 times/);
  assert.equal((await list(zeros, {})).length, 1, "a small one does no harm");
  assert.deepEqual((await readdir(many.folder)).sort(), ["archive.tar.gz"]);
});

test("archives that are too deep are shown as files", async (t) => {
  let content = await tarGzOf({ "a.txt": "a" });
  for (let n = 0; n < 5; n++) content = await tarGzOf({ "in.tgz": content });
  const archive = await place(t, "archive.tar.gz", content);
  const items = await new ArchiveReader().list(archive);
  assert.deepEqual([...items].map(({ path, type }) => [path, type]), [
    ["in.tgz", "archive"],
    ["in.tgz!/in.tgz", "archive"],
    ["in.tgz!/in.tgz!/in.tgz", "archive"],
    ["in.tgz!/in.tgz!/in.tgz!/in.tgz", "file"],
  ]);
});

test("a bomb in a ZIP ends at the size that its directory says", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "a.log": "x".repeat(200_000) });
    const { file } = await archived(tree, folder);
    const archive = { folder, file: file.slice(folder.length + 1), digest: "d" };
    const reader = new ArchiveReader();
    const item = (await reader.list(archive)).find("a.log");
    assert.ok(item?.place);
    const lying = { ...item, size: 100, place: { ...item.place, size: 100 } };
    const content = reader.content(archive, lying, 0, 100, never);
    await assert.rejects(async () => {
      for await (const _ of content);
    }, /longer than it says/);
    const wrong = { ...item, place: { ...item.place, crc: item.place.crc ^ 1 } };
    await assert.rejects(async () => {
      for await (const _ of reader.content(archive, wrong, 0, item.size + 1, never));
    }, /checksum/);
  });
});

test("what is no archive, cut or damaged is refused with the reason, and leaves nothing open", async (t) => {
  const whole = NESTED;
  const damaged = Buffer.from(whole);
  damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 0x55;
  const cases: [string, Buffer, RegExp][] = [
    ["archive.tar.gz", Buffer.from("no archive at all, just text"), /UnreadableError/],
    ["archive.tar.gz", Buffer.alloc(0), /UnreadableError/],
    ["archive.tar.gz", Buffer.from([0x1f, 0x8b]), /UnreadableError.*ends in the middle/],
    ["archive.tar.gz", whole.subarray(0, whole.length >> 1), /UnreadableError.*ends? (?:in|ed)/],
    ["archive.tar.gz", whole.subarray(0, -4), /UnreadableError.*ends in the middle/],
    ["archive.tar.gz", damaged, /UnreadableError/],
    ["archive.tar.gz", gzipSync("a".repeat(3000)), /UnreadableError/],
    ["archive", Buffer.from("\xfd7zXZ\0".padEnd(3000, "z"), "latin1"), /UnreadableError/],
    ["archive.zip", Buffer.from("PK\x03\x04 and nothing"), /UnreadableError/],
  ];
  for (const [name, content, expected] of cases) {
    const archive = await place(t, name, content);
    await assert.rejects(new ArchiveReader().list(archive), expected);
    await until("all is closed", async () => await openIn(archive.folder) === 0);
  }
});

test("an archive that was removed is told so", async (t) => {
  const archive = await place(t, "archive.tar.gz", NESTED);
  const reader = new ArchiveReader();
  const items = await reader.list(archive);
  await rm(archive.folder, { recursive: true });
  const item = items.find("must-gather/odd.bin");
  assert.ok(item);
  await assert.rejects(reader.content(archive, item, 0, 10, never).next(), { code: "ENOENT" });
  await assert.rejects(new ArchiveReader().list(archive), { code: "ENOENT" });
});
