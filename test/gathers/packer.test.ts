import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { gatherFolder, makeFolder } from "../../src/gathers/folders.ts";
import { createPacker } from "../../src/gathers/packer.ts";
import { testFolder } from "../support/folder.ts";
import { entry } from "./stage.ts";

/** A gather called `plan:a` whose tree holds these files, ready to be packed. */
async function stage(t: TestContext, files: Record<string, string>, stem?: string) {
  const root = await testFolder(t);
  const folder = gatherFolder(root, 1);
  await makeFolder(folder);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder.tree, name)), { recursive: true });
    await writeFile(join(folder.tree, name), text);
  }
  const packer = createPacker({
    archiveFilename: "must-gather.tar.gz",
    stem,
    format: "zip",
    level: 1,
    threads: 1,
  });
  const troubles: string[] = [];
  const pack = (finish = new AbortController().signal) =>
    packer.pack({ entry: entry(1, { customName: "plan:a" }), folder }, {
      signal: new AbortController().signal,
      finish,
      trouble: (sentence) => troubles.push(sentence),
    });
  return { folder, packer, pack, troubles };
}

/** How RFC 9530 writes the digest of a file. */
const digestOf = async (path: string) =>
  `sha-256=:${createHash("sha256").update(await readFile(path)).digest("base64")}:`;

test("a tree becomes an archive with a name, a size and a digest that are its own", async (t) => {
  const { folder, pack, troubles } = await stage(t, {
    "image/one.yaml": "one",
    "timestamp": "now",
  });
  const { found, archive } = await pack();
  assert.equal(found, "data");
  assert.deepEqual([archive?.name, archive?.file], ["must-gather-plan:a.zip", "archive.zip"]);
  const bytes = await readFile(join(folder.path, "archive.zip"));
  assert.deepEqual([archive?.size, archive?.partial], [bytes.length, false]);
  assert.equal(archive?.digest, await digestOf(join(folder.path, "archive.zip")));
  assert.deepEqual(troubles, []);
});

test("an archive that the image made is taken as it is, under the name it has", async (t) => {
  const { folder, pack } = await stage(t, { "image/must-gather.tar.gz": "what it made" });
  const { found, archive } = await pack();
  assert.deepEqual([found, archive?.name], ["data", "must-gather-plan:a.tar.gz"]);
  assert.equal(await readFile(join(folder.path, archive?.file ?? ""), "utf8"), "what it made");
});

test("trees of the embedded gatherer have a name of their own", async (t) => {
  const { pack } = await stage(t, { "one": "one" }, "local-gather");
  assert.equal((await pack()).archive?.name, "local-gather-plan:a.zip");
});

test("nothing but what oc writes itself is nothing", async (t) => {
  const { folder, pack } = await stage(t, { "timestamp": "now", "event-filter.html": "<html>" });
  assert.deepEqual(await pack(), { found: "nothing", archive: null });
  assert.ok(!(await readdir(folder.path)).some((name) => name.startsWith("archive")));
});

test("what oc's fallback left is told from data, and is partial", async (t) => {
  const { pack } = await stage(t, { "inspect.local.123/one.yaml": "one" });
  const { found, archive } = await pack();
  assert.deepEqual([found, archive?.partial], ["fallback", true]);
});

test("of an ended gather its archive stays and what oc printed, nothing else", async (t) => {
  const { folder, packer, pack } = await stage(t, { "image/one": "one" });
  const { archive } = await pack();
  for (const name of ["exec.log", "archive.zip.part", "archive"]) {
    await writeFile(join(folder.path, name), "x");
  }
  await packer.clear(folder, archive);
  assert.deepEqual((await readdir(folder.path)).toSorted(), ["archive.zip", "exec.log"]);
  await packer.clear(folder, archive);
  await packer.clear(gatherFolder(join(folder.path, "none"), 2), null); // there is nothing: no matter
  await packer.clear(folder, null);
  assert.deepEqual(await readdir(folder.path), ["exec.log"]);
});
