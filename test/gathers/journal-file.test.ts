import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { JournalFile } from "../../src/gathers/journal-file.ts";
import { testFolder } from "../support/folder.ts";

test("a state that is written at once is not overwritten by an older one that is still being written", async (t) => {
  const folder = await testFolder(t);
  for (let n = 1; n <= 20; n++) {
    const file = new JournalFile<number>(join(folder, `${n}.json`));
    const older = file.write(1);
    file.writeNow(2);
    await older;
    assert.equal(await file.read(), 2);
    await file.write(3);
    assert.equal(await file.read(), 3);
  }
  assert.deepEqual((await readdir(folder)).filter((name) => name.startsWith(".")), []);
});

test("what cannot be written leaves the file as it was", async (t) => {
  const folder = await testFolder(t);
  const file = new JournalFile<unknown>(join(folder, "1.json"));
  await file.write({ state: "good" });
  const circle: Record<string, unknown> = {};
  circle["circle"] = circle;
  await assert.rejects(file.write(circle), TypeError);
  assert.throws(() => file.writeNow(circle), TypeError);
  assert.deepEqual(await file.read(), { state: "good" });
});

test("a file that is cut is no state", async (t) => {
  const path = join(await testFolder(t), "1.json");
  await writeFile(path, '{"id": 1, "sta');
  await assert.rejects(new JournalFile(path).read(), SyntaxError);
});
