/** Reading a tree that a stranger changes meanwhile: nothing outside is looked at or opened. */
import assert from "node:assert/strict";
import { readFile, rename, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import {
  LeftOut,
  openSource,
  readLink,
  Tree,
  type TreeEntry,
} from "../../../src/archive/pack/tree.ts";
import { closeFd, readFully } from "../../../src/archive/fd.ts";
import { fill, inWork } from "../work.ts";

/** More than are looked at at once. */
const NAMES = Array.from({ length: 100 }, (_, i) => `file-${String(i).padStart(3, "0")}`);

const all = (content: string, names = NAMES) =>
  Object.fromEntries(names.map((name) => [name, `${content} ${name}`]));

/** What an entry brings into the archive; undefined where it is left out. */
async function contentOf(entry: TreeEntry): Promise<string | undefined> {
  try {
    if (entry.kind === "link") return (await readLink(entry)).toString();
    const { fd, size } = await openSource(entry);
    try {
      const into = Buffer.alloc(size);
      await readFully(fd, into, 0);
      return into.toString();
    } finally {
      await closeFd(fd);
    }
  } catch (error) {
    assert.ok(error instanceof LeftOut);
    return undefined;
  }
}

test("a folder that becomes a link out while it is walked brings nothing from there", async () => {
  await inWork(async (tree, folder) => {
    await fill(join(tree, "folder"), all("inside"));
    await fill(join(folder, "outside"), all("secret"));
    await symlink("inside", join(tree, "folder/link"));
    await symlink("secret", join(folder, "outside/link"));
    const walk = (await Tree.open(tree))?.walk();
    assert.ok(walk);
    let seen = 0;
    for await (const entry of walk) {
      if (++seen === 10) {
        await rename(join(tree, "folder"), join(folder, "away"));
        await symlink(join(folder, "outside"), join(tree, "folder"));
      }
      if (entry.kind === "left" || entry.kind === "folder") continue;
      assert.doesNotMatch(await contentOf(entry) ?? "", /secret/, entry.name);
    }
    assert.ok(seen > 10);
  });
});

test("what was looked at through a link out is not opened through it", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "folder/file": "inside" });
    await fill(folder, { "outside/file": "secret", "outside/closed": "secret" });
    await symlink("secret", join(folder, "outside/link"));
    const entries: TreeEntry[] = [];
    for await (const entry of (await Tree.open(tree))?.walk() ?? []) {
      if (entry.kind === "file") entries.push(entry);
    }
    const [seen] = entries;
    assert.ok(seen);
    assert.equal(await contentOf(seen), "inside");
    await rename(join(tree, "folder"), join(folder, "away"));
    await symlink(join(folder, "outside"), join(tree, "folder"));
    const { dev, ino } = await stat(join(folder, "outside/file"));
    assert.equal(await contentOf({ ...seen, dev, ino, size: 6 }), undefined);
    const link = { ...seen, kind: "link" as const, path: join(tree, "folder/link") };
    assert.equal(await contentOf(link), undefined);
    assert.equal(await readFile(join(folder, "outside/file"), "utf8"), "secret");
  });
});
