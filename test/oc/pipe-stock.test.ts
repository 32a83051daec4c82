import assert from "node:assert/strict";
import { lstat, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { PipeStock, STOCKED } from "../../src/oc/pipe-stock.ts";
import { testFolder } from "../support/folder.ts";

/** A stock in a folder, and a `mkfifo` that counts how often it is called. */
async function stage(t: TestContext) {
  const root = await testFolder(t);
  const mkfifo = join(root, "mkfifo");
  const counting = `#!/bin/sh\necho >> ${root}/calls\nexec mkfifo "$@"\n`;
  await writeFile(mkfifo, counting, { mode: 0o755 });
  const calls = () => readFile(join(root, "calls"), "utf8").then((text) => text.length, () => 0);
  const folder = join(root, "stock");
  const gather = (n: number) => join(root, `gather-${n}`);
  return { root, folder, stock: new PipeStock(folder, mkfifo), gather, calls, mkfifo };
}

async function assertPipes(folder: string): Promise<void> {
  assert.deepEqual((await readdir(folder)).sort(), ["stderr", "stdout"]);
  for (const name of ["stderr", "stdout"]) {
    const stats = await lstat(join(folder, name));
    assert.ok(stats.isFIFO(), `${folder}/${name} is no pipe`);
    assert.equal(stats.mode & 0o777, 0o600);
  }
  assert.equal((await lstat(folder)).mode & 0o777, 0o700);
}

test("pipes for several gathers come from one start of mkfifo, and more when they are used up", async (t) => {
  const { stock, gather, calls } = await stage(t);
  for (let n = 0; n < STOCKED; n++) await stock.take(gather(n));
  assert.equal(await calls(), 1);
  await stock.take(gather(STOCKED));
  assert.equal(await calls(), 2);
  for (let n = 0; n <= STOCKED; n++) await assertPipes(gather(n));
});

test("gathers that start at once each get pipes of their own, also more of them than are made at once", async (t) => {
  const { stock, gather } = await stage(t);
  const all = Array.from({ length: STOCKED + 3 }, (_, n) => gather(n));
  await Promise.all(all.map((folder) => stock.take(folder)));
  const inodes = new Set<number>();
  for (const folder of all) {
    await assertPipes(folder);
    inodes.add((await lstat(join(folder, "stdout"))).ino);
  }
  assert.equal(inodes.size, all.length);
});

test("pipes are put anew where there were some", async (t) => {
  const { stock, gather } = await stage(t);
  await stock.take(gather(1));
  const before = await lstat(join(gather(1), "stdout"));
  await stock.take(gather(1));
  await assertPipes(gather(1));
  assert.notEqual((await lstat(join(gather(1), "stdout"))).ino, before.ino);
});

for (
  const [what, harm] of [
    ["was removed", (folder: string) => rm(folder, { recursive: true })],
    ["lost its pipes", async (folder: string) => {
      for (const n of await readdir(folder)) await rm(join(folder, n, "stderr"));
    }],
    ["has files instead of pipes", async (folder: string) => {
      for (const n of await readdir(folder)) {
        await rm(join(folder, n, "stdout"));
        await writeFile(join(folder, n, "stdout"), "");
      }
    }],
  ] as const
) {
  test(`a stock that ${what} is made again, and nobody goes without pipes`, async (t) => {
    const { stock, folder, gather, calls } = await stage(t);
    await stock.take(gather(1));
    await harm(folder);
    for (let n = 2; n < 6; n++) {
      await stock.take(gather(n));
      await assertPipes(gather(n));
    }
    assert.equal(await calls(), 3); // the stock, one for whom it was broken, the stock again
  });
}

test("without mkfifo there is a folder without pipes, and pipes once it is there", async (t) => {
  const { stock, folder, gather, mkfifo } = await stage(t);
  await rename(mkfifo, `${mkfifo}.away`);
  await stock.take(gather(1));
  assert.deepEqual(await readdir(gather(1)), []);
  await assert.rejects(readdir(folder), { code: "ENOENT" });
  await rename(`${mkfifo}.away`, mkfifo);
  await stock.take(gather(2));
  await assertPipes(gather(2));
});

test("where the stock cannot be made, pipes are made for each gather", async (t) => {
  const { folder, gather, root } = await stage(t);
  await writeFile(folder, "");
  const stock = new PipeStock(join(folder, "below a file"));
  for (const n of [1, 2]) {
    await stock.take(gather(n));
    await assertPipes(gather(n));
  }
  assert.ok((await readdir(root)).includes("stock"));
});

test("where there is no room for the folder of a gather, that is told", async (t) => {
  const { stock, gather } = await stage(t);
  await writeFile(gather(1), "");
  await assert.rejects(stock.take(join(gather(1), "pipes")), { code: "ENOTDIR" });
});

test("what a killed service left is not used, and at the end nothing is left", async (t) => {
  const { stock, folder, gather } = await stage(t);
  await mkdir(join(folder, "3", "stdout"), { recursive: true });
  await writeFile(join(folder, "stray"), "");
  await stock.take(gather(1));
  await assertPipes(gather(1));
  assert.equal((await readdir(folder)).length, STOCKED - 1);
  await stock.close();
  await assert.rejects(readdir(folder), { code: "ENOENT" });
  await stock.take(gather(2)); // a gather that was about to start
  await assertPipes(gather(2));
  await assert.rejects(readdir(folder), { code: "ENOENT" });
});
