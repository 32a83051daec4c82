import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
} from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import zlib from "node:zlib";
import StreamZip from "node-stream-zip";
import { removeTree } from "../../../src/archive/pack/pack.ts";
import { archived, entriesOf, entry, fill, gatherJson, inWork, packed, text } from "../work.ts";

const IMAGE = "quay-io-kubev2v-forklift-must-gather-sha256-7057";

async function digestOf(file: string): Promise<string> {
  const hash = createHash("sha256").update(await readFile(file)).digest("base64");
  return `sha-256=:${hash}:`;
}

test("a packed tree holds every byte, mode, time, folder and link, sorted, GATHER.json last", async () => {
  await inWork(async (tree, folder) => {
    const files: Record<string, string | Buffer> = {
      "timestamp": "2026-11-22",
      "empty": "",
      "a-b/x.yaml": "kind: Pod\n",
      "a/x.yaml": "kind: Node\n",
      "a0": text(3000),
      "namespaces/ns/pods/p/current.log": text(3_000_000),
      "namespaces/ns/pods/p/exactly-two-pieces.log": text(1024 * 1024),
      "ünïcode 日本語 🙂.txt": "é",
      "random.bin": createRandom(1_300_000),
      "random-small.bin": createRandom(5000),
    };
    await fill(tree, files);
    await mkdir(join(tree, "empty-folder"));
    await symlink("a/x.yaml", join(tree, "link"));
    await chmod(join(tree, "a0"), 0o4750);
    const past = new Date("2001-02-03T04:05:07Z");
    await utimes(join(tree, "a0"), past, past);

    const result = await archived(tree, folder);
    const entries = await entriesOf(result.file);
    for (const [name, content] of Object.entries(files)) {
      assert.ok(entry(entries, name).data.equals(Buffer.from(content)), name);
      const { mode, mtime } = await stat(join(tree, name)).then((s) => ({
        mode: s.mode & ~0o7000,
        mtime: Math.floor(s.mtimeMs / 1000),
      }));
      assert.deepEqual(
        [entry(entries, name).mode, entry(entries, name).mtime],
        [mode, mtime],
        name,
      );
    }
    assert.equal(entry(entries, "a0").mtime, past.getTime() / 1000);
    assert.equal(entry(entries, "empty-folder/").mode & 0o170000, 0o040000);
    assert.equal(entry(entries, "link").mode & 0o170000, 0o120000);
    assert.equal(entry(entries, "link").data.toString(), "a/x.yaml");

    const names = entries.map((e) => e.name);
    assert.equal(names.pop(), "GATHER.json");
    const sorted = names.map((n) => Buffer.from(n)).sort(Buffer.compare).map(String);
    assert.deepEqual(names, sorted);
    assert.equal(result.entries, entries.length);
    assert.deepEqual([result.kind, result.whole, result.onlyFallback], ["zip", true, false]);
    assert.equal(result.size, (await lstat(result.file)).size);
    assert.equal(result.digest, await digestOf(result.file));
    assert.equal((await lstat(result.file)).mode & 0o777, 0o600);
    assert.deepEqual((await readdir(folder)).sort(), ["archive.zip", "tree"]);
  });
});

function createRandom(bytes: number): Buffer {
  return createHash("shake256", { outputLength: bytes }).update("seed").digest();
}

test("node-stream-zip reads every entry with its own checks, whatever the level", async () => {
  for (const level of [0, 1, 6, 9]) {
    await inWork(async (tree, folder) => {
      const log = text(1_500_000);
      await fill(tree, { "image/current.log": log, "image/small": "x" });
      const { file } = await archived(tree, folder, { level, threads: 1 });
      const zip = new StreamZip.async({ file });
      try {
        assert.ok((await zip.entryData("image/current.log")).equals(log));
        assert.equal((await zip.entryData("image/small")).toString(), "x");
        assert.equal(await zip.entriesCount, 4);
      } finally {
        await zip.close();
      }
    });
  }
});

