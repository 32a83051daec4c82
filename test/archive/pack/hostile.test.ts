import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { lstat, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import StreamZip from "node-stream-zip";
import { removeTree } from "../../../src/archive/pack/pack.ts";
import { Tree } from "../../../src/archive/pack/tree.ts";
import type { Left, TreeEntry } from "../../../src/archive/pack/tree.ts";
import {
  act,
  archived,
  entriesOf,
  entry,
  fill,
  gatherJson,
  giveAway,
  inWork,
  isRoot,
  python,
  text,
} from "../work.ts";

/** Whether this runtime can open a file whose name is not UTF-8. Deno cannot. */
async function opensAnyName(path: Buffer): Promise<boolean> {
  return await lstat(path).then(() => true, () => false);
}

test("names with newline, backslash, colon, 255 bytes and no UTF-8 pack into what all readers take", async () => {
  await inWork(async (tree, folder) => {
    await python(
      tree,
      `
for name in [b"new\\nline", b"back\\\\slash", b"a:b", b"c:", b"..\\\\..\\\\x", b"\\xe9\\xff", b"n" * 255, b"\\\\" * 255,
             b"CON", b"dot.", b"%41", b"\\x01\\x1f\\x7f", b"__proto__", b"-rf", "\\u202e\\U0001f642".encode()]:
    open(name, "wb").write(b"<" + name + b">")
`,
    );
    const result = await archived(tree, folder);
    const entries = await entriesOf(result.file);
    const bad = join(tree, "x");
    const badPath = Buffer.concat([Buffer.from(bad.slice(0, -1)), Buffer.from([0xe9, 0xff])]);
    const all = await opensAnyName(badPath);
    const expected = new Map([
      ["new%0Aline", "<new\nline>"],
      ["back%5Cslash", "<back\\slash>"],
      ["a%3Ab", "<a:b>"],
      ["c%3A", "<c:>"],
      ["..%5C..%5Cx", "<..\\..\\x>"],
      ["n".repeat(255), `<${"n".repeat(255)}>`],
      ["%43ON", "<CON>"],
      ["dot%2E", "<dot.>"],
      ["%2541", "<%41>"],
      ["%01%1F%7F", "<\x01\x1f\x7f>"],
      ["__proto__", "<__proto__>"],
      ["-rf", "<-rf>"],
      ["\u202e\u{1f642}", "<\u202e\u{1f642}>"],
    ]);
    for (const [name, content] of expected) {
      assert.equal(entry(entries, name).data.toString(), content);
    }
    const told = gatherJson(entries);
    if (all) {
      assert.deepEqual(entry(entries, "%E9%FF").data, Buffer.from("<\xe9\xff>", "latin1"));
      assert.ok(told.renamed.some(({ name, base64 }) => name === "%E9%FF" && base64 === "6f8="));
    } else assert.equal(told.skipped.length, 1);
    const cut = told.renamed.find(({ was }) => was === "\\".repeat(255));
    assert.equal(entry(entries, cut?.name ?? "").data.toString(), `<${"\\".repeat(255)}>`);
    const count = expected.size + 1 + (all ? 1 : 0);
    assert.equal(entries.length, count + 1);
    assert.equal(result.entries, entries.length);
  });
});

test("links are stored as links, and nothing outside is ever read", async () => {
  await inWork(async (tree, folder) => {
    const secret = "secret-" + "5e1f".repeat(8);
    await fill(folder, { "outside/secret.txt": secret });
    await fill(tree, { "data": "d" });
    await symlink("../outside", join(tree, "folder-link"));
    await symlink(join(folder, "outside/secret.txt"), join(tree, "file-link"));
    await symlink("/proc/self/environ", join(tree, "proc"));
    await symlink("nowhere", join(tree, "dangling"));
    await symlink(".", join(tree, "loop"));
    const entries = await entriesOf((await archived(tree, folder)).file);
    const links = entries.filter((e) => (e.mode & 0o170000) === 0o120000);
    assert.deepEqual(links.map((e) => [e.name, e.data.toString()]), [
      ["dangling", "nowhere"],
      ["file-link", join(folder, "outside/secret.txt")],
      ["folder-link", "../outside"],
      ["loop", "."],
      ["proc", "/proc/self/environ"],
    ]);
    assert.equal(entries.length, links.length + 2);
    assert.ok(entries.every((e) => !e.data.includes(secret)));
  });
});

test("a tree that is a link is refused", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "data": "d" });
    await symlink(tree, join(folder, "linked"));
    await assert.rejects(archived(join(folder, "linked"), folder), {
      name: "PackError",
      code: "ENOTDIR",
    });
  });
});

