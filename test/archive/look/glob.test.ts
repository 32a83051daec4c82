/** Which paths a pattern takes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { globMatcher } from "../../../src/archive/look/glob.ts";

const CASES: [pattern: string, takes: string[], leaves: string[]][] = [
  ["*.log", ["a.log", "x/y/a.log", ".log"], ["a.log/x", "a.logs", "alog"]],
  ["a?c", ["abc", "x/axc"], ["ac", "abbc"]],
  ["namespaces/*/pods.yaml", ["namespaces/a/pods.yaml"], [
    "namespaces/a/b/pods.yaml",
    "x/namespaces/a/pods.yaml",
  ]],
  ["**/pods/**/*.log", ["pods/a.log", "x/pods/y/z/a.log", "x/pods/a.log"], [
    "x/pod/a.log",
    "pods.log",
  ]],
  ["x/**", ["x/a", "x/a/b"], ["y/x/a", "xx/a"]],
  ["**", ["a", "a/b"], []],
  ["**/**/a", ["a", "b/a", "c/b/a"], ["b"]],
  ["a/*b*c*", ["a/bc", "a/xbxxcx"], ["a/cb", "a/b/c"]],
  ["/x/*.txt", ["x/a.txt"], ["a.txt"]],
  ["[a]{b,c}(d)", ["[a]{b,c}(d)"], ["ab"]],
  ["", [], ["a"]],
];

test("stars, question marks and double stars", () => {
  for (const [pattern, takes, leaves] of CASES) {
    const matches = globMatcher(pattern);
    for (const path of takes) assert.ok(matches(path), `${pattern} takes ${path}`);
    for (const path of leaves) assert.ok(!matches(path), `${pattern} leaves ${path}`);
  }
});

test("a hostile pattern takes no longer than its length and the path's allow", () => {
  const path = `${"a/".repeat(60)}${"a".repeat(800)}b`;
  const began = performance.now();
  for (const pattern of ["*a".repeat(500), "**/*a*a*a*a/".repeat(80) + "c", "{a,b}".repeat(190)]) {
    for (let n = 0; n < 20; n++) assert.ok(!globMatcher(pattern)(path));
  }
  const took = performance.now() - began;
  assert.ok(took < 2000, `${took} ms for 60 paths`);
});