test("the pieces of a large file are compressed as one", async () => {
  await inWork(async (tree, folder) => {
    // 20 KB that deflate can only shorten by pointing back to the last time they came.
    const block = createRandom(20_000);
    const all = Buffer.concat(Array.from({ length: 100 }, () => block));
    await fill(tree, { "repeated.bin": all });
    const result = await archived(tree, folder, { level: 6 });
    // Deno leaves dictionaries out of account: then each piece holds the block once.
    const knows = zlib.deflateRawSync(block, { dictionary: block }).length < block.length / 2;
    assert.ok(result.size < (knows ? 1.8 : 6) * block.length, `${result.size}`);
    assert.ok(entry(await entriesOf(result.file), "repeated.bin").data.equals(all));
  });
});

test("what is compressed already is stored, and told by its content", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, {
      "small.log.gz": zlib.gzipSync(text(40_000)),
      "large.log.gz": zlib.gzipSync(createRandom(700_000)),
      "not-really.gz": text(40_000),
    });
    const entries = await entriesOf((await archived(tree, folder)).file);
    assert.equal(entry(entries, "small.log.gz").method, 0);
    assert.equal(entry(entries, "large.log.gz").method, 0);
    assert.equal(entry(entries, "not-really.gz").method, 8);
  });
});

test("GATHER.json begins with what the caller says and tells what was packed", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, {
      "image/.blob11.wLF7vI": "half",
      "image/blob1": "whole",
      "image/.config.d": "no temporary",
      "image/GATHER.json": "theirs, not at the root",
      "GATHER.json": "theirs",
      "image/a\\b": "back",
    });
    const seen: unknown[] = [];
    const result = await archived(tree, folder, {
      describe: (found) => (seen.push(found), { reason: "timeout" }),
    });
    const entries = await entriesOf(result.file);
    const told = gatherJson(entries);
    assert.equal(told.reason, "timeout");
    assert.equal(told.whole, true);
    assert.deepEqual(told.incomplete, ["image/.blob11.wLF7vI"]);
    assert.deepEqual(result.incomplete, told.incomplete);
    assert.deepEqual(told.renamed, [
      { name: "%47ATHER.json", was: "GATHER.json" },
      { name: "image/a%5Cb", was: "image/a\\b" },
    ]);
    assert.equal(entry(entries, "%47ATHER.json").data.toString(), "theirs");
    assert.equal(entry(entries, "image/.blob11.wLF7vI").data.toString(), "half");
    assert.equal(told.counts.entries, entries.length - 1);
    assert.equal(seen.length, 1);
  });
});

test("the image's own archive is taken as it is where it stands alone", async () => {
  for (const place of ["must-gather.tar.gz", `${IMAGE}/must-gather.tar.gz`]) {
    await inWork(async (tree, folder) => {
      const own = zlib.gzipSync(text(2_000_000));
      await fill(tree, {
        "timestamp": "t",
        "event-filter.html": "<html>",
        "must-gather.logs": "",
        [`${IMAGE}/gather.logs`]: "l",
        [place]: own,
      });
      await mkdir(join(tree, IMAGE, "empty-folder"));
      const result = await archived(tree, folder);
      assert.deepEqual(
        [result.kind, result.file, result.whole],
        ["image", join(folder, "archive.tar.gz"), true],
      );
      assert.ok((await readFile(result.file)).equals(own));
      assert.equal(result.digest, await digestOf(result.file));
      assert.equal(result.size, own.length);
      assert.equal((await lstat(result.file)).mode & 0o777, 0o600);
      assert.deepEqual(await archived(tree, folder), result, "a second time, as after a crash");
      await removeTree(tree);
      assert.ok((await readFile(result.file)).equals(own));
    });
  }
});

test("an image's archive that was moved, as where there are no hard links, is found again after a crash", async () => {
  await inWork(async (tree, folder) => {
    const files = { "timestamp": "t", [`${IMAGE}/must-gather.tar.gz`]: zlib.gzipSync(text(1000)) };
    await fill(tree, files);
    const result = await archived(tree, folder);
    await rm(join(tree, IMAGE, "must-gather.tar.gz"));
    assert.deepEqual(await archived(tree, folder), result);
    await removeTree(tree);
    assert.deepEqual(await archived(tree, folder), result);
    assert.equal(await packed(tree, folder, { archiveFilename: "other.zip" }), undefined);

    await fill(tree, { "image/data": "newer" });
    assert.equal((await archived(tree, folder)).kind, "zip", "what is in the tree comes first");
  });
});

