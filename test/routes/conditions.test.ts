import assert from "node:assert/strict";
import { test } from "node:test";
import { answerTo, matches } from "../../src/routes/conditions.ts";

const FILE = {
  size: 1000,
  etag: '"tag"',
  lastModified: Date.parse("Sun, 06 Nov 1994 08:49:37 GMT") + 345,
};
const SAME = "Sun, 06 Nov 1994 08:49:37 GMT";
const BEFORE = "Sun, 06 Nov 1994 08:49:36 GMT";
const AFTER = "Sun, 06 Nov 1994 08:49:38 GMT";

/** The status, with the range where there is one. */
function answer(headers: Record<string, string>, method = "GET"): string {
  const given = answerTo({ method, header: (name) => headers[name] }, FILE);
  return given.status === 206 ? `206 ${given.start}-${given.end}` : String(given.status);
}

function check(cases: readonly [headers: Record<string, string>, expected: string][]): void {
  for (const [headers, expected] of cases) {
    assert.equal(answer(headers), expected, JSON.stringify(headers));
  }
}

test("without conditions the whole file is sent", () => check([[{}, "200"]]));

test("If-Match compares strongly and goes before If-Unmodified-Since", () =>
  check([
    [{ "if-match": '"tag"' }, "200"],
    [{ "if-match": '"other", "tag"' }, "200"],
    [{ "if-match": "*" }, "200"],
    [{ "if-match": '"other"' }, "412"],
    [{ "if-match": 'W/"tag"' }, "412"],
    [{ "if-match": "" }, "412"],
    [{ "if-match": '"tag"', "if-unmodified-since": BEFORE }, "200"],
    [{ "if-match": '"other"', "if-unmodified-since": AFTER }, "412"],
  ]));

test("If-Unmodified-Since counts whole seconds, and what is no date is passed over", () =>
  check([
    [{ "if-unmodified-since": SAME }, "200"],
    [{ "if-unmodified-since": AFTER }, "200"],
    [{ "if-unmodified-since": BEFORE }, "412"],
    [{ "if-unmodified-since": "yesterday" }, "200"],
    [{ "if-unmodified-since": "1" }, "200"],
    [{ "if-unmodified-since": "1990" }, "200"],
  ]));

test("If-None-Match compares weakly and goes before If-Modified-Since", () =>
  check([
    [{ "if-none-match": '"tag"' }, "304"],
    [{ "if-none-match": 'W/"tag"' }, "304"],
    [{ "if-none-match": '"other" , W/"tag"' }, "304"],
    [{ "if-none-match": "*" }, "304"],
    [{ "if-none-match": '"other"' }, "200"],
    [{ "if-none-match": "tag" }, "200"],
    [{ "if-none-match": '"other"', "if-modified-since": AFTER }, "200"],
    [{ "if-none-match": '"tag"', "if-modified-since": BEFORE }, "304"],
  ]));

test("If-Modified-Since takes all three forms of a date", () =>
  check([
    [{ "if-modified-since": SAME }, "304"],
    [{ "if-modified-since": AFTER }, "304"],
    [{ "if-modified-since": BEFORE }, "200"],
    [{ "if-modified-since": "Sunday, 06-Nov-94 08:49:37 GMT" }, "304"],
    [{ "if-modified-since": "Sunday, 06-Nov-94 08:49:36 GMT" }, "200"],
    [{ "if-modified-since": "Sun Nov  6 08:49:37 1994" }, "304"],
    [{ "if-modified-since": "Sun Nov  6 08:49:36 1994" }, "200"],
    [{ "if-modified-since": "2030-01-01" }, "200"],
    [{ "if-modified-since": "Sunday" }, "200"],
  ]));

test("conditions hold in the order of RFC 9110", () =>
  check([
    [{ "if-match": '"other"', "if-none-match": '"tag"' }, "412"],
    [{ "if-match": '"tag"', "if-none-match": '"tag"' }, "304"],
    [{ "if-none-match": '"tag"', "range": "bytes=0-1" }, "304"],
    [{ "if-match": '"other"', "range": "bytes=0-1" }, "412"],
    [{ "if-match": '"tag"', "range": "bytes=0-1" }, "206 0-1"],
  ]));

