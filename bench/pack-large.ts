/** An archive larger than 4 GiB in all that counts, opened by everybody else's readers; and one log out of a large nested tar.gz. */
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { mkdir, mkdtemp, rm, stat, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { bytesOfFile } from "../src/archive/bytes.ts";
import { closeFd, openFd } from "../src/archive/fd.ts";
import { tarEnd, tarHeader, tarPadding } from "../src/archive/tar/format.ts";
import { GzipWriter } from "../src/archive/tar/gzip-writer.ts";
import { makeLargeCorpus } from "./corpus.ts";
import type { Took } from "./measure.ts";
import { machine, say } from "./support/table.ts";

const run = promisify(execFile);
const SEED = 5;
const fileOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** The tree, a ZIP and two tar.gz, one in the other, and twice as much again to stay clear of the end: bytes. */
const ROOM = 20e9;

const HELP = `Usage: npm run bench -- pack-large [--threads N] [--level N]
  Makes a tree of 5 GB and archives of it in the temporary folder (TMPDIR), and removes them again.
`;

/** Every entry, its content too, through node-stream-zip. */
const STREAM_ZIP = `
import StreamZip from "node-stream-zip";
const zip = new StreamZip.async({ file: process.argv[1] });
for (const entry of Object.values(await zip.entries())) {
  if (entry.isDirectory) continue;
  const stream = await zip.stream(entry);
  let size = 0;
  for await (const piece of stream) size += piece.length;
  if (size !== entry.size) throw new Error(entry.name + ": " + size + " bytes");
}
await zip.close();
`;

const PYTHON = "import sys, zipfile; bad = zipfile.ZipFile(sys.argv[1]).testzip(); sys.exit(bad)";

/** Who opens the ZIP, each reading all of it. */
const READERS: readonly [name: string, program: string, args: string[]][] = [
  ["unzip -t", "unzip", ["-tqq"]],
  ["7z t", "7z", ["t", "-bso0", "-bsp0"]],
  ["Python's zipfile", "python3", ["-c", PYTHON]],
  ["bsdtar", "sh", ["-c", 'bsdtar -xOf "$0" | wc -c']],
  ["node-stream-zip", process.execPath, ["--input-type=module", "-e", STREAM_ZIP]],
];

/** Measures and prints Markdown tables. Rejects where one of the readers refuses the archive, or there is too little room. */
export async function benchPackLarge(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      threads: { type: "string", default: "2" },
      level: { type: "string", default: "6" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return void process.stdout.write(HELP);
  const { bavail, bsize } = await statfs(tmpdir());
  if (bavail * bsize < ROOM) throw new Error(`${tmpdir()} has less than ${giga(ROOM)} GB free`);
  const scratch = await mkdtemp(join(tmpdir(), "bench-pack-large-"));
  try {
    const tree = join(scratch, "tree");
    const corpus = await makeLargeCorpus(tree, SEED);
    say(
      `${machine()}; ` +
        `${corpus.files} files, ${giga(corpus.bytes)} GB, level ${values.level}\n`,
    );
    const child = async (script: string, ...rest: string[]) =>
      JSON.parse((await run(process.execPath, [fileOf(script), ...rest])).stdout);
    const zip: Took = await child(
      "contender.ts",
      "service",
      tree,
      scratch,
      values.level,
      values.threads,
    );
    const file = join(scratch, "archive.zip");
    say("| what | wall s | CPU s | |\n| --- | --: | --: | --- |");
    row(
      "packed and read back",
      zip.wallMs,
      zip.cpuMs,
      `${giga((await stat(file)).size)} GB; ${memoryOf(zip)}`,
    );
    for (const [name, program, rest] of READERS) {
      const has = await run("which", [program]).then(() => true, () => false);
      if (!has) say(`| ${name} | | | not installed |`);
      else {
        const began = performance.now();
        await run(program, [...rest, file]);
        row(name, performance.now() - began, undefined, "opens it, all entries");
      }
    }
    await rm(file);
    const inner: Took = await child("contender.ts", "tar", tree, scratch, "1", values.threads);
    const innerFile = join(scratch, "archive.tar.gz");
    const { size } = await stat(innerFile);
    row(
      "packed as tar.gz, level 1, and read back",
      inner.wallMs,
      inner.cpuMs,
      `${giga(size)} GB; ${memoryOf(inner)}`,
    );
    await rm(tree, { recursive: true });
    const folder = join(scratch, "nested");
    await mkdir(folder);
    const nested = join(folder, "archive.tar.gz");
    await nest(innerFile, size, nested);
    await rm(innerFile);
    const listed: Took = await child("lister.ts", "all", nested);
    row("that tar.gz in another one, listed", listed.wallMs, listed.cpuMs, memoryOf(listed));
    const log = await child("lister.ts", "middle", nested);
    const where = `${(log.size / 1e6).toFixed(0)} MB behind ${giga(log.before)} of ${
      giga(log.of)
    } GB unpacked`;
    row("… one log from its middle", log.firstMs, undefined, where);
    row("… the same log again", log.secondMs, undefined, "");
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** A tar.gz with one file in it. */
async function nest(inner: string, size: number, outer: string): Promise<void> {
  const fd = await openFd(outer, constants.O_CREAT | constants.O_RDWR);
  try {
    const writer = new GzipWriter(fd, 1, 2);
    const head = { kind: "file", link: "", mode: 0o644, mtimeMs: 0 } as const;
    await writer.write(tarHeader({ ...head, name: "must-gather/must-gather.tar.gz", size }));
    const { signal } = new AbortController();
    for await (const piece of bytesOfFile(inner, 0, size, signal)) await writer.write(piece);
    await writer.write(tarPadding(size));
    await writer.write(tarEnd());
    await writer.close();
  } finally {
    await closeFd(fd);
  }
}

function memoryOf({ memory = 0, busyMs = 0 }: Took): string {
  return `${(memory / 1e6).toFixed(0)} MB over idle; longest turn ${busyMs.toFixed(0)} ms`;
}

function row(what: string, wallMs: number, cpuMs: number | undefined, more: string): void {
  const cpu = cpuMs === undefined ? "" : (cpuMs / 1000).toFixed(1);
  say(`| ${what} | ${(wallMs / 1000).toFixed(2)} | ${cpu} | ${more} |`);
}

function giga(bytes: number): string {
  return (bytes / 1e9).toFixed(2);
}
