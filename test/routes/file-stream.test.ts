import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir, readlink, realpath, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileStream } from "../../src/routes/file-stream.ts";
import { testFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";

/** A file of a megabyte and some, and how often it is open. */
async function stage(t: TestContext) {
  const path = join(await realpath(await testFolder(t)), "archive");
  const bytes = randomBytes(1_000_003);
  await writeFile(path, bytes);
  const timesOpen = async () => {
    const links = (await readdir("/proc/self/fd")).map((fd) =>
      readlink(`/proc/self/fd/${fd}`).catch(() => "")
    );
    return (await Promise.all(links)).filter((target) => target === path).length;
  };
  const closed = () => until("the file to be closed", async () => await timesOpen() === 0);
  return { path, bytes, timesOpen, closed };
}

test("the bytes from start to end are streamed, both included", async (t) => {
  const { path, bytes, closed } = await stage(t);
  const size = bytes.length;
  for (const [start, end] of [[0, size - 1], [0, 0], [size - 1, size - 1], [5, 700_000]] as const) {
    const read = Buffer.from(await new Response(await fileStream(path, start, end)).arrayBuffer());
    assert.ok(read.equals(bytes.subarray(start, end + 1)), `${start}-${end}`);
    await closed();
  }
});

test("the file is closed when its reader goes away, before the first piece or between two", async (t) => {
  const { path, timesOpen, closed } = await stage(t);
  const unread = await fileStream(path, 0, 999_999);
  assert.equal(await timesOpen(), 1);
  await unread.cancel();
  await closed();
  const reader = (await fileStream(path, 0, 999_999)).getReader();
  await reader.read();
  assert.equal(await timesOpen(), 1);
  await reader.cancel();
  await closed();
  const busy = (await fileStream(path, 0, 999_999)).getReader();
  const reading = busy.read(); // goes away while a piece is being read
  await busy.cancel();
  await reading;
  await closed();
});

test("no more is read than is asked for", async (t) => {
  const { path } = await stage(t);
  const reader = (await fileStream(path, 0, 999_999)).getReader();
  const { value } = await reader.read();
  assert.ok(value && value.length < 500_000);
  await truncate(path, value.length + 10);
  assert.equal((await reader.read()).value?.length, 10);
  await assert.rejects(async () => await reader.read(), /shorter/);
});

test("a file that was cut breaks the stream, and is closed", async (t) => {
  const { path, closed } = await stage(t);
  const stream = await fileStream(path, 0, 1_000_002);
  await truncate(path, 300_000);
  await assert.rejects(new Response(stream).arrayBuffer(), /shorter than it was/);
  await closed();
  const beyond = await fileStream(path, 400_000, 400_001);
  await assert.rejects(new Response(beyond).arrayBuffer(), /shorter than it was/);
  await closed();
});

test("a file that is gone rejects before anything is sent", async (t) => {
  const { path } = await stage(t);
  await assert.rejects(fileStream(`${path}-none`, 0, 1), { code: "ENOENT" });
});
