import assert from "node:assert/strict";
import { readdirSync, renameSync, symlinkSync } from "node:fs";
import { mkdir, readdir, readFile, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { removeTree } from "../../src/archive/pack/pack.ts";
import { act, fill, giveAway, inWork, python } from "./work.ts";

test("a tree goes with all kinds of names in it, and what its links point to stays", async () => {
  await inWork(async (tree, folder) => {
    await fill(folder, { "outside/kept": "k" });
    await fill(tree, { "a/b/c": "c" });
    await symlink("../outside", join(tree, "link"));
    await symlink("nowhere", join(tree, "a/dangling"));
    await python(
      tree,
      `
import os, socket
os.mkfifo("fifo")
socket.socket(socket.AF_UNIX).bind("socket")
os.mkdir(b"bad\\xff\\xfe")
open(b"bad\\xff\\xfe/bad\\xff", "w").close()
open("new\\nline", "w").close()
for i in range(1100): open("many-%d" % i, "w").close()
`,
    );
    await removeTree(tree);
    assert.deepEqual(await readdir(folder), ["outside"]);
    assert.equal(await readFile(join(folder, "outside/kept"), "utf8"), "k");
  });
});

test("a link in the place of a tree goes, and not what it points to", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "kept": "k" });
    await symlink(tree, join(folder, "link"));
    await removeTree(join(folder, "link"));
    assert.deepEqual(await readdir(folder), ["tree"]);
    assert.deepEqual(await readdir(tree), ["kept"]);
  });
});

test("nothing there is nothing to do", async () => {
  await inWork(async (_tree, folder) => {
    await removeTree(join(folder, "never-made"));
  });
});

test("folders without any right are removed by their owner", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "closed/inner/file": "f", "no-write/file": "f", "no-search/file": "f" });
    await mkdir(join(tree, "empty"));
    await python(
      folder,
      `
import os
os.chmod(".", 0o777)
for name, mode in [("closed/inner", 0), ("closed", 0), ("no-write", 0o500), ("no-search", 0o600), ("empty", 0)]:
    os.chmod("tree/" + name, mode)
`,
    );
    await giveAway(tree);
    const acted = await act({ action: "remove", tree, folder }, "unprivileged");
    assert.equal(acted.error, undefined);
    await assert.rejects(stat(tree), { code: "ENOENT" });
  });
});

test("what cannot be removed is told with the system's error, and the rest is gone", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "mine/file": "f", "mounted/busy/file": "f" });
    const busy = join(tree, "mounted/busy");
    const before = `mount -t tmpfs tmpfs '${busy}'; touch '${busy}/x'`;
    const acted = await act({ action: "remove", tree, folder }, { before });
    assert.equal(acted.error?.code, "EBUSY");
    assert.deepEqual(await readdir(tree), ["mounted"]);
    assert.ok(acted.left.includes("tree"));
  });
});

test("a folder that becomes a link out while it is cleared takes nothing from there", async () => {
  await inWork(async (tree, folder) => {
    const names = Array.from({ length: 1000 }, (_, i) => `file-${i}`);
    const files = Object.fromEntries(names.map((name) => [name, ""]));
    await fill(join(tree, "folder"), files);
    await fill(join(folder, "outside"), files);
    const removing = removeTree(tree);
    while (readdirSync(join(tree, "folder")).length > 900) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    renameSync(join(tree, "folder"), join(folder, "away"));
    symlinkSync(join(folder, "outside"), join(tree, "folder"));
    await removing;
    assert.equal(readdirSync(join(folder, "outside")).length, names.length);
  });
});