test("one range is answered with its bytes, cut at the end of the file", () =>
  check([
    [{ range: "bytes=0-0" }, "206 0-0"],
    [{ range: "bytes=0-" }, "206 0-999"],
    [{ range: "bytes=500-599" }, "206 500-599"],
    [{ range: "bytes=999-" }, "206 999-999"],
    [{ range: "bytes=990-5000" }, "206 990-999"],
    [{ range: "bytes=-10" }, "206 990-999"],
    [{ range: "bytes=-5000" }, "206 0-999"],
    [{ range: "Bytes=0-1" }, "206 0-1"],
    [{ range: `bytes=0-${"9".repeat(400)}` }, "206 0-999"],
    [{ range: `bytes=-${"9".repeat(400)}` }, "206 0-999"],
  ]));

test("a range that the file does not have is 416, and one that is none is passed over", () =>
  check([
    [{ range: "bytes=1000-" }, "416"],
    [{ range: "bytes=5000-6000" }, "416"],
    [{ range: "bytes=-0" }, "416"],
    [{ range: `bytes=${"9".repeat(400)}-` }, "416"],
    [{ range: "bytes=0-1,500-501" }, "200"],
    [{ range: "bytes=0-1x" }, "200"],
    [{ range: "bytes=0x0-1" }, "200"],
    [{ range: "bytes=5-1" }, "200"],
    [{ range: "bytes=-" }, "200"],
    [{ range: "bytes=--1" }, "200"],
    [{ range: "bytes=" }, "200"],
    [{ range: "bytes=a-b" }, "200"],
    [{ range: "lines=0-1" }, "200"],
    [{ range: "0-1" }, "200"],
    [{ range: "" }, "200"],
    [
      { range: `bytes=${Array.from({ length: 2000 }, (_, n) => `${n * 2}-${n * 2}`).join()}` },
      "200",
    ],
  ]));

test("a HEAD has no ranges; its conditions hold", () => {
  assert.equal(answer({ range: "bytes=0-1" }, "HEAD"), "200");
  assert.equal(answer({ range: "bytes=5000-" }, "HEAD"), "200");
  assert.equal(answer({ "range": "bytes=0-1", "if-range": '"tag"' }, "HEAD"), "200");
  assert.equal(answer({ "range": "bytes=0-1", "if-none-match": '"tag"' }, "HEAD"), "304");
  assert.equal(answer({ "range": "bytes=0-1", "if-match": '"other"' }, "HEAD"), "412");
});

test("If-Range lets a range through only for the very same file", () =>
  check([
    [{ "if-range": '"tag"', "range": "bytes=0-1" }, "206 0-1"],
    [{ "if-range": '"other"', "range": "bytes=0-1" }, "200"],
    [{ "if-range": 'W/"tag"', "range": "bytes=0-1" }, "200"],
    [{ "if-range": "tag", "range": "bytes=0-1" }, "200"],
    [{ "if-range": SAME, "range": "bytes=0-1" }, "206 0-1"],
    [{ "if-range": BEFORE, "range": "bytes=0-1" }, "200"],
    [{ "if-range": AFTER, "range": "bytes=0-1" }, "200"],
    [{ "if-range": '"other"', "range": "bytes=5000-" }, "200"],
    [{ "if-range": '"tag"' }, "200"],
  ]));

test("tags are found in a list, whole and exactly", () => {
  assert.ok(matches('W/"a","b"', '"b"'));
  assert.ok(matches("  *  ", '"b"'));
  assert.ok(!matches('"ab"', '"b"'));
  assert.ok(!matches("b", '"b"'));
  assert.ok(!matches('"*"', '"b"'));
  assert.ok(!matches("", '"b"'));
});
