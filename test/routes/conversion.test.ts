import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { Conversions } from "../../src/routes/conversion.ts";
import { archived, fill, inWork, text } from "../archive/work.ts";
import { descriptors } from "../support/process-use.ts";
import { until } from "../support/until.ts";

test("conversions are bounded, and whoever goes away makes room and leaves no file open", async () => {
  await inWork(async (tree, folder) => {
    await fill(tree, { "a.log": text(4 * 1024 * 1024) });
    const { file } = await archived(tree, folder, { level: 0 });
    const conversions = new Conversions();
    const { signal } = new AbortController();
    const streams = Array.from({ length: 16 }, () => conversions.start(file, signal));
    const readers = (await Promise.all(streams)).map((stream) => stream.getReader());
    await assert.rejects(conversions.start(file, signal), { status: 503 });
    for (const reader of readers.slice(0, 3)) assert.ok((await reader.read()).value);
    for (const reader of readers) await reader.cancel();
    const isOpen = async () => (await descriptors(process.pid)).includes(file);
    await until("no file is open", async () => !await isOpen());

    // Room is there once a stream has closed, which is a moment behind the last that is seen of it.
    const startSoon = (signal: AbortSignal) =>
      until("there is room", () => conversions.start(file, signal).catch(() => undefined));
    const gone = new AbortController();
    for (let i = 0; i < 16; i++) await startSoon(gone.signal);
    await assert.rejects(conversions.start(file, signal), { status: 503 });
    gone.abort(); // before anybody took a byte
    for (let i = 0; i < 17; i++) await startSoon(AbortSignal.abort());
  });
});
