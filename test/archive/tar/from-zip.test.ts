import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, open, readFile, readlink, symlink } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createWriteStream } from "node:fs";
import { test } from "node:test";
import process from "node:process";
import { promisify } from "node:util";
import { zipToTar } from "../../../src/archive/tar/from-zip.ts";
import { descriptors } from "../../support/process-use.ts";
import { archived, fill, inWork, text } from "../work.ts";

/** How often this process has a file open. */
const opened = async (file: string) =>
  (await descriptors(process.pid)).filter((path) => path === file).length;

const run = promisify(execFile);
const LARGE = text(3 * 1024 * 1024 + 17);

test("a ZIP becomes a tar.gz with the same entries", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "a/large.log": LARGE, "a/small.txt": "small", "empty": "" });
    await symlink("a/small.txt", join(tree, "link"));
    const { file } = await archived(tree, folder);
    const tar = join(folder, "converted.tar.gz");
    await pipeline(zipToTar(file, 6), createWriteStream(tar));
    const out = join(folder, "out");
    await mkdir(out);
    await run("tar", ["-xzf", tar, "-C", out]);
    assert.ok((await readFile(join(out, "a/large.log"))).equals(LARGE));
    assert.equal(await readFile(join(out, "a/small.txt"), "utf8"), "small");
    assert.equal(await readFile(join(out, "empty"), "utf8"), "");
    assert.equal(await readlink(join(out, "link")), "a/small.txt");
    const { stdout } = await run("tar", ["-tzf", tar]);
    assert.deepEqual(stdout.trim().split("\n"), [
      "a/",
      "a/large.log",
      "a/small.txt",
      "empty",
      "link",
      "GATHER.json",
    ]);
  });
});

test("a conversion that nobody reads to its end lets go of everything", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "a.log": LARGE });
    const { file } = await archived(tree, folder, { level: 0 });
    const stream = zipToTar(file, 0);
    assert.equal(await opened(file), 0, "nothing is open before it is read");
    for await (const _ of stream) break;
    assert.equal(stream.destroyed, true);
    for (let i = 0; i < 100 && await opened(file) > 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.equal(await opened(file), 0);
  });
});

test("a damaged ZIP breaks the conversion instead of ending it", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "a.log": LARGE });
    const { file } = await archived(tree, folder, { level: 0 });
    const handle = await open(file, "r+");
    await handle.write(Buffer.from("wrong"), 0, 5, 1_000_000);
    await handle.close();
    const read = async () => {
      for await (const _ of zipToTar(file, 1)) { /* passes */ }
    };
    await assert.rejects(read(), /damaged/);
  });
});
