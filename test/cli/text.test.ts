import assert from "node:assert/strict";
import { test } from "node:test";
import { clockTime, humanNumber, humanSize, lastLine, printable } from "../../src/cli/text.ts";

test("printable() leaves one line without commands for a terminal", () => {
  const cases: [given: string, wanted: string][] = [
    ["plain – text ✓", "plain – text ✓"],
    ["\u001b[1;31mred\u001b[0m", "red"],
    ["\u009b2Jcleared", "cleared"],
    ["\u001b]0;title\u0007a\u001b]8;;http://x\u001b\\b", "ab"],
    ["\u001b]never ended", "never ended"],
    ["\u001b(0line\u001bc", "line"],
    ["a\tb\r\nc\u2028d\u0000e", "a b c d e"],
    ["abc\u202etxt", "abc txt"],
    ["\ud800half", "half"],
  ];
  for (const [given, wanted] of cases) assert.equal(printable(given), wanted);
});

test("lastLine() finds what oc or a pod said last", () => {
  const cases: [given: string, wanted: string][] = [
    ["", ""],
    ["\n\n \u001b[0m\n", ""],
    ["\nfirst\nerror: last\n\n", "error: last"],
    ["\n[must-gather-l6w9h] POD 2026-11-22T13:10:58.323224133Z Gathering CRs", "Gathering CRs"],
    ["\n[must-gather      ] OUT pod for plug-in image created", "pod for plug-in image created"],
    ["\nbefore\n[must-gather-l6w9h] POD 2026-11-22T13:10:58.3Z \n", "before"],
    [`\n${"x".repeat(100_000)}end`, `${"x".repeat(4093)}end`],
  ];
  for (const [given, wanted] of cases) assert.equal(lastLine(given), wanted);
});

test("sizes, numbers and times are written for people", () => {
  assert.deepEqual([0, 1023, 1024, 96_884, 332 * 1024, 5 * 2 ** 40, 2 ** 52].map(humanSize), [
    "0 B",
    "1023 B",
    "1.0 KiB",
    "94.6 KiB",
    "332 KiB",
    "5.0 TiB",
    "4096 TiB",
  ]);
  assert.equal(humanNumber(1_234_567), "1,234,567");
  assert.deepEqual([0, 59_999, 61_000, 3_723_000].map(clockTime), [
    "0:00",
    "0:59",
    "1:01",
    "1:02:03",
  ]);
});
