import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import {
  asExecOutput,
  countLines,
  FactReader,
  LineBlocks,
  newestLines,
  type OcFact,
  Tail,
} from "../../src/oc/output.ts";
import { parseRecording, RECORDINGS } from "../support/fake-oc/recording.ts";

const OWN = "[must-gather      ] OUT";
const NAMESPACE = "openshift-must-gather-abcde";

/** Cuts a text into pieces at the places given, and puts it through line blocks. */
function blocksOf(text: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [...new Set(places.map((place) => place % (text.length + 1)))].sort((a, b) => a - b);
  const lines = new LineBlocks();
  const blocks: Buffer[] = [];
  let from = 0;
  for (const cut of [...cuts, text.length]) {
    const block = lines.push(text.subarray(from, cut));
    if (block) blocks.push(block);
    from = cut;
  }
  const last = lines.end();
  if (last) blocks.push(last);
  return blocks;
}

/** The facts of a text that comes in these pieces. */
function factsOf(text: string | Buffer, places: readonly number[] = []): OcFact[] {
  const reader = new FactReader();
  return blocksOf(Buffer.from(text), places).flatMap((block) => reader.read(block));
}

function namesIn(facts: readonly OcFact[]): string[] {
  return facts.flatMap((fact) => "name" in fact ? [`${fact.type} ${fact.name}`] : []);
}

/** Bytes with many line ends, some text and some that are no UTF-8. */
const bytes = fc.array(
  fc.oneof(
    fc.constantFrom("\n", "\r\n", "\r", "a", "é", "€", "🦀", OWN).map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 4 }).map((some) => Buffer.from(some)),
  ),
).map((parts) => Buffer.concat(parts));

const cuts = fc.array(fc.nat(), { maxLength: 20 });

test("whatever pieces bytes come in, the same lines come out, each with its newline", () => {
  fc.assert(fc.property(bytes, cuts, (text, places) => {
    const blocks = blocksOf(text, places);
    const ended = text.length === 0 || text.at(-1) === 0x0a
      ? text
      : Buffer.concat([text, Buffer.of(0x0a)]);
    assert.deepEqual(Buffer.concat(blocks), ended);
    for (const block of blocks) assert.equal(block.at(-1), 0x0a);
  }));
});

test("a line of any length is passed on in pieces and never held as a whole", () => {
  const lines = new LineBlocks();
  const piece = Buffer.alloc(1000, "x");
  let passed = 0;
  for (let pushed = 0; pushed < 1000; pushed++) {
    passed += lines.push(piece)?.length ?? 0;
    assert.ok((pushed + 1) * 1000 - passed <= 64 * 1024);
  }
  passed += lines.push(Buffer.from("end\nnext"))?.length ?? 0;
  assert.equal(passed, 1_000_004);
  assert.deepEqual(lines.end(), Buffer.from("next\n"));
  assert.equal(lines.end(), undefined);
});

test("lines are counted by their ends", () => {
  for (const [text, lines] of [["", 0], ["a", 0], ["\n", 1], ["a\nb\n\n", 3]] as const) {
    assert.equal(countLines(Buffer.from(text)), lines);
  }
});

test("the recordings of every release tell what oc made and removed, and when it copied", () => {
  let runs = 0;
  for (const release of readdirSync(RECORDINGS)) {
    for (const file of readdirSync(new URL(`${release}/`, RECORDINGS))) {
      const recording = parseRecording(
        readFileSync(new URL(`${release}/${file}`, RECORDINGS), "utf8"),
      );
      const text = recording.stdout.map((line) => `${line.text}\n`).join("");
      const facts = factsOf(text, [100, 1000, 1001, 5000]);
      const told = [...text.matchAll(/ (?:namespace|clusterrole\S+)\/(\S+) (created|deleted)$/gm)]
        .map(([, name, what]) => `${what} ${name}`);
      assert.deepEqual(namesIn(facts), told, `${release}/${file}`);
      const kinds = facts.map((fact) => fact.type);
      assert.equal(kinds.includes("copying"), text.includes("downloading gather output\n"), file);
      assert.equal(kinds.includes("collecting"), / POD /.test(text), file);
      assert.ok(kinds.filter((kind) => kind === "copying" || kind === "collecting").length <= 2);
      runs += told.length > 0 ? 1 : 0;
    }
  }
  assert.ok(runs > 30, `only ${runs} recordings name anything`);
});

