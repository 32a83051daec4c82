import assert from "node:assert/strict";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { folderSize, watchSize } from "../../src/gathers/size-watch.ts";
import { atEnd, testFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";

test("the size of a folder is that of its files, however deep; links are not followed", async (t) => {
  const folder = await testFolder(t);
  assert.equal(await folderSize(folder), 0);
  assert.equal(await folderSize(join(folder, "none")), 0);
  await mkdir(join(folder, "a", "b"), { recursive: true });
  await writeFile(join(folder, "one"), "x".repeat(10));
  await writeFile(join(folder, "a", "b", "two"), "x".repeat(100));
  await symlink(join(folder, "one"), join(folder, "link"));
  await symlink("..", join(folder, "a", "up"));
  await mkdir(join(folder, "closed"));
  await chmod(join(folder, "closed"), 0o000);
  assert.equal(await folderSize(folder), 110);
  await chmod(join(folder, "closed"), 0o700);
});

test("a size is told at once, and again only when it has changed, until it is over", async (t) => {
  const folder = await testFolder(t);
  const keep = setInterval(() => {}, 1000); // the watch keeps no process alive by itself
  atEnd(t, () => clearInterval(keep));
  const stop = new AbortController();
  const told: number[] = [];
  watchSize(folder, stop.signal, (bytes) => told.push(bytes));
  await until("the first size", () => told.length === 1);
  await writeFile(join(folder, "file"), "12345");
  await until("the next size", () => told.length === 2);
  stop.abort();
  await writeFile(join(folder, "file"), "123456789");
  await new Promise((resolve) => setTimeout(resolve, 1100));
  assert.deepEqual(told, [0, 5]);
});
