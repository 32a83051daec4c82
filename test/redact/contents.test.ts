import { test, type TestContext } from "node:test";
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { gunzipSync, gzipSync } from "node:zlib";
import { ClosedError, type Contents, rewrite } from "../../src/redact/contents.ts";
import { createRules, Redactor } from "../../src/redact/redactor.ts";
import { tarEnd, tarHeader, tarPadding } from "../../src/archive/tar/format.ts";
import { makeZip } from "./zips.ts";
import { testFolder } from "../support/folder.ts";

const rules = createRules();
const signal = new AbortController().signal;

function tarOf(files: Readonly<Record<string, Buffer | string>>): Buffer {
  const parts = Object.entries(files).flatMap(([name, content]) => {
    const data = Buffer.from(content);
    const head = {
      kind: "file",
      name,
      link: "",
      mode: 0o644,
      mtimeMs: 0,
      size: data.length,
    } as const;
    return [tarHeader(head), data, tarPadding(data.length)];
  });
  return Buffer.concat([...parts, tarEnd()]);
}

async function rewritten(contents: Contents, content: Buffer, path = "file"): Promise<Buffer> {
  const out: Buffer[] = [];
  const source = async function* () {
    for (let at = 0; at < content.length; at += 1000) yield content.subarray(at, at + 1000);
  };
  await rewrite(contents, { path, depth: 0 }, source(), (piece) => {
    out.push(Buffer.from(piece));
    return Promise.resolve();
  });
  return Buffer.concat(out);
}

async function contentsIn(t: TestContext): Promise<Contents> {
  return { redactor: new Redactor(rules, []), folder: await testFolder(t), level: 6, signal };
}

test("a secret is found three archives deep, and nothing else of it changes", async (t) => {
  const contents = await contentsIn(t);
  const noise = "x: y\n".repeat(200_000);
  const inner = tarOf({ "a/deep.yaml": "user: me\npassword: hunter2\n", "noise": noise });
  const zip = await makeZip(t, { "inner.tar.gz": gzipSync(inner), "clean.txt": "nothing\n" });
  const outer = gzipSync(tarOf({ "z.zip": zip, "b.log": "token=abcd1234efgh\n" }));
  const out = gunzipSync(await rewritten(contents, outer));
  const text = out.toString("latin1");
  assert(text.includes("token=<redacted:token:1>"));
  const report = contents.redactor.ledger.report();
  assert.deepEqual(report.rules, { password: 1, token: 1 });
  assert.deepEqual(report.files.paths.map(({ path }) => path).sort(), [
    "file!/b.log",
    "file!/z.zip!/inner.tar.gz!/a/deep.yaml",
  ]);
  const again = new Redactor(rules, []);
  await rewritten({ ...contents, redactor: again, dry: true }, gzipSync(out));
  assert.equal(again.ledger.values, 0);
  assert.deepEqual(await readdir(contents.folder), []);
});

test("what is no text passes as it is, and is named", async (t) => {
  const contents = await contentsIn(t);
  const binary = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 256));
  assert.deepEqual(await rewritten(contents, binary, "core.1"), binary);
  assert.deepEqual(contents.redactor.ledger.report().binary, { count: 1, paths: ["core.1"] });
});

test("an archive that cannot be opened is kept out and named, and the rest goes on", async (t) => {
  const contents = await contentsIn(t);
  const xz = Buffer.concat([Buffer.from("fd377a585a00", "hex"), Buffer.alloc(100)]);
  const cut = gzipSync("password: hunter2\n".repeat(10_000)).subarray(0, 50);
  const damaged = gzipSync(tarOf({ a: "b" }));
  damaged.fill(0xff, 20, 40);
  const tar = tarOf({ "a.xz": xz, "b.gz": cut, "c.tgz": damaged, "d.txt": "password: hunter2\n" });
  const out = (await rewritten(contents, tar)).toString("latin1");
  assert(out.includes("password: <redacted:password:"));
  const left = contents.redactor.ledger.report()["left-out"];
  assert.deepEqual(left.paths.map(({ path }) => path), ["file!/a.xz", "file!/b.gz", "file!/c.tgz"]);
  for (const name of ["a.xz", "b.gz", "c.tgz"]) assert(!out.includes(name));
  assert.deepEqual(await readdir(contents.folder), []);
});

test("an archive in too many archives, and a bomb, are kept out", async (t) => {
  const contents = await contentsIn(t);
  let deep = Buffer.from("password: hunter2\n");
  for (let i = 0; i < 12; i++) deep = gzipSync(deep);
  await assert.rejects(rewritten(contents, deep), ClosedError);
  const caps = { entries: 10, names: 1000, bytes: 1e9, ratio: 100, harmless: 1e5, depth: 3 };
  await assert.rejects(
    rewritten({ ...contents, caps }, gzipSync(Buffer.alloc(10_000_000, "a\n"))),
    /unpacks to more than 100 times/,
  );
});

test("names have no secrets either", async (t) => {
  const contents = await contentsIn(t);
  const name = "logs/token=AKIAABCDEFGHIJKLMNOP/x.log";
  const out = (await rewritten(contents, tarOf({ [name]: "a\n" }))).toString("latin1");
  assert(!out.includes("AKIAABCDEFGHIJKLMNOP"));
  assert(out.includes("logs/token=redacted-token-1/x.log"));
});
