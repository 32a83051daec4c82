/** An archive that an image made itself is written anew, secrets taken out. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { pack } from "../../src/archive/pack/pack.ts";
import { tarEnd, tarHeader, tarPadding } from "../../src/archive/tar/format.ts";
import { createRules, Redactor } from "../../src/redact/redactor.ts";
import { createRewriter } from "../../src/redact/tree-rewriter.ts";
import { testFolder } from "../support/folder.ts";
import { everything } from "./everything.ts";

const signal = new AbortController().signal;
const rules = createRules();

async function packed(t: TestContext, archive: Buffer) {
  const folder = await testFolder(t);
  await mkdir(join(folder, "tree"));
  await writeFile(join(folder, "tree", "must-gather.tar.gz"), archive);
  const contents = { redactor: new Redactor(rules, []), folder, level: 1, signal };
  const made = await pack({
    tree: join(folder, "tree"),
    folder,
    archiveFilename: "must-gather.tar.gz",
    describe: () => ({}),
    level: 1,
    threads: 1,
    rewriter: createRewriter(contents),
  }, { signal });
  assert(made);
  return { made, files: await everything(await readFile(made.file), folder) };
}

function imageArchive(): Buffer {
  const files = {
    "a/secret.log": Buffer.from("log in: password=hunter2 done\n"),
    "a/noise": randomBytes(200_000),
    "a/last.log": Buffer.from("token=abcd1234efgh\n"),
  };
  const parts = Object.entries(files).flatMap(([name, data]) => [
    tarHeader({ kind: "file", name, link: "", mode: 0o644, mtimeMs: 0, size: data.length }),
    data,
    tarPadding(data.length),
  ]);
  return gzipSync(Buffer.concat([...parts, tarEnd()]));
}

test("it has the same files, without their secrets", async (t) => {
  const { made, files } = await packed(t, imageArchive());
  assert.deepEqual([made.kind, made.damage], ["image", null]);
  assert.deepEqual([...files.keys()], ["a/secret.log", "a/noise", "a/last.log"]);
  assert.equal(files.get("a/secret.log"), "log in: password=<redacted:password:1> done\n");
});

test("of one that is cut what is whole stays, redacted, and it is told", async (t) => {
  const whole = imageArchive();
  const { made, files } = await packed(t, whole.subarray(0, whole.length / 2));
  assert.match(made.damage ?? "", /is not whole: it is cut or damaged/);
  assert.equal(files.get("a/secret.log"), "log in: password=<redacted:password:1> done\n");
  assert(!files.has("a/last.log"));
});

test("one that cannot be opened is not kept", async (t) => {
  await assert.rejects(
    packed(t, Buffer.from("fd377a585a000000", "hex")),
    /Secrets cannot be taken out/,
  );
});
