/** One archive made by one of the JavaScript writers, in a process of its own: prints what it took as a line of JSON. */
import { constants, createWriteStream } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import process from "node:process";
import { pipeline } from "node:stream/promises";
import { ZipFile } from "yazl";
import { closeFd, openFd } from "../src/archive/fd.ts";
import type { ArchiveFormat } from "../src/archive/pack/formats.ts";
import { createRules, Redactor } from "../src/redact/redactor.ts";
import { residueOf } from "../src/redact/residue.ts";
import { createRewriter } from "../src/redact/tree-rewriter.ts";
import { packTree } from "../src/archive/zip/pack-tree.ts";
import { pack } from "../src/archive/pack/pack.ts";
import { Tree } from "../src/archive/pack/tree.ts";
import { ZipWriter } from "../src/archive/zip/writer.ts";
import { measure } from "./measure.ts";

interface Task {
  tree: string;
  folder: string;
  level: number;
  threads: number;
}

/** Compressed already, by its name: yazl is told, as we tell ourselves by looking. */
const COMPRESSED = /\.(?:gz|xz|zst|png)$/;

const contenders: Readonly<Record<string, (task: Task) => Promise<void>>> = {
  /** All that the service does: looks through the tree, packs, reads back with digest. */
  service: (task) => packAs("zip", task),
  tar: (task) => packAs("tar.gz", task),
  /** The same with secrets taken out, and with the finished archive looked through once more. */
  redact: (task) => packRedacted(task, false),
  scan: (task) => packRedacted(task, true),
  /** Only the archive, as the others make it. */
  async archive({ tree, folder, level, threads }) {
    const fd = await openFd(join(folder, "archive.zip"), constants.O_CREAT | constants.O_RDWR);
    try {
      const opened = await Tree.open(tree);
      if (!opened) throw new Error(`There is no tree at ${tree}`);
      const writer = new ZipWriter(fd);
      const signal = new AbortController().signal;
      const options = { level, threads, signal, finish: undefined, onBytes: () => {} };
      await packTree(opened, writer, options);
      await writer.close();
    } finally {
      await closeFd(fd);
    }
  },
  async yazl({ tree, folder, level }) {
    const zip = new ZipFile();
    const found = await readdir(tree, { recursive: true, withFileTypes: true });
    const files = found.filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)).sort();
    for (const file of files) {
      const compress = level > 0 && !COMPRESSED.test(file);
      zip.addFile(file, relative(tree, file), {
        compress,
        compressionLevel: compress ? level : 0,
      });
    }
    zip.end();
    await pipeline(zip.outputStream, createWriteStream(join(folder, "archive.zip")));
  },
};

async function packRedacted(task: Task, again: boolean): Promise<void> {
  const { signal } = new AbortController();
  const redactor = new Redactor(createRules(), []);
  const contents = { redactor, folder: task.folder, level: task.level, signal };
  const archiveFilename = "must-gather.tar.gz";
  const packed = await pack({
    ...task,
    archiveFilename,
    describe: () => ({}),
    rewriter: createRewriter(contents),
    free: () => Promise.resolve(Infinity),
  }, { signal });
  if (packed && again) await residueOf(packed.file, contents);
}

async function packAs(format: ArchiveFormat, task: Task): Promise<void> {
  const { signal } = new AbortController();
  const archiveFilename = "must-gather.tar.gz";
  await pack({ ...task, format, archiveFilename, describe: () => ({}) }, { signal });
}

const [name = "", tree = "", folder = "", level = "", threads = ""] = process.argv.slice(2);
const contender = contenders[name];
if (!contender) throw new Error(`There is no contender ${name}`);
await rm(join(folder, "archive.zip"), { force: true });
const task = { tree, folder, level: Number(level), threads: Number(threads) };
process.stdout.write(JSON.stringify(await measure(() => contender(task))) + "\n");
