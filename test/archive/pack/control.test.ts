import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir, readlink, writeFile } from "node:fs/promises";
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

/** With one thread 2 MiB are in flight, with two 3: what stops it after 1 MiB stops it in this file. */
const LARGE = text(5 * 1024 * 1024);

/** What this process holds open below `folder`. */
async function openBelow(folder: string): Promise<string[]> {
  const links = (await readdir("/proc/self/fd")).map((fd) =>
    readlink(`/proc/self/fd/${fd}`).catch(() => "")
  );
  return (await Promise.all(links)).filter((path) => path.startsWith(folder));
}

/** An onProgress that does something once, when more than `bytes` are in. */
function once(bytes: number, then: () => void): (done: number) => void {
  let told = false;
  return (done) => {
    if (told || done <= bytes) return;
    told = true;
    then();
  };
}

test("finish keeps what is in, takes the file that is half in out again, and closes the archive", async () => {
  for (const level of [6, 0]) {
    await inWork(async (tree, folder) => {
      await fill(tree, { "a.txt": "first", "b.log": LARGE, "c.txt": "never" });
      const finish = new AbortController();
      const onProgress = once(1024 * 1024, () => finish.abort());
      const control = { finish: finish.signal, onProgress };
      const result = await archived(tree, folder, { threads: 1, level }, control);
      assert.equal(result.whole, false);
      const entries = await entriesOf(result.file);
      assert.deepEqual(entries.map((e) => e.name), ["a.txt", "GATHER.json"]);
      assert.equal(entry(entries, "a.txt").data.toString(), "first");
      assert.equal(gatherJson(entries).whole, false);
      assert.ok(result.size < 2000, "what was taken out is cut off");
      assert.deepEqual(await openBelow(folder), []);
    });
  }
});

test("finish between two files keeps the whole ones", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "a.log": LARGE, "b.log": LARGE, "c.log": LARGE });
    const finish = new AbortController();
    // The second file is under way when the last piece of the first is written.
    const onProgress = once(LARGE.length - 1, () => finish.abort());
    const control = { finish: finish.signal, onProgress };
    const result = await archived(tree, folder, { threads: 1 }, control);
    const entries = await entriesOf(result.file);
    assert.deepEqual(entries.map((e) => e.name), ["a.log", "GATHER.json"]);
    assert.ok(entry(entries, "a.log").data.equals(LARGE));
    assert.equal(result.whole, false);
  });
});

test("finish after the last file changes nothing", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "a.txt": "first" });
    const finish = new AbortController();
    const describe = () => (finish.abort(), {});
    const result = await archived(tree, folder, { describe }, { finish: finish.signal });
    assert.equal(result.whole, true);
  });
});

test("finish while nothing is in gives no archive", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "a.txt": "first" });
    const result = await packed(tree, folder, {}, { finish: AbortSignal.abort() });
    assert.equal(result, undefined);
    assert.deepEqual(await readdir(folder), ["tree"]);
  });
});

test("giving up rejects with the signal's reason, leaves no file and nothing open", async () => {
  const moments: Record<string, (stop: () => void) => Parameters<typeof packed>[3]> = {
    "in a large file": (stop) => ({ onProgress: once(1024 * 1024, stop) }),
    "between files": (stop) => ({ onProgress: once(LARGE.length - 1, stop) }),
    "at the last byte": (stop) => ({ onProgress: once(2 * LARGE.length + 4, stop) }),
  };
  for (const [when, moment] of Object.entries(moments)) {
    await inWork(async (tree, folder) => {
      await fill(tree, { "a.log": LARGE, "b.log": LARGE, "c.txt": "third" });
      const reason = new Error(`given up ${when}`);
      const control = new AbortController();
      const packing = packed(tree, folder, {}, {
        signal: control.signal,
        ...moment(() => control.abort(reason)),
      });
      await assert.rejects(packing, (error) => error === reason, when);
      assert.deepEqual(await readdir(folder), ["tree"], when);
      assert.deepEqual(await openBelow(folder), [], when);
    });
  }
});

test("giving up before or while it is read back leaves nothing either", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "a.log": LARGE });
    const reason = new Error("not even begun");
    await assert.rejects(
      packed(tree, folder, {}, { signal: AbortSignal.abort(reason) }),
      (error) => error === reason,
    );
    const control = new AbortController();
    const late = new Error("all is in");
    const describe = () => (control.abort(late), {});
    await assert.rejects(
      packed(tree, folder, { describe }, { signal: control.signal }),
      (error) => error === late,
    );
    assert.deepEqual(await readdir(folder), ["tree"]);
  });
});

test("a full disk is told in a sentence, with its code, and leaves no half archive", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "a.log": text(4 * 1024 * 1024), "b.log": text(100_000) });
    const small = join(folder, "small");
    const before = `mkdir -p '${small}'; mount -t tmpfs -o size=256k tmpfs '${small}'`;
    const acted = await act({ action: "pack", tree, folder: small }, { before });
    assert.deepEqual(acted.left, []);
    assert.equal(acted.error?.name, "PackError");
    assert.equal(acted.error.code, "ENOSPC");
    assert.match(acted.error.message, /^Cannot write the archive .*no room is left.*ENOSPC/);
  });
});

test("a disk that fills up leaves an archive of what was whole by then", async () => {
  await inWork(async (tree, folder) => {
    // Some fifty of a hundred have room in 4 MB, 2 of which are kept for the archive's end.
    const names = Array.from({ length: 100 }, (_, i) => `${i + 100}.bin`);
    const files = Object.fromEntries(names.map((name) => [name, randomBytes(40_000)]));
    await fill(tree, files);
    const small = join(folder, "small");
    const before = `mkdir -p '${small}'; mount -t tmpfs -o size=4m tmpfs '${small}'`;
    const { packed, error, left } = await act({ action: "pack", tree, folder: small }, { before });
    assert.equal(error, undefined);
    assert.deepEqual(left, ["archive.zip"]);
    assert.equal(packed?.full, true);
    assert.equal(packed.whole, false);
    assert.ok(packed.entries > 20 && packed.entries < 100, `${packed.entries} were read back`);
  });
});

test("a folder that cannot be written is told, and the tree stays", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "a.txt": "first" });
    await assert.rejects(packed(tree, join(folder, "missing")), {
      name: "PackError",
      code: "ENOENT",
    });
    assert.deepEqual(await readdir(tree), ["a.txt"]);
  });
});

test("what a killed process left half-written is replaced", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "a.txt": "first" });
    await writeFile(join(folder, "archive.zip.part"), LARGE);
    await writeFile(join(folder, "archive.zip"), "old");
    const result = await archived(tree, folder);
    assert.deepEqual((await readdir(folder)).sort(), ["archive.zip", "tree"]);
    assert.equal(entry(await entriesOf(result.file), "a.txt").data.toString(), "first");
  });
});
