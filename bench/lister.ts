/** One thing that looking into an archive does, in a process of its own: prints what it took as a line of JSON. */
import { dirname } from "node:path";
import process from "node:process";
import { judgeImage } from "../src/archive/pack/judge-image.ts";
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

const [name = "", file = ""] = process.argv.slice(2);
const task = tasks[name];
if (!task) throw new Error(`There is no task ${name}`);
process.stdout.write(JSON.stringify(await measure(() => task(file))) + "\n");
