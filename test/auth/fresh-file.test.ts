import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { FreshFile, isWholePem } from "../../src/auth/fresh-file.ts";

function stage(t: TestContext, text?: string) {
  const folder = mkdtempSync(join(tmpdir(), "fresh-file-test-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "token");
  if (text !== undefined) writeFileSync(path, text);
  const clock = { ms: 0 };
  return { path, clock, now: () => clock.ms };
}

test("a file that is replaced is read again, not more than once a second", (t) => {
  const { path, clock, now } = stage(t, "one");
  const file = new FreshFile(path, { now });
  assert.equal(file.read(), "one");
  writeFileSync(`${path}.new`, "two");
  renameSync(`${path}.new`, path);
  clock.ms = 999;
  assert.equal(file.read(), "one");
  clock.ms = 1_000;
  assert.equal(file.read(), "two");
});

test("a file that is gone, or half written, leaves what was read before in use", (t) => {
  const { path, clock, now } = stage(t, "one");
  const file = new FreshFile(path, { now });
  assert.equal(file.read(), "one");
  writeFileSync(path, "");
  clock.ms = 1_000;
  assert.equal(file.read(), "one");
  rmSync(path);
  clock.ms = 2_000;
  assert.equal(file.read(), "one");
  writeFileSync(path, "two");
  clock.ms = 3_000;
  assert.equal(file.read(), "two");
});

test("a file that was never there is an error, until it is", (t) => {
  const { path, now } = stage(t);
  const file = new FreshFile(path, { now });
  assert.throws(() => file.read(), /ENOENT/);
  writeFileSync(path, "\n");
  assert.throws(() => file.read(), /empty or half written/);
  writeFileSync(path, "one");
  assert.equal(file.read(), "one");
});

test("a certificate that is cut off is told from a whole one", () => {
  const whole = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
  assert.ok(isWholePem(whole));
  assert.ok(isWholePem(whole + whole));
  for (const text of ["", "nonsense", whole.slice(0, -8), whole + whole.slice(0, 40)]) {
    assert.ok(!isWholePem(text), JSON.stringify(text));
  }
});