test("facts are the same whatever pieces the lines come in", () => {
  const text = readFileSync(new URL("4.22/two-images.txt", RECORDINGS), "utf8");
  const lines = parseRecording(text).stdout.map((line) => `${line.text}\r\n`).join("");
  const sorted = (facts: readonly OcFact[]) => facts.map((fact) => JSON.stringify(fact)).sort();
  const whole = factsOf(lines);
  assert.equal(whole.length, 5);
  fc.assert(
    fc.property(cuts, (places) => assert.deepEqual(sorted(factsOf(lines, places)), sorted(whole))),
    { numRuns: 50 },
  );
});

test("what looks like oc's own line within a pod's line names nothing", () => {
  const own = `${OWN} namespace/${NAMESPACE} created`;
  const pod = "[must-gather-vwxyz] POD 2026-11-22T13:27:36.0Z";
  for (
    const imitation of [
      `${pod} ${own}\n`,
      `${pod} text\r${own}\n`, // a terminal would show it as a line
      `${pod} text\r${own}\r\n`,
      `${pod} text\v${own}\f\n`,
      `${pod} text\u2028${own}\u2029\n`,
      ` ${own}\n`,
    ]
  ) {
    assert.deepEqual(namesIn(factsOf(imitation)), [], JSON.stringify(imitation));
  }
});

test("a pod's line may be as long as it likes and cut anywhere: its middle is no beginning of a line", () => {
  const head = Buffer.from("[must-gather-vwxyz] POD 2026-11-22T13:27:36.0Z ");
  const own = Buffer.from(`${OWN} namespace/${NAMESPACE} created\n`);
  const real = Buffer.from(`${OWN} namespace/openshift-must-gather-right created\n`);
  for (const filler of [65_536 - head.length, 65_537 - head.length, 70_000, 140_000]) {
    const text = Buffer.concat([head, Buffer.alloc(filler, "x"), own, real]);
    const seam = head.length + filler;
    for (const places of [[seam], [head.length, seam], [60_000, seam, seam + 10], [seam - 1]]) {
      assert.deepEqual(
        namesIn(factsOf(text, places)),
        ["created openshift-must-gather-right"],
        `${filler} cut at ${places}`,
      );
    }
  }
});

test("names are taken only as oc makes them, in its own form", () => {
  const good = [
    `${OWN} namespace/${NAMESPACE} created`,
    `${OWN} 2026-11-22T13:27:35.21Z namespace/${NAMESPACE} deleted`,
    `${OWN} clusterrolebinding.rbac.authorization.k8s.io/must-gather-a2345 created`,
  ];
  for (const line of good) {
    for (const end of ["\n", "\r\n"]) assert.equal(namesIn(factsOf(line + end)).length, 1, line);
  }
  const bad = [
    `${OWN} namespace/default created`,
    `${OWN} namespace/openshift-must-gather-abcd created`,
    `${OWN} namespace/openshift-must-gather-abcdef created`,
    `${OWN} namespace/openshift-must-gather-ABCDE created`,
    `${OWN} namespace/openshift-must-gather-abcde-x created`,
    `${OWN} namespace/must-gather-abcde created`,
    `${OWN} clusterrolebinding.rbac.authorization.k8s.io/cluster-admin created`,
    `${OWN} clusterrolebinding.rbac.authorization.k8s.io/${NAMESPACE} created`,
    `${OWN} clusterrole.rbac.authorization.k8s.io/must-gather-abcde created`,
    `${OWN} namespace/${NAMESPACE} created too`,
    `${OWN} namespace/${NAMESPACE} unchanged`,
    `${OWN} 13:27 namespace/${NAMESPACE} created`,
    `[must-gather-abcde] OUT namespace/${NAMESPACE} created`,
    `[must-gather] OUT namespace/${NAMESPACE} created`,
  ];
  for (const line of bad) assert.deepEqual(namesIn(factsOf(`${line}\n`)), [], line);
});

test("a line that oc did not end before it died is read all the same", () => {
  assert.deepEqual(namesIn(factsOf(`${OWN} namespace/${NAMESPACE} created`)), [
    `created ${NAMESPACE}`,
  ]);
});

