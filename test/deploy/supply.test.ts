/** What a production install brings, and from where. */
import assert from "node:assert/strict";
import { test } from "node:test";
import manifest from "../../package.json" with { type: "json" };
import { isAllowed, productionPackages, readLock } from "../../.ci/licences.ts";

const packages = productionPackages(await readLock());

test("no package of production has a script to run while it is installed", () => {
  assert.deepEqual(packages.filter(({ locked }) => locked.hasInstallScript), []);
});

test("every package of production is locked to one content", () => {
  for (const { name, version, locked } of packages) {
    assert.match(version, /^\d+\.\d+\.\d+/, name);
    assert.match(locked.integrity ?? "", /^sha512-/, name);
  }
});

test("every package of production has a licence that goes with ours", () => {
  assert.deepEqual(packages.filter(({ licence }) => !isAllowed(licence)), []);
});

test("what package.json asks for is in production, and what it asks for in development is not", () => {
  const names = packages.map(({ name }) => name);
  for (const name of Object.keys(manifest.dependencies)) assert.ok(names.includes(name), name);
  for (const name of Object.keys(manifest.devDependencies)) assert.ok(!names.includes(name), name);
});

test("a licence that asks for more, or is not known, is not allowed", () => {
  for (const licence of ["MIT", "Apache-2.0", "(GPL-3.0-only OR MIT)"]) {
    assert.ok(isAllowed(licence));
  }
  for (const licence of ["", "GPL-3.0-only", "UNLICENSED", "(MIT AND GPL-3.0-only)"]) {
    assert.ok(!isAllowed(licence), licence);
  }
});
