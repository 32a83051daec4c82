/** What reading an archive back finds. */
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { test } from "node:test";
import { ArchiveReader } from "../../../src/archive/look/archive-reader.ts";
import { Judge } from "../../../src/archive/pack/verdict.ts";
import { logOf, tarGzOf } from "../tars.ts";
import { archived, fill, inWork } from "../work.ts";

const NOT_FOUND = 'Error from server (NotFound): namespaces "x" not found\n';

test("a packed tree: counts, files that hold only an error, empty ones, and folders that are missing", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, {
      "image-one/version": "1.0\n",
      "image-one/namespaces/a/pods.yaml": NOT_FOUND,
      "image-one/namespaces/b/pods.yaml": `\n${NOT_FOUND}error: one more\n`,
      "image-one/namespaces/b/current.log": `${NOT_FOUND}and then it went on\n`,
      "image-one/namespaces/c/empty.yaml": "",
      "image-two/cluster-scoped-resources/nodes.yaml": "kind: Node\n",
      "image-two/namespaces/a/large.log": logOf(60_000),
      "image-three/anything.txt": "no must-gather tree",
      "inspect.local.1/namespaces/all.yaml": "kind: Namespace\n",
      "timestamp": "now\n",
    });
    const { verdict, entries, damage } = await archived(tree, folder);
    assert.equal(damage, null);
    assert.ok(verdict);
    assert.equal(verdict.entries, entries);
    assert.equal(verdict.files, 11, "GATHER.json is one");
    assert.ok(verdict.bytes > logOf(60_000).length);
    assert.equal(verdict["empty-files"], 1);
    assert.deepEqual(verdict["error-files"], {
      count: 2,
      paths: ["image-one/namespaces/a/pods.yaml", "image-one/namespaces/b/pods.yaml"],
    });
    assert.deepEqual(verdict.missing, ["image-one/cluster-scoped-resources"]);
  });
});

test("an image's own archive is read to its end, and listed on the way", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, {
      "image/must-gather.tar.gz": await tarGzOf({
        "must-gather/": "",
        "must-gather/namespaces/a/pods.yaml": NOT_FOUND,
        "must-gather/namespaces/a/empty": "",
        "must-gather/a.log": "a\n",
        "must-gather/link": { link: "a.log" },
        "must-gather/inner.tar.gz": await tarGzOf({ "error.txt": NOT_FOUND }),
      }),
    });
    const packed = await archived(tree, folder);
    assert.equal(packed.kind, "image");
    assert.equal(packed.damage, null);
    const { bytes, ...counts } = packed.verdict ?? { bytes: 0 };
    assert.ok(bytes > 50);
    assert.deepEqual(counts, {
      "entries": 6,
      "files": 4,
      "empty-files": 1,
      "error-files": { count: 1, paths: ["must-gather/namespaces/a/pods.yaml"] },
      "missing": [],
    });
    assert.ok((await readdir(folder)).includes("contents.jsonl"));
    const items = await new ArchiveReader().list({
      folder,
      file: "not there: the list is enough",
      digest: packed.digest,
    });
    assert.ok(items.find("must-gather/inner.tar.gz!/error.txt"));
  });
});

test("an image's own archive that is cut or damaged is kept, and said to be so", async () => {
  const whole = await tarGzOf({ "must-gather/a.log": logOf(5000) });
  const wrong = Buffer.from(whole);
  wrong[wrong.length - 6] = (wrong[wrong.length - 6] ?? 0) ^ 1; // of gzip's sum
  const cases: [Buffer, RegExp][] = [
    [whole.subarray(0, whole.length >> 1), /is not whole: /],
    [whole.subarray(0, -2), /is not whole: it ends in the middle/],
    [wrong, /is not whole: it is damaged \(incorrect data check\)/],
    [Buffer.from("oops"), /is not whole: /],
  ];
  for (const [content, expected] of cases) {
    await inWork(async (tree, folder) => {
      await fill(tree, { "image/must-gather.tar.gz": content });
      const packed = await archived(tree, folder);
      assert.equal(packed.size, content.length);
      assert.equal(packed.verdict, null);
      assert.match(packed.damage ?? "", expected);
    });
  }
});

test("an archive of a kind that is not known here is no damaged one", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "image/all.tar.xz": Buffer.from("\xfd7zXZ\0 and so on", "latin1") });
    const packed = await archived(tree, folder, { archiveFilename: "all.tar.xz" });
    assert.equal(packed.kind, "image");
    assert.deepEqual([packed.verdict, packed.damage], [null, null]);
  });
});

test("the first 20 files with errors are named, and all are counted", () => {
  const judge = new Judge();
  for (let n = 100; n < 150; n++) {
    judge.see({ path: `a/${n}`, type: "file", size: 10 }, Buffer.from(NOT_FOUND));
  }
  const { count, paths } = judge.verdict(true)["error-files"];
  assert.deepEqual([count, paths.length, paths[0]], [50, 20, "a/100"]);
});