test("fifos, sockets and devices are named and not opened", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "data": "d" });
    await python(
      tree,
      `
import os, socket
os.mkfifo("fifo")
socket.socket(socket.AF_UNIX).bind("socket")
${isRoot ? 'os.mknod("device", 0o20600, os.makedev(1, 5))' : ""}
`,
    );
    const result = await archived(tree, folder);
    const why = Object.fromEntries(result.skipped.map((s) => [s.path, s.why]));
    assert.match(why["fifo"] ?? "", /fifo/);
    assert.match(why["socket"] ?? "", /socket/);
    assert.equal(why["device"] !== undefined, isRoot);
    const entries = await entriesOf(result.file);
    assert.deepEqual(entries.map((e) => e.name), ["data", "GATHER.json"]);
    assert.deepEqual(gatherJson(entries).skipped, result.skipped);
    assert.equal(result.whole, true);
  });
});

test("what changes while it is packed is packed as far as it is what was seen, and told", async () => {
  await inWork(async (tree, folder) => {
    const large = text(4 * 1024 * 1024);
    await fill(tree, { "a-large": large, "a-second": text(1024 * 1024) });
    for (const name of ["fifo", "grew", "linked", "replaced", "shrank", "stayed", "vanished"]) {
      await fill(tree, { [`z-${name}`]: name.repeat(10) });
    }
    await fill(tree, { "zz-folder/inside": "i" });
    await fill(folder, { "outside/inside": "secret" });
    let changed = false;
    const change = () => {
      if (changed) return;
      changed = true;
      const at = (name: string) => join(tree, name);
      appendFileSync(at("a-large"), "more");
      truncateSync(at("a-second"), 1000);
      appendFileSync(at("z-grew"), "more");
      rmSync(at("z-fifo"));
      execFileSync("mkfifo", [at("z-fifo")]);
      rmSync(at("z-linked"));
      symlinkSync(join(folder, "outside/inside"), at("z-linked"));
      writeFileSync(at("new"), "replaced".repeat(10));
      renameSync(at("new"), at("z-replaced"));
      truncateSync(at("z-shrank"), 3);
      rmSync(at("z-vanished"));
      renameSync(at("zz-folder"), join(folder, "moved"));
      symlinkSync(join(folder, "outside"), at("zz-folder"));
    };
    // With one thread 2 MB are in flight: at the first progress the large file is still being read.
    const result = await archived(tree, folder, { threads: 1 }, { onProgress: change });
    const entries = await entriesOf(result.file);
    assert.ok(entry(entries, "a-large").data.equals(large));
    assert.equal(entry(entries, "a-second").data.length, 1000);
    assert.equal(entry(entries, "z-grew").data.toString(), "grew".repeat(10));
    assert.equal(entry(entries, "z-shrank").data.toString(), "shr");
    assert.equal(entry(entries, "z-stayed").data.toString(), "stayed".repeat(10));
    assert.deepEqual(
      result.skipped.map((s) => s.path).sort(),
      ["z-fifo", "z-linked", "z-replaced", "z-vanished", "zz-folder/"],
    );
    assert.deepEqual(result.incomplete.toSorted(), ["a-large", "a-second", "z-grew", "z-shrank"]);
    assert.ok(entries.every((e) => !e.data.includes("secret")));
    assert.equal(result.whole, true);
  });
});

test("a large file that is cut while it is read is packed as far as it went", async () => {
  await inWork(async (tree, folder) => {
    const large = text(5 * 1024 * 1024);
    await fill(tree, { "large": large, "next": "n" });
    let cut = false;
    const onProgress = () => {
      if (!cut) truncateSync(join(tree, "large"), 4 * 1024 * 1024);
      cut = true;
    };
    const result = await archived(tree, folder, { threads: 1 }, { onProgress });
    const entries = await entriesOf(result.file);
    const { data } = entry(entries, "large");
    assert.ok(data.length >= 4 * 1024 * 1024 && data.length < large.length, `${data.length}`);
    assert.ok(data.equals(large.subarray(0, data.length)));
    assert.deepEqual(result.incomplete, ["large"]);
    assert.equal(entry(entries, "next").data.toString(), "n");
  });
});

