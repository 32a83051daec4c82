import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { Ledger } from "../../src/redact/ledger.ts";
import { createRules, Redactor } from "../../src/redact/redactor.ts";
import { Scanner } from "../../src/redact/scanner.ts";
import { CLEAN, kindsIn, SPOTS, traces } from "./secrets.ts";

const rules = createRules();

/** What a scanner gives is good until its next call. */
const copies = (pieces: Buffer[]): Buffer[] => pieces.map((piece) => Buffer.from(piece));

/** Scans a text that comes in pieces, each looked at as it comes. */
function inPieces(text: Buffer, cuts: readonly number[], ledger = new Ledger()): string {
  const scanner = new Scanner(rules, ledger, 0);
  const out: Buffer[] = [];
  let from = 0;
  for (const cut of [...cuts, text.length]) {
    out.push(...copies(scanner.push(text.subarray(from, cut))));
    from = cut;
  }
  out.push(...scanner.end());
  return Buffer.concat(out).toString();
}

const redact = (text: string) => new Redactor(rules, []).text(text);

for (const spot of SPOTS) {
  test(`nothing is left of a secret: ${spot.name}`, () => {
    for (const kind of kindsIn(spot)) {
      for (const seed of [1, 2, 3]) {
        const secret = kind.make(seed);
        const text = spot.put(secret);
        const out = redact(text);
        for (const trace of traces(secret)) assert(!out.includes(trace), `${kind.name}: ${out}`);
        assert.match(out, /<redacted:[a-z-]+:1>/, kind.name);
        assert.equal(redact(out), out, "what was redacted once has nothing left to be found");
      }
    }
  });
}

test("a text without secrets passes byte for byte", () => {
  for (const text of CLEAN) assert.equal(redact(text), text);
  const all = CLEAN.join("---\n");
  assert.equal(redact(all), all);
});

test("what is around a secret stays as it is", () => {
  assert.equal(
    redact('{"user":"admin","password":"a\\"b","host":"x"}'),
    '{"user":"admin","password":"<redacted:password:1>","host":"x"}',
  );
  assert.equal(
    redact("kind: Secret\ndata:\n  a: YQ==\n  b: YQ==\nmetadata:\n  name: x\n"),
    "kind: Secret\ndata:\n  a: <redacted:secret-data:1>\n  b: <redacted:secret-data:1>\nmetadata:\n  name: x\n",
  );
});

test("the same value has the same token, another one another", () => {
  const ledger = new Ledger();
  const first = new Redactor(rules, [], ledger).text("password=abc1 password=abc2");
  const second = new Redactor(rules, [], ledger).text("the password: abc2, --password abc1");
  assert.equal(first, "password=<redacted:password:1> password=<redacted:password:2>");
  assert.equal(second, "the password: <redacted:password:2>, --password <redacted:password:1>");
});

test("a secret that is cut anywhere is found as if it came in one piece", () => {
  for (const spot of SPOTS) {
    for (const kind of kindsIn(spot).slice(0, 2)) {
      const text = Buffer.from(`some text before it\n${spot.put(kind.make(7))}and behind it\n`);
      const ledger = new Ledger(); // of all: a value keeps its token
      const whole = inPieces(text, [], ledger);
      for (let cut = 1; cut < text.length; cut++) {
        const out = inPieces(text, [cut], ledger);
        assert.equal(out, whole, `${spot.name}, ${kind.name}, cut at ${cut}`);
      }
      assert.equal(
        inPieces(text, Array.from(text, (_, i) => i), ledger),
        whole,
        `${spot.name}, byte by byte`,
      );
    }
  }
});

test("whatever stands around it and wherever the pieces begin, the same comes out, and no secret", () => {
  const spots = SPOTS.flatMap((spot) => kindsIn(spot).map((kind) => ({ spot, kind })));
  const part = fc.oneof(
    fc.constantFrom(...CLEAN),
    fc.string({ maxLength: 200 }),
    fc.nat(9000).map((length) => "x".repeat(length) + "\n"),
  );
  fc.assert(
    fc.property(
      part,
      part,
      fc.constantFrom(...spots),
      fc.nat(1000),
      fc.array(fc.nat(20_000), { maxLength: 5 }),
      (before, behind, { spot, kind }, seed, cuts) => {
        const secret = kind.make(seed);
        const text = Buffer.from(`${before}\n---\n${spot.put(secret)}\n---\n${behind}`);
        const places = cuts.filter((cut) => cut < text.length).sort((a, b) => a - b);
        const out = inPieces(text, places);
        for (const trace of traces(secret)) assert(!out.includes(trace), out);
        assert.equal(inPieces(text, []), out);
      },
    ),
    { numRuns: 300 },
  );
});

test("any bytes pass that hold no secret, and nothing is added or lost around one", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat(3000), (bytes, cut) => {
      const text = Buffer.from(bytes);
      const scanner = new Scanner(rules, new Ledger(), 0);
      const out = Buffer.concat([
        ...copies(scanner.push(text.subarray(0, cut))),
        ...copies(scanner.push(text.subarray(cut))),
        ...scanner.end(),
      ]);
      if (scanner.values === 0) assert.deepEqual(out, text);
    }),
    { numRuns: 500 },
  );
});

test("a line of any length takes a bounded part of it in memory", () => {
  const scanner = new Scanner(rules, new Ledger());
  const piece = Buffer.alloc(1 << 20, "x");
  let out = 0;
  let most = 0;
  const take = (pieces: Buffer[]) => {
    for (const each of pieces) out += each.length;
  };
  for (let i = 0; i < 64; i++) {
    take(scanner.push(piece));
    most = Math.max(most, (i + 1) * piece.length - out);
  }
  take(scanner.end());
  assert.equal(out, 64 * piece.length);
  assert(most < 4 * piece.length, `${most} bytes were held`);
});

test("a value of any length goes out as it comes", () => {
  const scanner = new Scanner(rules, new Ledger());
  const out = copies(scanner.push(Buffer.from('{"password":"')));
  const piece = Buffer.alloc(1 << 20, "x");
  for (let i = 0; i < 64; i++) out.push(...copies(scanner.push(piece)));
  out.push(...copies(scanner.push(Buffer.from('","a":1}'))), ...scanner.end());
  assert.equal(Buffer.concat(out).toString(), '{"password":"<redacted:password:1>","a":1}');
});