test("an image's archive with anything beside it is packed with it", async () => {
  const own = `${IMAGE}/must-gather.tar.gz`;
  const beside: Record<string, (tree: string) => Promise<void>> = {
    "a file": (tree) => fill(tree, { [`${IMAGE}/version`]: "1" }),
    "an empty file": (tree) => fill(tree, { "nothing": "" }),
    "a link": (tree) => symlink("timestamp", join(tree, "latest")),
    "a link with a known name": (tree) => symlink("x", join(tree, "gather.logs")),
    "a known name, but deeper": (tree) => fill(tree, { [`${IMAGE}/deep/timestamp`]: "1" }),
    "a second archive": (tree) => fill(tree, { "other-image/must-gather.tar.gz": "second" }),
    "rsync's temporary": (tree) => fill(tree, { [`${IMAGE}/.must-gather.tar.gz.a1B2c3`]: "h" }),
  };
  for (const [what, add] of Object.entries(beside)) {
    await inWork(async (tree, folder) => {
      await fill(tree, { "timestamp": "t", [own]: "archive" });
      await add(tree);
      const result = await archived(tree, folder);
      assert.equal(result.kind, "zip", what);
      const zip = new StreamZip.async({ file: result.file });
      assert.equal((await zip.entryData(own)).toString(), "archive", what);
      await zip.close();
    });
  }
});

test("an image's archive that is deeper, empty or a link is none", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "image/sub/must-gather.tar.gz": "x" });
    assert.equal((await archived(tree, folder)).kind, "zip");
  });
  await inWork(async (tree, folder) => {
    await fill(tree, { "image/must-gather.tar.gz": "", "timestamp": "t" });
    assert.equal(await packed(tree, folder), undefined);
  });
  await inWork(async (tree, folder) => {
    await symlink("/etc/passwd", join(tree, "must-gather.tar.gz"));
    assert.equal(await packed(tree, folder), undefined);
    assert.deepEqual(await readdir(folder), ["tree"]);
  });
});

test("an archive is called after what the image made, where that is known", async () => {
  const names = { "all.tgz": "archive.tar.gz", "a.b.zip": "archive.zip", "dump.exe": "archive" };
  for (const [archiveFilename, name] of Object.entries(names)) {
    await inWork(async (tree, folder) => {
      await fill(tree, { [`image/${archiveFilename}`]: "x" });
      const result = await archived(tree, folder, { archiveFilename });
      assert.deepEqual([result.kind, result.file], ["image", join(folder, name)]);
    });
  }
});

test("no archive is made where nothing was gathered", async () => {
  const nothing: Record<string, (tree: string) => Promise<unknown>> = {
    "empty": () => Promise.resolve(),
    "folders": (tree) => mkdir(join(tree, "a/b"), { recursive: true }),
    "oc's own files": (tree) =>
      fill(tree, { "timestamp": "t", "event-filter.html": "e", "image/gather.logs": "l" }),
    "an empty file": (tree) => fill(tree, { "image/empty.yaml": "" }),
    "a link": (tree) => symlink("/etc/passwd", join(tree, "passwd")),
  };
  for (const [what, make] of Object.entries(nothing)) {
    await inWork(async (tree, folder) => {
      await make(tree);
      assert.equal(await packed(tree, folder), undefined, what);
      assert.deepEqual(await readdir(folder), ["tree"], what);
    });
  }
  await inWork(async (tree, folder) => {
    assert.equal(await packed(join(tree, "never-made"), folder), undefined);
  });
});

test("what only oc's fallback left is told", async () => {
  await inWork(async (tree, folder) => {
    const fallback = { "timestamp": "t", "inspect.local.5577/version.yaml": "v" };
    await fill(tree, fallback);
    assert.equal((await archived(tree, folder)).onlyFallback, true);
    await fill(tree, { "image/version": "1" });
    assert.equal((await archived(tree, folder)).onlyFallback, false);
  });
});

test("progress rises to the number of bytes that the files have", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "a.log": text(2_000_000), "b.log": text(1000) });
    const seen: [number, number][] = [];
    await archived(tree, folder, {}, { onProgress: (done, total) => seen.push([done, total]) });
    assert.deepEqual(seen.at(-1), [2_001_000, 2_001_000]);
    assert.deepEqual(seen.map(([done]) => done), seen.map(([done]) => done).sort((a, b) => a - b));
  });
});
