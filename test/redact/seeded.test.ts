/** A tree seeded with more than a thousand secrets, of every kind in every place; and the same without any. */
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { pack } from "../../src/archive/pack/pack.ts";
import { tarEnd, tarHeader, tarPadding } from "../../src/archive/tar/format.ts";
import { PIECE } from "../../src/archive/bytes.ts";
import { createRules, Redactor } from "../../src/redact/redactor.ts";
import { residueOf } from "../../src/redact/residue.ts";
import { createRewriter } from "../../src/redact/tree-rewriter.ts";
import { testFolder } from "../support/folder.ts";
import { everything } from "./everything.ts";
import { CLEAN, kindsIn, SPOTS, traces } from "./secrets.ts";
import { makeZip } from "./zips.ts";

const signal = new AbortController().signal;
const rules = createRules();

/** Ways in which a text comes to be in a tree. */
const FORMS = ["plain", "crlf", "border", "gz", "tar.gz", "zip in tar.gz", "three deep"] as const;

/** Of the texts one in so many is put around a border: each takes a piece of 256 KiB. */
const BORDERS = 16;

type Files = Record<string, Buffer>;

function tarOf(files: Files): Buffer {
  const parts = Object.entries(files).flatMap(([name, data]) => [
    tarHeader({ kind: "file", name, link: "", mode: 0o644, mtimeMs: 0, size: data.length }),
    data,
    tarPadding(data.length),
  ]);
  return Buffer.concat([...parts, tarEnd()]);
}

/** Each text in each form. */
async function treeOf(t: TestContext, texts: Files): Promise<Files> {
  const files: Files = {};
  const mapped = (change: (text: Buffer, i: number) => Buffer) =>
    Object.fromEntries(Object.entries(texts).map(([name, text], i) => [name, change(text, i)]));
  for (const [name, text] of Object.entries(texts)) {
    files[`plain/${name}`] = text;
    files[`gz/${name}.gz`] = gzipSync(text);
  }
  for (const [name, text] of Object.entries(mapped(crlf))) files[`crlf/${name}`] = text;
  // Some around the borders of the pieces that are read, a few bytes further each time.
  const line = Buffer.from("nothing is here\n");
  let border = Buffer.alloc(0) as Buffer;
  Object.values(texts).filter((_, i) => i % BORDERS === 0).forEach((text, i) => {
    const to = (Math.ceil((border.length + text.length) / PIECE) * PIECE) -
      (i * 7) % (text.length + 1);
    const gap = Buffer.alloc(Math.max(0, to - border.length), line);
    border = Buffer.concat([border, gap, Buffer.from("\n---\n"), text, Buffer.from("\n---\n")]);
  });
  files["border/large.log"] = border;
  const zip = await makeZip(t, texts);
  files["nested.tar.gz"] = gzipSync(tarOf(texts));
  files["zip.tar.gz"] = gzipSync(tarOf({ "in.zip": zip }));
  files["deep.tar.gz"] = gzipSync(tarOf({ "a.tar.gz": gzipSync(tarOf({ "b.zip": zip })) }));
  return files;
}

function crlf(text: Buffer): Buffer {
  return Buffer.from(text.toString("latin1").replaceAll(/\r?\n/g, "\r\n"), "latin1");
}

async function packed(t: TestContext, files: Files) {
  const folder = await testFolder(t);
  for (const [name, data] of Object.entries(files)) {
    await mkdir(dirname(join(folder, "tree", name)), { recursive: true });
    await writeFile(join(folder, "tree", name), data);
  }
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
  const all = await everything(await readFile(made.file), folder);
  all.delete("GATHER.json");
  return {
    all,
    report: contents.redactor.ledger.report(),
    residue: await residueOf(made.file, contents),
  };
}

test("of 1,000 secrets and more none is left, wherever they are", async (t) => {
  const secrets: string[] = [];
  const texts: Files = {};
  let seed = 1000;
  for (const [i, spot] of SPOTS.entries()) {
    for (const kind of kindsIn(spot)) {
      const secret = kind.make(seed++);
      secrets.push(secret);
      texts[`${i}-${kind.name}.txt`] = Buffer.from(spot.put(secret));
    }
  }
  const files = await treeOf(t, texts);
  const named = kindsIn({ name: "", put: String }).filter(({ name }) => name !== "password");
  for (const kind of named) {
    const secret = kind.make(seed++);
    secrets.push(secret);
    files[`names/${secret}.log`] = Buffer.from("a\n");
    files[`names/password=${secret}/b.log`] = Buffer.from("a\n");
  }
  const count = Object.keys(texts).length;
  const seeded = count * (FORMS.length - 1) + Math.ceil(count / BORDERS) + 2 * named.length;
  assert(seeded >= 1000, `${seeded} are seeded`);
  const { all, report, residue } = await packed(t, files);
  const whole = [...all].flat().join("\n");
  const left = secrets.filter((secret) => traces(secret).some((trace) => whole.includes(trace)));
  t.diagnostic(`${seeded} secrets seeded, ${left.length} left; ${JSON.stringify(report.rules)}`);
  assert.deepEqual(left, []);
  assert.deepEqual(residue, { count: 0, paths: [] });
  assert(report.values >= seeded);
  assert.equal(report["left-out"].count, 0);
});

test("a tree without secrets comes out as it went in, through all archives in it", async (t) => {
  const texts = Object.fromEntries(CLEAN.map((text, i) => [`${i}.txt`, Buffer.from(text)]));
  const files = await treeOf(t, texts);
  const { all, report } = await packed(t, files);
  assert.equal(report.values, 0, JSON.stringify(report));
  const folder = await testFolder(t);
  for (const [name, data] of Object.entries(files)) {
    for (const [path, text] of await everything(data, folder, name)) {
      assert.equal(all.get(path), text, path);
    }
  }
});

test("what looks like a secret and is none stays: 10,000 of them", () => {
  let state = 1;
  const random = (length: number, alphabet: string) => {
    let text = "";
    for (let i = 0; i < length; i++) {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      text += alphabet[(state >>> 8) % alphabet.length];
    }
    return text;
  };
  const hex = (length: number) => random(length, "0123456789abcdef");
  const pod = (length: number) => random(length, "bcdfghjklmnpqrstvwxz2456789");
  const makers = [
    () => `  uid: ${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
    () => `image: quay.io/konveyor/forklift-controller@sha256:${hex(64)}`,
    () => `forklift-controller-${pod(9)}-${pod(5)}   2/2   Running   0   12d`,
    () => `containerID: cri-o://${hex(64)}`,
    () =>
      `I1122 10:00:00.123456 1 plan.go:${hex(2)}] plan migrated {"vm":"vm-${
        random(4, "0123456789")
      }"}`,
    () => `  resourceVersion: "${random(9, "0123456789")}"`,
    () => `etag: "${hex(32)}"`,
    () => `secretName: forklift-${pod(5)}-token-${pod(5)}`,
    () => `pvc-${hex(8)}-${hex(4)}-${hex(4)}-${hex(4)}-${hex(12)} 10Gi RWO`,
    () =>
      `"lastTransitionTime":"2026-11-22T10:00:00Z","observedGeneration":${random(2, "123456789")}`,
  ];
  const text = Array.from({ length: 10_000 }, (_, i) => makers[i % makers.length]?.()).join("\n");
  assert.equal(new Redactor(rules, []).text(text), text);
});
