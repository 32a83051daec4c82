import assert from "node:assert/strict";
import { open, readFile, truncate } from "node:fs/promises";
import { test } from "node:test";
import { verifyZip } from "../../../src/archive/zip/verify.ts";
import { archived, fill, inWork, text } from "../work.ts";

const LARGE = text(3 * 1024 * 1024);

async function withArchive(body: (file: string, entries: number) => Promise<void>): Promise<void> {
  await inWork(async (tree, folder) => {
    await fill(tree, { "a.txt": text(20_000), "b.log": LARGE, "c.gz": "\x1f\x8b not deflated" });
    const { file, entries } = await archived(tree, folder);
    await body(file, entries);
  });
}

function verify(file: string, entries: number, signal = new AbortController().signal) {
  return verifyZip(file, { entries, threads: 2, signal });
}

const refused = { name: "PackError", code: "EVERIFY" };

/** Changes one byte and gives a function that changes it back. */
async function flip(file: string, at: number): Promise<() => Promise<void>> {
  const handle = await open(file, "r+");
  try {
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, at);
    await handle.write(Buffer.from([(byte[0] ?? 0) ^ 0x55]), 0, 1, at);
    return async () => {
      await flip(file, at);
    };
  } finally {
    await handle.close();
  }
}

test("an archive verifies, and the same archive with a wrong byte in data, sums or directory does not", async () => {
  await withArchive(async (file, entries) => {
    const { size, digest } = await verify(file, entries);
    const bytes = await readFile(file);
    assert.equal(size, bytes.length);
    assert.match(digest, /^sha-256=:[A-Za-z0-9+/]{43}=:$/);
    const large = bytes.indexOf("b.log");
    const places = {
      "deflated data": 200,
      "the sum in a local header": 14,
      "a large entry": large + 100_000,
      "a large entry's local CRC": large - 16,
      "a large entry's local size": large - 12,
      "stored data": bytes.indexOf("not deflated"),
      "GATHER.json": bytes.indexOf("GATHER.json") + 30,
      "a CRC in the directory": bytes.lastIndexOf("a.txt") - 30,
      "an offset in the directory": bytes.lastIndexOf("b.log") - 4,
      "the number of entries": size - 14,
    };
    for (const [what, at] of Object.entries(places)) {
      const back = await flip(file, at);
      await assert.rejects(verify(file, entries), refused, what);
      await back();
    }
    assert.deepEqual(await verify(file, entries), { size, digest });
  });
});

test("an archive that is cut, or holds another number of entries, does not verify", async () => {
  await withArchive(async (file, entries) => {
    await assert.rejects(verify(file, entries + 1), refused);
    const { length } = await readFile(file);
    await truncate(file, length - 1);
    await assert.rejects(verify(file, entries), refused);
    await truncate(file, 1000);
    await assert.rejects(verify(file, entries), refused);
    await truncate(file, 0);
    await assert.rejects(verify(file, entries), refused);
  });
});

test("reading back ends with the signal's reason when told to", async () => {
  await withArchive(async (file, entries) => {
    const reason = new Error("enough");
    await assert.rejects(verify(file, entries, AbortSignal.abort(reason)), (e) => e === reason);
  });
});
