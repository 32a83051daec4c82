import assert from "node:assert/strict";
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { logStream } from "../../src/routes/log-stream.ts";
import { testFolder } from "../support/folder.ts";
import { endedEntry, stageRegistry } from "../gathers/stage.ts";

/** What one file of the log holds (the contract's 16 MiB). */
const FILE_BYTES = 16 * 2 ** 20;

/** The log of a gather that has ended, read from `start` on: its first file of NULs that ends so, and its third, the second not kept. */
async function read(t: TestContext, firstEnds: string, third: string, start: number) {
  const folder = await testFolder(t);
  await truncate(await written(join(folder, "exec.log"), ""), FILE_BYTES - firstEnds.length);
  await writeFile(join(folder, "exec.log"), firstEnds, { flag: "a" });
  await written(join(folder, "exec.log.2"), third);
  const { registry } = await stageRegistry(t);
  const stream = logStream(registry.add(endedEntry(1)), folder, start, undefined);
  return (await new Response(stream).text()).replace(/^\0+/, "");
}

async function written(path: string, text: string): Promise<string> {
  await writeFile(path, text);
  return path;
}

const GAP = `[${FILE_BYTES} bytes of output were not kept]`;

test("what was not kept is told on a line of its own, also where it began within a line", async (t) => {
  assert.equal(await read(t, "\ncut he", "re\nlast\n", 0), `\ncut he\n${GAP}\nre\nlast\n`);
  assert.equal(await read(t, "\nwhole\n", "last\n", 0), `\nwhole\n${GAP}\nlast\n`);
  assert.equal(await read(t, "first", "last", FILE_BYTES), `${GAP}\nlast`);
});
