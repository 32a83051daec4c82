import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatSeconds, parseDuration } from "../src/duration.ts";

const READ: readonly (readonly [string, number])[] = [
  ["20m", 1_200_000],
  ["1h30m", 5_400_000],
  ["90s", 90_000],
  ["1.5h", 5_400_000],
  [".5s", 500],
  ["1.s", 1000],
  ["+5m", 300_000],
  ["-1s", -1000],
  ["0", 0],
  ["-0", 0],
  ["+0", 0],
  ["-0s", 0],
  ["1ns", 1e-6],
  ["0.9ns", 0],
  ["1us", 0.001],
  ["1\u00b5s", 0.001],
  ["1\u03bcs", 0.001],
  ["1ms2us3ns", 1.002003],
  ["1m1m", 120_000],
  ["0.3s", 300],
  ["00001s", 1000],
  ["2562047h47m16.854775807s", 9223372036854.775807],
  ["9223372036854775807ns", 9223372036854.775807],
  ["-9223372036854775808ns", -9223372036854.775808],
];

const REFUSED = [
  "",
  "-",
  "+",
  "1",
  "1.",
  ".",
  ".s",
  "-.s",
  "s",
  "1e3s",
  "1d",
  "1sm",
  "1hm",
  "5 m",
  " 5m",
  "5m ",
  "5m\n",
  "--5m",
  "+-5m",
  "5M",
  "1_000s",
  "0x5s",
  "\u0665m",
  "1\u00b5",
  "9223372036854775808ns",
  "-9223372036854775809ns",
  "2562048h",
  "3000000h",
  "99999999999999999999999h",
  `${"0".repeat(200)}1s`,
];

test("durations are read as Go reads them", () => {
  for (const [text, ms] of READ) assert.equal(parseDuration(text), ms, text);
});

test("what Go refuses, and what would overflow its int64, is refused", () => {
  for (const text of REFUSED) assert.equal(parseDuration(text), undefined, JSON.stringify(text));
});

test("a refusal takes no longer for text made to be slow", () => {
  const started = performance.now();
  for (let run = 0; run < 1000; run++) parseDuration(`${"1h".repeat(49)}x`);
  parseDuration("1".repeat(10_000_000));
  assert.ok(performance.now() - started < 10_000);
});

test("seconds are written rounded up, so that oc never gets less than asked", () => {
  assert.equal(formatSeconds(3_900_000), "3900s");
  assert.equal(formatSeconds(1), "1s");
  assert.equal(parseDuration(formatSeconds(5_400_001)), 5_401_000);
});

/** Nanoseconds of each unit, as Go's documentation has them. */
const NANOSECONDS = {
  ns: 1n,
  us: 1_000n,
  "\u00b5s": 1_000n,
  "\u03bcs": 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

const part = fc.record({
  whole: fc.oneof(fc.bigInt(0n, 999n), fc.bigInt(0n, 2n ** 63n)),
  fraction: fc.string({ unit: fc.constantFrom(..."0123456789"), maxLength: 12 }),
  dot: fc.boolean(),
  unit: fc.constantFrom(...Object.keys(NANOSECONDS) as (keyof typeof NANOSECONDS)[]),
});

test("any sum of parts is what the parts are together, or refused where an int64 does not hold it", () => {
  const sign = fc.constantFrom("", "+", "-");
  fc.assert(
    fc.property(sign, fc.array(part, { minLength: 1, maxLength: 3 }), (sign, parts) => {
      let text = sign;
      let sum = 0n;
      for (const { whole, fraction, dot, unit } of parts) {
        text += `${whole}${dot ? `.${fraction}` : ""}${unit}`;
        sum += whole * NANOSECONDS[unit];
        if (!dot) continue;
        sum += BigInt(`0${fraction}`) * NANOSECONDS[unit] / 10n ** BigInt(fraction.length);
      }
      const most = 2n ** 63n - (sign === "-" ? 0n : 1n);
      const ms = Number(sign === "-" ? -sum : sum) / 1e6;
      assert.equal(parseDuration(text), sum > most ? undefined : ms, text);
    }),
    { numRuns: 1000 },
  );
});

test("what is no such sum is refused, whatever it is made of", () => {
  const sum = /^[+-]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+)$/;
  const pieces = [
    "1",
    "0",
    "5",
    ".",
    "+",
    "-",
    "h",
    "m",
    "s",
    "n",
    "u",
    "\u00b5",
    "\u03bc",
    " ",
    "e",
  ];
  const nearly = fc.string({ unit: fc.constantFrom(...pieces), maxLength: 12 });
  fc.assert(
    fc.property(fc.oneof(nearly, nearly, fc.string()), (text) => {
      const read = parseDuration(text);
      assert.equal(read !== undefined, sum.test(text), JSON.stringify(text));
      assert.ok(read === undefined || Number.isFinite(read));
    }),
    { numRuns: 3000 },
  );
});

test("what is written is read back as no less, and not a second more", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 40 }), (ms) => {
      const read = parseDuration(formatSeconds(ms)) ?? NaN;
      assert.ok(read >= ms && read - ms < 1000, `${ms}`);
    }),
  );
});
