/** Which way the arrows between the parts point. */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";

const machines = new URL("../machines/", import.meta.url);

/** Every module that a source names: imported, exported from, or loaded while it runs. */
function modulesOf(source: string): string[] {
  const pattern = /(?:\bfrom|\bimport)\s*\(?\s*(["'`])(.+?)\1/g;
  return [...source.matchAll(pattern)].map(([, , name]) => name!);
}

test("machines/ imports nothing but xstate and its own files", async () => {
  const files = (await readdir(machines)).filter((name) => name.endsWith(".ts"));
  assert.ok(files.length >= 3);
  for (const file of files) {
    const modules = modulesOf(await readFile(new URL(file, machines), "utf8"));
    assert.ok(modules.length > 0, file);
    for (const name of modules) {
      assert.ok(name === "xstate" || files.includes(name.replace(/^\.\//, "")), `${file}: ${name}`);
    }
  }
});

test("the search for imports finds every form of them", () => {
  const source = [
    'import { a } from "one";',
    "import {\n  b,\n} from 'two';",
    'import type { C } from "three";',
    'import "four";',
    'export * from "five";',
    'const six = await import("six");',
  ].join("\n");
  assert.deepEqual(modulesOf(source), ["one", "two", "three", "four", "five", "six"]);
});
