/** What taking secrets out costs: the CPU of packing with it, beside that of packing without. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import type { Took } from "./measure.ts";
import { makeCorpus } from "./corpus.ts";
import { wholeNumber } from "./support/options.ts";
import { machine, median, say, table } from "./support/table.ts";

const run = promisify(execFile);
const SEED = 5;
const CONTENDER = fileURLToPath(new URL("./contender.ts", import.meta.url));

const HELP =
  "Usage: node bench/main.ts redact [--megabytes N] [--runs N] [--level N] [--threads N]\n";

/** Packs the same tree with and without, in turns, and prints the medians. Rejects when either fails. */
export async function benchRedact(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      megabytes: { type: "string", default: "60" },
      runs: { type: "string", default: "5" },
      level: { type: "string", default: "6" },
      threads: { type: "string", default: "2" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return void process.stdout.write(HELP);
  const runs = wholeNumber("--runs", values.runs);
  const scratch = await mkdtemp(join(tmpdir(), "bench-redact-"));
  try {
    const tree = join(scratch, "tree");
    const { files, bytes } = await makeCorpus(
      tree,
      wholeNumber("--megabytes", values.megabytes) * 1e6,
      SEED,
    );
    const cpu: Record<string, number[]> = { service: [], redact: [], scan: [] };
    for (let i = 0; i <= runs; i++) {
      for (const [name, all] of Object.entries(cpu)) {
        const folder = join(scratch, "out");
        await mkdir(folder);
        const { stdout } = await run(process.execPath, [
          CONTENDER,
          name,
          tree,
          folder,
          values.level,
          values.threads,
        ]);
        await rm(folder, { recursive: true });
        if (i > 0) all.push((JSON.parse(stdout) as Took).cpuMs); // the first one warms up
      }
    }
    const seconds = (name: string) => median(cpu[name] ?? []) / 1000;
    const plain = seconds("service");
    const row = (what: string, each: number) => [what, each.toFixed(2), (each / plain).toFixed(2)];
    say(
      `${machine()}; ${files} files, ${(bytes / 1e6).toFixed(0)} MB, level ${values.level}; ` +
        `medians of ${runs} interleaved runs`,
    );
    table(["", "CPU s", "times packing"], [
      row("packing, read back", plain),
      row("… redacted", seconds("redact")),
      row("… and looked through once more", seconds("scan")),
    ]);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
