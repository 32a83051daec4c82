/** How long looking into an archive of many entries keeps everybody else waiting. */
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import zlib from "node:zlib";
import { closeFd, openFd } from "../src/archive/fd.ts";
import { GzipWriter } from "../src/archive/tar/gzip-writer.ts";
import { tarEnd, tarHeader, tarPadding } from "../src/archive/tar/format.ts";
import { STORED } from "../src/archive/zip/format.ts";
import { ZipWriter } from "../src/archive/zip/writer.ts";
import type { Took } from "./measure.ts";
import { wholeNumber } from "./support/options.ts";
import { machine, median, say, table } from "./support/table.ts";

const run = promisify(execFile);
const LISTER = fileURLToPath(new URL("./lister.ts", import.meta.url));

const HELP = "Usage: npm run bench -- list [--entries N] [--runs N]\n";

/** Measures and prints a Markdown table. Rejects when one of the tasks fails. */
export async function benchList(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      entries: { type: "string", default: "70000" },
      runs: { type: "string", default: "3" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return void process.stdout.write(HELP);
  const runs = wholeNumber("--runs", values.runs);
  const entries = wholeNumber("--entries", values.entries);
  const scratch = await mkdtemp(join(tmpdir(), "bench-list-"));
  try {
    const [zip, tar] = [join(scratch, "archive.zip"), join(scratch, "archive.tar.gz")];
    await makeZip(zip, entries);
    await makeTar(tar, entries);
    say(`${machine()}; ${entries} entries, medians of ${runs} runs`);
    const tasks: [name: string, task: string, file: string][] = [
      ["a ZIP, listed, sorted, list kept", "all", zip],
      ["… its list read again", "kept", zip],
      ["a tar.gz, listed, sorted, list kept", "all", tar],
      ["an image's tar.gz, judged and listed", "image", tar],
    ];
    const rows: string[][] = [];
    for (const [name, task, file] of tasks) {
      const rounds: Took[] = [];
      for (let i = 0; i < runs; i++) {
        const { stdout } = await run(process.execPath, [LISTER, task, file]);
        rounds.push(JSON.parse(stdout) as Took);
      }
      const of = (key: keyof Took) => median(rounds.map((took) => took[key] ?? 0));
      rows.push([
        name,
        (of("cpuMs") / 1000).toFixed(2),
        of("delayMs").toFixed(0),
        of("busyMs").toFixed(0),
        (of("memory") / 1e6).toFixed(0),
      ]);
    }
    table([
      "what",
      "CPU s",
      "event loop late at most, ms",
      "of that busy itself, ms",
      "memory over idle, MB",
    ], rows);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** As long as paths of manifests are, and in no order: that of a tar is the disk's. */
function pathOf(i: number): string {
  const at = Math.imul(i, 0x9e3779b1) >>> 0;
  return `quay-io-image-sha256-0123456789abcdef/namespaces/openshift-${at % 60}/core/pods/` +
    `controller-${at.toString(16).padStart(8, "0")}.yaml`;
}

const CONTENT = Buffer.from("kind: Pod\n".repeat(20));
const ENTRY = { mode: 0o100644, mtimeMs: Date.UTC(2026, 0) };

async function makeZip(file: string, entries: number): Promise<void> {
  const fd = await openFd(file, constants.O_CREAT | constants.O_RDWR);
  try {
    const writer = new ZipWriter(fd);
    const { length: size } = CONTENT;
    const sums = { method: STORED, crc: zlib.crc32(CONTENT), size, packed: size } as const;
    for (let i = 0; i < entries; i++) {
      await writer.add({ ...ENTRY, name: Buffer.from(pathOf(i)), zip64: false }, sums, CONTENT);
    }
    await writer.close();
  } finally {
    await closeFd(fd);
  }
}

async function makeTar(file: string, entries: number): Promise<void> {
  const fd = await openFd(file, constants.O_CREAT | constants.O_RDWR);
  try {
    const writer = new GzipWriter(fd, 6, 2);
    const head = { ...ENTRY, kind: "file", link: "", size: CONTENT.length } as const;
    for (let i = 0; i < entries; i++) {
      await writer.write(tarHeader({ ...head, name: pathOf(i) }));
      await writer.write(CONTENT);
      await writer.write(tarPadding(CONTENT.length));
    }
    await writer.write(tarEnd());
    await writer.close();
  } finally {
    await closeFd(fd);
  }
}