test("files and folders closed by their mode are packed with it by their owner, others' are told", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "open": "o", "closed": "c", "folder/a": "a", "listable/b": "b" });
    await python(
      folder,
      `
import os
os.chmod(".", 0o777)
os.chmod("tree/closed", 0)
os.chmod("tree/folder/a", 0o200)
os.chmod("tree/folder", 0)
os.chmod("tree/listable", 0o400)
`,
    );
    await giveAway(tree);
    if (isRoot) await python(tree, 'import os; os.close(os.open("roots", os.O_CREAT, 0))');
    if (isRoot) await fill(tree, { "roots": "r" });
    const acted = await act({ action: "pack", tree, folder }, "unprivileged");
    assert.equal(acted.error, undefined);
    const entries = await entriesOf(join(folder, "archive.zip"));
    const modes = Object.fromEntries(entries.map((e) => [e.name, e.mode & 0o777]));
    assert.equal(modes["closed"], 0);
    assert.equal(modes["folder/"], 0);
    assert.equal(modes["folder/a"], 0o200);
    assert.equal(modes["listable/"], 0o400);
    assert.equal(entry(entries, "closed").data.toString(), "c");
    assert.equal(entry(entries, "folder/a").data.toString(), "a");
    assert.equal(entry(entries, "listable/b").data.toString(), "b");
    assert.deepEqual(acted.packed?.skipped.map((s) => s.path), isRoot ? ["roots"] : []);
    const removed = await act({ action: "remove", tree, folder }, "unprivileged");
    assert.equal(removed.error, undefined);
    assert.ok(!removed.left.includes("tree"));
  });
});

test("data of which nothing can be read is a fault, not an empty gather", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "event-filter.html": text(4 * 1024 * 1024), "gone": "data" });
    const onProgress = () => rmSync(join(tree, "gone"), { force: true });
    await assert.rejects(archived(tree, folder, { threads: 1 }, { onProgress }), {
      name: "PackError",
      code: "EACCES",
      message: /^Nothing that was gathered can be read: gone vanished/,
    });
    assert.deepEqual(await readdir(folder), ["tree"]);
  });
});

test("a hundred folders inside each other and paths over 4,095 bytes do not stop it", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "data": "d" });
    await python(
      tree,
      `
import os
root = os.getcwd()
for i in range(100): os.mkdir("deep-%026d" % i); os.chdir("deep-%026d" % i)
open("bottom.log", "w").write("bottom")
os.chdir(root)
for i in range(30): os.mkdir("l" * 200); os.chdir("l" * 200)
open("never-reached", "w").write("x")
`,
    );
    const result = await archived(tree, folder);
    const entries = await entriesOf(result.file);
    const bottom = entries.filter((e) => e.name.endsWith("/bottom.log"));
    assert.deepEqual(bottom.map((e) => e.data.toString()), ["bottom"]);
    assert.match(bottom[0]?.name ?? "", /^long%7Epaths\/[0-9a-f]{32}\//);
    assert.ok(entries.every((e) => Buffer.byteLength(e.name) <= 900));
    assert.ok(!entries.some((e) => e.name.endsWith("never-reached")));
    assert.ok(result.skipped.some(({ why }) => /longer than the system opens/.test(why)));
    assert.equal(new Set(entries.map((e) => e.name)).size, entries.length);
    const zip = new StreamZip.async({ file: result.file }); // its own, smaller window
    assert.equal(await zip.entriesCount, entries.length);
    await zip.close();
    await removeTree(tree);
    assert.deepEqual(await readdir(folder), ["archive.zip"]);
  });
});

test("trees that are too deep or have too many entries end at the limit and say so", async () => {
  await inWork(async (tree) => {
    await fill(tree, { "a/b/c/d": "d", "a/b/x": "x", "y": "y", "z": "z" });
    const walk = async (depth: number, entries: number) => {
      const found: (TreeEntry | Left)[] = [];
      const opened = await Tree.open(tree, { depth, entries });
      for await (const entry of opened?.walk() ?? []) found.push(entry);
      return found.map((e) => (e.kind === "left" ? `${e.name} ${e.why} ${e.cut}` : e.name));
    };
    assert.deepEqual(await walk(2, 100), [
      "a/",
      "a/b/",
      "a/b/c/",
      "a/b/c/ more than 2 folders deep true",
      "a/b/x",
      "y",
      "z",
    ]);
    assert.deepEqual(await walk(200, 3), [
      "a/",
      "a/b/",
      "a/b/c/",
      "a/b/c/d more than 3 entries: the rest is left out true",
    ]);
    assert.equal((await walk(200, 7)).length, 7);
  });
});
