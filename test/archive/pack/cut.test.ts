import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { copyFile, open, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import {
  act,
  archived,
  entriesOf,
  entry,
  fill,
  gatherJson,
  inWork,
  packed,
  text,
} from "../work.ts";

const LARGE = text(2_000_000);
const FILES = { "a.txt": "first", "b.log": LARGE, "c.txt": "third", "d.bin": randomBytes(300_000) };

/** As if there were no room at all. */
const short = { free: () => Promise.resolve(0) };

const namesIn = async (file: string) => (await entriesOf(file)).map(({ name }) => name);

test("where there is room nothing is removed before the archive is whole", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, FILES);
    await archived(tree, folder);
    assert.deepEqual((await readdir(tree)).toSorted(), Object.keys(FILES));
    assert.deepEqual((await readdir(folder)).toSorted(), ["archive.zip", "tree"]);
  });
});

test("on a disk that has no room for tree and archive both, files go as they are in", async () => {
  await inWork(async (tree, folder) => {
    const names = Array.from({ length: 60 }, (_, i) => `${i + 100}.bin`);
    await fill(tree, Object.fromEntries(names.map((name) => [name, randomBytes(200_000)])));
    const small = join(folder, "small");
    const before = `mkdir -p '${small}'; mount -t tmpfs -o size=18m tmpfs '${small}'; ` +
      `cp -r '${tree}' '${small}/tree'`;
    const inside = { action: "pack", tree: join(small, "tree"), folder: small } as const;
    const { packed, error, left } = await act(inside, { before });
    assert.equal(error, undefined);
    assert.deepEqual([packed?.whole, packed?.full, packed?.entries], [true, false, 61]);
    assert.deepEqual(left.toSorted(), ["archive.zip", "archive.zip.taken", "tree"]);
  });
});

test("one that was whole and not yet in the record is kept, and nothing is packed twice", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, FILES);
    const first = await archived(tree, folder, short);
    assert.deepEqual(await readdir(tree), ["d.bin"]); // with the last nothing is left to pack
    const second = await archived(tree, folder, short);
    const entries = await entriesOf(second.file);
    assert.deepEqual(entries.map(({ name }) => name), [...Object.keys(FILES), "GATHER.json"]);
    assert.equal(second.entries, first.entries);
    assert.equal(gatherJson(entries).counts["before-restart"], 4);
  });
});

test("a ZIP that was cut stays a ZIP, whatever trees are packed into now", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, FILES);
    await archived(tree, folder, short);
    const { kind, file } = await archived(tree, folder, { format: "tar.gz" });
    assert.equal(kind, "zip");
    assert.deepEqual(await namesIn(file), [...Object.keys(FILES), "GATHER.json"]);
  });
});

test("an image's archive that is left alone in the tree is one file of many", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "image/a.txt": "first", "image/must-gather.tar.gz": "what it made" });
    await archived(tree, folder, short);
    await fill(tree, { "image/must-gather.tar.gz": "what it made" });
    const { kind, file } = await archived(tree, folder);
    assert.equal(kind, "zip");
    assert.ok((await namesIn(file)).includes("image/a.txt"));
  });
});

test("what the disk gives back otherwise than it was is cut off, and the archive is not whole", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, FILES);
    const { file } = await archived(tree, folder, short);
    const handle = await open(file, "r+");
    await handle.write(Buffer.from("damage"), 0, 6, 10_000); // in b.log
    await handle.close();
    await fill(tree, { "b.log": LARGE }); // its source was not removed
    const again = await archived(tree, folder, short);
    const entries = await entriesOf(again.file);
    const names = ["a.txt", "b.log", "d.bin", "GATHER.json"];
    assert.deepEqual(entries.map(({ name }) => name), names);
    assert.ok(entry(entries, "b.log").data.equals(LARGE));
    assert.equal(again.whole, false);
    assert.match(gatherJson(entries).skipped[0]?.why ?? "", /bytes of it did not outlive/);
  });
});

test("where packing fails after files have gone, what they have gone into is completed", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, FILES);
    let fails = true;
    const describe = () => {
      if (!fails) return {};
      fails = false;
      throw Object.assign(new Error("input/output error"), { code: "EIO" });
    };
    const result = await archived(tree, folder, { ...short, describe });
    assert.deepEqual(await namesIn(result.file), [...Object.keys(FILES), "GATHER.json"]);
  });
});

test("giving up leaves nothing, also where files have gone", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, FILES);
    const control = new AbortController();
    const describe = () => (control.abort(new Error("not wanted")), {});
    const packing = packed(tree, folder, { ...short, describe }, { signal: control.signal });
    await assert.rejects(packing, { message: "not wanted" });
    assert.deepEqual(await readdir(folder), ["tree"]);
  });
});

test("what stands there without a mark is of no use, and is replaced", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, FILES);
    await archived(tree, folder, short);
    await rm(join(folder, "archive.zip.taken"));
    await rename(join(folder, "archive.zip"), join(folder, "archive.zip.part"));
    await copyFile(join(folder, "archive.zip.part"), join(folder, "archive.zip"));
    await fill(tree, { "e.txt": "fifth" });
    assert.deepEqual(await namesIn((await archived(tree, folder)).file), [
      "d.bin",
      "e.txt",
      "GATHER.json",
    ]);
  });
});

test("a mark without a ZIP changes nothing", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, FILES);
    await writeFile(join(folder, "archive.zip.taken"), "");
    const { file, size } = await archived(tree, folder);
    assert.equal((await stat(file)).size, size);
    assert.deepEqual(await namesIn(file), [...Object.keys(FILES), "GATHER.json"]);
  });
});