test("with several pods, copying is told when the last of them is fetched, and once", () => {
  const reader = new FactReader();
  const read = (...lines: string[]) =>
    reader.read(Buffer.from(lines.map((line) => `${line}\n`).join(""))).map((fact) => fact.type);
  const created = `${OWN} 2026-11-22T13:27:35.2Z pod for plug-in image localhost/a:latest created`;
  assert.deepEqual(read(created, created), []);
  assert.deepEqual(read("[must-gather-aaaaa] POD 2026Z one"), ["collecting"]);
  assert.deepEqual(read("[must-gather-aaaaa] OUT 2026Z downloading gather output"), []);
  assert.deepEqual(read("[must-gather-bbbbb] POD 2026Z still at it"), []);
  assert.deepEqual(read("[must-gather-bbbbb] OUT 2026Z downloading gather output"), ["copying"]);
  assert.deepEqual(read("[must-gather-bbbbb] OUT 2026Z downloading gather output"), []);
});

/** What the newest lines of a text are, said in another way. */
function newestByHand(text: Buffer, limit: number): Buffer {
  for (let at = Math.max(0, text.length - limit); at < text.length; at++) {
    if (at === 0 || text[at - 1] === 0x0a) return text.subarray(at);
  }
  return Buffer.alloc(0);
}

test("the newest lines are whole lines as long as one fits", () => {
  fc.assert(fc.property(bytes, fc.integer({ min: 1, max: 40 }), (text, limit) => {
    const newest = newestLines(text, limit);
    const whole = newestByHand(text, limit);
    if (whole.length > 0) assert.deepEqual(newest, whole);
    else assert.ok(newest.length <= limit && newest.length >= Math.min(text.length, limit) - 3);
  }));
});

test("from within a line that is too long, whole characters are taken, and of bytes that are none all but three", () => {
  assert.equal(newestLines(Buffer.from("aé€🦀\n"), 4).toString(), "\n");
  assert.equal(newestLines(Buffer.from("aé€🦀\n"), 5).toString(), "🦀\n");
  assert.equal(newestLines(Buffer.from("aé€🦀\n"), 6).toString(), "🦀\n");
  assert.equal(newestLines(Buffer.alloc(100, 0x80), 50).length, 47);
});

test("the tail of an output is its newest lines, whatever blocks it came in", () => {
  fc.assert(fc.property(bytes, cuts, fc.integer({ min: 4, max: 40 }), (text, places, limit) => {
    const tail = new Tail(limit);
    const blocks = blocksOf(text, places);
    for (const block of blocks) tail.push(block);
    assert.deepEqual(tail.bytes(), newestLines(Buffer.concat(blocks), limit));
  }));
});

test("a tail holds about its limit, however many blocks come", () => {
  const tail = new Tail(1000);
  for (let line = 0; line < 20_000; line++) tail.push(Buffer.from(`line ${line}\n`));
  const text = tail.bytes().toString();
  assert.ok(text.length > 980 && text.length <= 1000);
  assert.match(text, /^line 199\d+\n/);
  assert.ok(text.endsWith("line 19999\n"));
});

test("exec-output begins each line with a newline, is UTF-8 and keeps to its limit in bytes", () => {
  assert.equal(asExecOutput(Buffer.from(""), 100), "");
  assert.equal(asExecOutput(Buffer.from("one\ntwo\n"), 100), "\none\ntwo");
  assert.equal(asExecOutput(Buffer.from("one\r\n\n"), 100), "\none\r\n");
  assert.equal(asExecOutput(Buffer.from([0xff, 0x0a]), 100), "\n\ufffd");
  fc.assert(fc.property(bytes, fc.integer({ min: 8, max: 60 }), (text, limit) => {
    const output = asExecOutput(newestLines(text, limit - 1), limit);
    assert.ok(Buffer.byteLength(output) <= limit);
    assert.ok(output === "" || output.startsWith("\n"));
    assert.equal(Buffer.from(output).toString("utf8"), output);
    const last = text.toString("utf8").replace(/\n$/, "").split("\n").at(-1) ?? "";
    if (Buffer.byteLength(last) + 2 <= limit && text.length > 0) {
      assert.ok(output.endsWith(`\n${last}`));
    }
  }));
});
