import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, open, readdir, readFile, symlink, truncate, utimes } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { verifyTar } from "../../../src/archive/tar/verify.ts";
import { act, archived, fill, inWork, itemsOf, packed, python, text } from "../work.ts";

const run = promisify(execFile);
const LARGE = text(3 * 1024 * 1024 + 17);
const TAR = { format: "tar.gz" } as const;
const READER = `
import base64, json, sys, tarfile
out = sys.stdout.buffer
with tarfile.open(sys.argv[1], "r:gz", errors="surrogateescape") as t:
    for i in t:
        data = t.extractfile(i).read() if i.isreg() else b""
        out.write(json.dumps({"name": base64.b64encode(i.name.encode("utf8", "surrogateescape")).decode(), "type": i.type.decode(),
            "link": i.linkname, "mode": i.mode, "mtime": i.mtime, "size": len(data)}).encode() + b"\\n" + data)
`;

interface Read {
  /** Bytes, as latin1. */
  name: string;
  /** `0` a file, `5` a folder, `2` a link. */
  type: string;
  link: string;
  mode: number;
  mtime: number;
  data: Buffer;
}

/** Tests a tar.gz with gzip and GNU tar, and reads all of it with Python's tarfile. */
async function entriesOf(file: string): Promise<Read[]> {
  await run("gzip", ["-t", file]);
  await run("tar", ["-tzf", file]);
  await run("bsdtar", ["-tf", file]);
  return (await itemsOf<Read>(READER, file)).map((read) => {
    return { ...read, name: Buffer.from(read.name, "base64").toString("latin1") };
  });
}

test("a tree becomes a tar.gz with contents, modes, times and links as they are", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "a/large.log": LARGE, "a/small.txt": "small", "b/run.sh": "#!/bin/sh\n" });
    await symlink("../../etc/passwd", join(tree, "b/link"));
    await chmod(join(tree, "b/run.sh"), 0o750);
    await utimes(join(tree, "a/small.txt"), 1_700_000_001, 1_700_000_001);
    const result = await archived(tree, folder, TAR);
    assert.equal(result.kind, "tar.gz");
    assert.equal(result.file, join(folder, "archive.tar.gz"));
    assert.equal(result.whole, true);
    assert.equal(result.verdict?.files, 4);
    const entries = await entriesOf(result.file);
    assert.deepEqual(
      entries.map(({ name, type }) => [name, type]),
      [
        ["a", "5"],
        ["a/large.log", "0"],
        ["a/small.txt", "0"],
        ["b", "5"],
        ["b/link", "2"],
        ["b/run.sh", "0"],
        ["GATHER.json", "0"],
      ],
    );
    assert.equal(result.entries, entries.length);
    const [, large, small, , link, program] = entries;
    assert.ok(large?.data.equals(LARGE));
    assert.equal(small?.data.toString(), "small");
    assert.equal(small?.mtime, 1_700_000_001);
    assert.equal(link?.link, "../../etc/passwd");
    assert.equal(program?.mode, 0o750);
    assert.deepEqual((await readdir(folder)).sort(), ["archive.tar.gz", "tree"]);
  });
});

test("names stay as they are on disk, byte for byte and however long", async () => {
  await inWork(async (tree, folder) => {
    const long = `${"d".repeat(120)}/${"e".repeat(120)}/${"f".repeat(120)}.log`;
    const names = ["dev-disk-by\\x2dlabel.service", "über.txt", "con.txt", "what?.log", long];
    await fill(tree, Object.fromEntries(names.map((name) => [name, name])));
    await symlink("t".repeat(300), join(tree, "far"));
    await fill(tree, { "gather.json": "the image's own" });
    if (!("Deno" in globalThis)) { // which cannot open it
      await python(tree, `open(b"not-\\xff-text", "w").write("x")`);
      names.push(Buffer.from("6e6f742dff2d74657874", "hex").toString("latin1"));
    }
    const entries = await entriesOf((await archived(tree, folder, TAR)).file);
    const read = new Map(entries.map((entry) => [entry.name, entry]));
    for (const name of names) {
      const raw = name.includes("\xff") ? name : Buffer.from(name).toString("latin1");
      assert.ok(read.has(raw), name);
    }
    assert.equal(read.get("far")?.link, "t".repeat(300));
    assert.equal(read.get("%67ather.json")?.data.toString(), "the image's own");
    assert.ok(read.has("GATHER.json"));
  });
});

