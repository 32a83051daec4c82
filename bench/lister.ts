/** Things that looking into an archive does, each in a process of its own: prints what it took as a line of JSON. */
import { basename, dirname } from "node:path";
import process from "node:process";
import { judgeImage } from "../src/archive/pack/judge-image.ts";
import { ArchiveReader } from "../src/archive/look/archive-reader.ts";
import type { Item } from "../src/archive/look/items.ts";
import { listArchive } from "../src/archive/look/list-archive.ts";
import { readList, writeList } from "../src/archive/look/list-file.ts";
import { measure } from "./measure.ts";

const { signal } = new AbortController();
const digest = "sha-256=:bench:";

const tasks: Readonly<Record<string, (file: string) => Promise<unknown>>> = {
  async all(file) {
    const items = await listArchive(file, { signal });
    await items.sort();
    await writeList(dirname(file), digest, items);
    return items;
  },
  image: (file) => judgeImage(file, digest, signal),
  kept: (file) => readList(dirname(file), digest),
};

/** Reads the log that begins nearest to the middle of the tar, twice, with a reader that has only the list. */
async function middleLog(file: string): Promise<Record<string, number | string>> {
  const archive = { folder: dirname(file), file: basename(file), digest };
  const items = await new ArchiveReader().list(archive);
  const last = Math.max(...Array.from(items, ({ way }) => way.at(-1) ?? 0));
  const start = (item: Item) => item.way.at(-2) ?? 0;
  const fromMiddle = (item: Item) => Math.abs(start(item) - last / 2);
  const [log] = [...items]
    .filter(({ type, size }) => type === "file" && size >= 20e6 && size <= 200e6)
    .toSorted((a, b) => fromMiddle(a) - fromMiddle(b));
  if (!log) throw new Error("There is no log of 20 to 200 MB");
  const reader = new ArchiveReader();
  const took: number[] = [];
  for (let i = 0; i < 2; i++) {
    const began = performance.now();
    let bytes = 0;
    for await (const piece of reader.content(archive, log, 0, log.size, signal)) {
      bytes += piece.length;
    }
    if (bytes !== log.size) throw new Error(`${log.path} gave ${bytes} bytes`);
    took.push(performance.now() - began);
  }
  const [firstMs = 0, secondMs = 0] = took;
  return { path: log.path, size: log.size, before: start(log), of: last, firstMs, secondMs };
}

const [name = "", file = ""] = process.argv.slice(2);
if (name === "middle") {
  process.stdout.write(JSON.stringify(await middleLog(file)) + "\n");
  process.exit();
}
const task = tasks[name];
if (!task) throw new Error(`There is no task ${name}`);
process.stdout.write(JSON.stringify(await measure(() => task(file))) + "\n");
