import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { LiveOutput } from "../../src/gathers/live-output.ts";
import { testFolder } from "../support/folder.ts";

async function stage(t: TestContext) {
  const folder = await testFolder(t);
  const output = new LiveOutput(folder, {
    drain: () => {},
    error: (error) => {
      throw error;
    },
  });
  const write = (stream: "stdout" | "stderr", text: string) =>
    output.write(stream, Buffer.from(text));
  return { folder, output, write };
}

test("both streams go to the log and into the newest output as they came, and are counted", async (t) => {
  const { folder, output, write } = await stage(t);
  assert.equal(output.execOutput(1024), "");
  write("stdout", "one\ntwo\n");
  write("stderr", "three\n");
  write("stdout", "four\n");
  assert.equal(output.execOutput(1024), "\none\ntwo\nthree\nfour");
  assert.equal(output.lines, 4);
  await output.close();
  assert.equal(await readFile(join(folder, "exec.log"), "utf8"), "one\ntwo\nthree\nfour\n");
});

test("the newest output keeps to its limit and begins with a whole line", async (t) => {
  const { output, write } = await stage(t);
  for (let n = 0; n < 10_000; n++) write("stdout", `line ${n}\n`);
  for (const limit of [64 * 1024, 1024, 40]) {
    const text = output.execOutput(limit);
    assert.ok(Buffer.byteLength(text) <= limit && Buffer.byteLength(text) > limit - 15);
    assert.match(text, /^\nline \d+\n[^]*\nline 9999$/);
  }
  await output.close();
});

test("oc's last words are the last reason it gave, else the last line of its standard error", async (t) => {
  const { output, write } = await stage(t);
  assert.equal(output.lastWords(), "");
  write("stdout", "error: not on standard error\n");
  assert.equal(output.lastWords(), "");
  write("stderr", "some warning\n\n");
  assert.equal(output.lastWords(), "some warning");
  write("stderr", "Error from server (Forbidden): no\nerror: gather failed\nand a note\n");
  assert.equal(output.lastWords(), "error: gather failed");
  write("stderr", `error: \u001b[31mred\u0007 ${"x".repeat(2000)}\n`);
  assert.match(output.lastWords(), /^error: {2}\[31mred {2}x+$/);
  assert.equal(output.lastWords().length, 500);
  await output.close();
});