test("finish takes the file that is half in out again, and what was before stays", async () => {
  for (const level of [6, 0]) {
    await inWork(async (tree, folder) => {
      await fill(tree, { "a.txt": "first", "b.log": LARGE, "c.txt": "never" });
      const finish = new AbortController();
      const onProgress = (done: number) => done > 1024 * 1024 && finish.abort();
      const control = { finish: finish.signal, onProgress };
      const result = await archived(tree, folder, { ...TAR, level }, control);
      assert.equal(result.whole, false);
      const entries = await entriesOf(result.file);
      assert.deepEqual(entries.map(({ name }) => name), ["a.txt", "GATHER.json"]);
      assert.equal(JSON.parse(String(entries[1]?.data)).whole, false);
    });
  }
});

test("giving up rejects with the signal's reason and leaves no file", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "a.log": LARGE });
    const control = new AbortController();
    const reason = new Error("given up");
    const onProgress = (done: number) => done > 1024 * 1024 && control.abort(reason);
    const packing = packed(tree, folder, TAR, { signal: control.signal, onProgress });
    await assert.rejects(packing, (error) => error === reason);
    assert.deepEqual(await readdir(folder), ["tree"]);
  });
});

test("a file that shrinks while it is packed is filled up, and named as incomplete", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "a.log": LARGE, "b.txt": "second" });
    let cut: Promise<void> | undefined;
    const onProgress = () => void (cut ??= truncate(join(tree, "a.log"), 600 * 1024));
    const result = await archived(tree, folder, TAR, { onProgress });
    await cut;
    assert.deepEqual(result.incomplete, ["a.log"]);
    const entries = await entriesOf(result.file);
    assert.equal(entries[0]?.data.length, LARGE.length);
    assert.equal(entries[1]?.data.toString(), "second");
  });
});

test("a tar.gz with a wrong byte, a wrong sum, an end too early or another count does not verify", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "a.log": LARGE.subarray(0, 100_000), "b.txt": "second" });
    const { file, entries, size, digest } = await archived(tree, folder, TAR);
    const { signal } = new AbortController();
    const options = { entries, signal, threads: 1 };
    assert.deepEqual(await verifyTar(file, options), { size, digest });
    const refused = { name: "PackError", code: "EVERIFY" };
    await assert.rejects(verifyTar(file, { ...options, entries: entries + 1 }), refused);
    const good = await readFile(file);
    for (const at of [2000, size - 8, size - 1]) {
      const handle = await open(file, "r+");
      await handle.write(Buffer.from([(good[at] ?? 0) ^ 0x55]), 0, 1, at);
      await assert.rejects(verifyTar(file, options), refused, `byte ${at} of ${size}`);
      await handle.write(good, at, 1, at);
      await handle.close();
    }
    await truncate(file, size - 9);
    await assert.rejects(verifyTar(file, options), refused);
  });
});

test("a disk that fills up leaves what was whole by then, and all of that can be read", async () => {
  const sizes: Record<string, (i: number) => number> = {
    "many small files": () => 20_000,
    "files longer than what is compressed in one piece": () => 1_200_000,
    "files that begin and end anywhere": (i) => (i * 7919 * 1013) % 600_000,
  };
  for (const [what, sizeOf] of Object.entries(sizes)) {
    await inWork(async (tree, folder) => {
      const files: Record<string, Buffer> = {};
      for (let i = 0, bytes = 0; bytes < 8e6; i++) {
        const content = randomBytes(sizeOf(i));
        files[`${i + 1000}.bin`] = content;
        bytes += content.length;
      }
      await fill(tree, files);
      const small = join(folder, "small");
      const copyTo = join(folder, "copy.tar.gz");
      const before = `mkdir -p '${small}'; mount -t tmpfs -o size=6m tmpfs '${small}'`;
      const task = { action: "pack", format: "tar.gz", tree, folder: small, copyTo } as const;
      const { packed, error, left } = await act(task, { before });
      assert.equal(error, undefined, what);
      assert.deepEqual(left, ["archive.tar.gz"], what);
      assert.deepEqual([packed?.full, packed?.whole], [true, false], what);
      const entries = await entriesOf(copyTo);
      assert.equal(entries.length, packed?.entries, what);
      const [json, ...others] = entries.toReversed();
      assert.equal(json?.name, "GATHER.json", what);
      assert.equal(JSON.parse(json.data.toString()).counts.entries, others.length, what);
      const names = Object.keys(files).slice(0, others.length);
      assert.deepEqual(others.map(({ name }) => name).toReversed(), names, what);
      for (const { name, data } of others) assert.ok(files[name]?.equals(data), `${what}: ${name}`);
      const bytes = others.reduce((sum, { data }) => sum + data.length, 0);
      assert.ok(
        bytes > 1.5e6 && bytes < 6e6,
        `${what}: ${bytes} bytes of 6 MB, 2 of which are kept`,
      );
    });
  }
});
