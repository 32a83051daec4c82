import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { readEntries } from "../../src/cli/entries.ts";
import { testFolder } from "../support/folder.ts";
import { tarOf } from "./stand-in.ts";

test("the first entries of a tar.gz are listed, and all counted when there are no more", async (t) => {
  const path = join(await testFolder(t), "archive");
  await writeFile(path, await tarOf(["a", "b", "c"], 2048));
  assert.deepEqual(await readEntries(path, 3), {
    first: ["a  2.0 KiB", "b  2.0 KiB", "c  2.0 KiB"],
    total: 3,
  });
  assert.deepEqual(await readEntries(path, 2), {
    first: ["a  2.0 KiB", "b  2.0 KiB"],
    total: undefined,
  });
});

test("names are made fit for a terminal", async (t) => {
  const path = join(await testFolder(t), "archive");
  await writeFile(path, await tarOf(["\u001b[31mred\n/../x"]));
  assert.deepEqual((await readEntries(path, 1)).first, ["red /../x  10 B"]);
});

test("a file that unpacks to more than anybody wants to wait for ends the list", async (t) => {
  const path = join(await testFolder(t), "archive");
  const tar = pack();
  tar.entry({ name: "long" }, Buffer.alloc(65 * 1024 * 1024));
  tar.entry({ name: "behind" }, "text");
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  await writeFile(path, gzipSync(Buffer.concat(chunks), { level: 1 }));
  assert.deepEqual(await readEntries(path, 10), { first: ["long  65.0 MiB"], total: undefined });
});

test("what is broken, or no archive, is refused", async (t) => {
  const path = join(await testFolder(t), "archive");
  const whole = await tarOf(["a", "b"], 5000);
  for (
    const bytes of [
      Buffer.alloc(0),
      Buffer.from("text"),
      Buffer.from("PK but no ZIP"),
      whole.subarray(0, 100),
      Buffer.concat([whole.subarray(0, 1000), Buffer.alloc(1000), whole.subarray(2000)]),
      gzipSync("no tar".repeat(1000)),
    ]
  ) {
    await writeFile(path, bytes);
    await assert.rejects(readEntries(path, 10));
  }
});
