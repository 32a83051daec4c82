import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { childName, componentName, escapeName, unescapeName } from "../../src/archive/names.ts";

/** Bytes that a file system takes for a name, with those that matter more often than by chance. */
const rawNames = fc.array(
  fc.oneof(
    fc.integer({ min: 1, max: 255 }).filter((byte) => byte !== 0x2f),
    fc.constantFrom(...Buffer.from('%25CFaux.\\:*?"<>| \n~')),
  ),
  { minLength: 1, maxLength: 80 },
).map((bytes) => Buffer.from(bytes)).filter((raw) => ![".", ".."].includes(raw.toString("latin1")));

/** What node-stream-zip (backslash, drive letters) or Windows refuses in one component. */
function isTaken(name: string): boolean {
  return name.isWellFormed() && !name.includes("\ufffd") &&
    !/[\x00-\x1f\x7f\\:*?"<>|/]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d) *(\.|$)/i.test(name);
}

test("an escaped name gives back the very bytes it was made of", () => {
  fc.assert(
    fc.property(rawNames, (raw) => assert.deepEqual(unescapeName(escapeName(raw)), raw)),
    { numRuns: 2000 },
  );
});

test("an escaped name holds nothing that a reader of ZIPs or Windows refuses", () => {
  const replacement = Buffer.from("\ufffd");
  const unmistaken = rawNames.filter((raw) => !raw.includes(replacement));
  fc.assert(
    fc.property(unmistaken, (raw) => assert.ok(isTaken(escapeName(raw)), escapeName(raw))),
    { numRuns: 2000 },
  );
});

test("names as must-gathers have them stay as they are", () => {
  for (
    const name of [
      "current.log",
      ".hidden",
      "100%",
      "50% of it",
      "ünïcode-日本語-🙂",
      "with blank.txt",
      "a~b",
      "a%zz",
      "auxiliary",
      "console.log",
      "quay-io-kubev2v-sha256-705733",
    ]
  ) assert.equal(escapeName(Buffer.from(name)), name);
});

test("what is refused somewhere is written in hex", () => {
  const cases: [string | Buffer, string][] = [
    ["dev-disk-by\\x2duuid.mount", "dev-disk-by%5Cx2duuid.mount"],
    ["system:node", "system%3Anode"],
    ["a\nb\tc", "a%0Ab%09c"],
    ["what?*", "what%3F%2A"],
    ["%41", "%2541"],
    ["trailing.", "trailing%2E"],
    ["blank ", "blank%20"],
    ["AUX.txt", "%41UX.txt"],
    ["com1", "%63om1"],
    [Buffer.from("a\xff\xfeé", "latin1"), "a%FF%FE%E9"],
    [Buffer.concat([Buffer.from("日"), Buffer.from([0xe6, 0x97])]), "日%E6%97"],
    [Buffer.from([0xed, 0xa0, 0x80]), "%ED%A0%80"], // half of a surrogate pair
  ];
  for (const [raw, name] of cases) assert.equal(escapeName(Buffer.from(raw)), name);
});

test("GATHER.json is ours at the root, in any case, and only there", () => {
  assert.equal(componentName(Buffer.from("GATHER.json"), "GATHER.json"), "%47ATHER.json");
  assert.equal(componentName(Buffer.from("gather.JSON"), "gather.JSON"), "%67ather.JSON");
  assert.equal(componentName(Buffer.from("GATHER.json"), "image/GATHER.json"), "GATHER.json");
});

test("a component that grows over 255 bytes is cut, keeps its extension and stays distinct", () => {
  const one = Buffer.from("\\".repeat(200) + "1.log");
  const two = Buffer.from("\\".repeat(200) + "2.log");
  const names = [one, two].map((raw) => componentName(raw, `folder/${raw}`));
  for (const name of names) {
    assert.ok(Buffer.byteLength(name) <= 255, name);
    assert.match(name, /^(%5C)+%7E[0-9a-f]{32}\.log$/);
  }
  assert.notEqual(names[0], names[1]);
  assert.ok(Buffer.byteLength(componentName(Buffer.from("é".repeat(127) + "\n"), "x")) <= 255);
});

test("no name that a disk holds can be taken for a cut one", () => {
  assert.equal(escapeName(Buffer.from("x%7E0123")), "x%257E0123");
  assert.equal(
    childName("", escapeName(Buffer.from("long%7Epaths")), "x", true),
    "long%257Epaths/",
  );
});

test("a folder whose path is too long is moved, with what is in it", () => {
  const parent = "d".repeat(250) + "/" + "e".repeat(250) + "/";
  const moved = childName(parent, "f".repeat(200), "raw/path", true);
  assert.match(moved, /^long%7Epaths\/[0-9a-f]{32}\/$/);
  assert.equal(childName(moved, "x.log", "raw/path/x.log", false), moved + "x.log");
  assert.equal(childName("image/", "namespaces", "image/namespaces", true), "image/namespaces/");
});
