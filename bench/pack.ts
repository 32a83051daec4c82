/** How fast a tree becomes an archive, beside the other ways to do it. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { makeCorpus } from "./corpus.ts";
import type { Took } from "./measure.ts";
import { measuring, wholeNumber } from "./support/options.ts";
import { machine, median, say, table } from "./support/table.ts";

const run = promisify(execFile);
const SEED = 5;
const CONTENDER = fileURLToPath(new URL("./contender.ts", import.meta.url));

/** The corpora of the goals, and a small one for a run of seconds: bytes. */
const SIZES: Readonly<Record<string, number>> = { quick: 40e6, normal: 600e6, large: 5e9 };

interface Way {
  name: string;
  /** The program that has to be there. */
  needs?: string;
  /** What it writes in the folder that it is given. */
  file: string;
  take: (tree: string, folder: string) => Promise<Took>;
}

interface Round extends Took {
  size: number;
}

const HELP =
  `Usage: npm run bench -- pack [--quick | --large] [--runs N] [--level N[,N]] [--threads N]
  [--tree FOLDER]  packs this instead of a corpus that is made for the run
`;

/** Measures and prints a Markdown table. Rejects when one of the ways fails. */
export async function benchPack(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: "boolean" },
      large: { type: "boolean" },
      runs: { type: "string", default: "3" },
      level: { type: "string", default: "6" },
      threads: { type: "string", default: "2" },
      tree: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return void process.stdout.write(HELP);
  const runs = wholeNumber("--runs", values.runs);
  const threads = wholeNumber("--threads", values.threads);
  const scratch = await mkdtemp(join(tmpdir(), "bench-pack-"));
  try {
    const tree = values.tree ?? join(scratch, "tree");
    const size = SIZES[values.quick ? "quick" : values.large ? "large" : "normal"] ?? 0;
    const corpus = values.tree ? undefined : await makeCorpus(tree, size, SEED);
    say(
      `${machine()}; ` +
        `${corpus ? `${corpus.files} files, ${mega(corpus.bytes)} MB` : tree}; ` +
        `medians of ${runs} interleaved runs, after one to warm up`,
    );
    for (const level of values.level.split(",").map(Number)) {
      const ways = await there(waysAt(level, threads));
      await measureAt(ways, tree, scratch, level, runs);
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Line 6, its half before the download: {@linkcode benchPack} with the options that all lines take. */
export async function benchPacking(args: string[]): Promise<void> {
  const { scale, runs, runtime } = measuring(args, 3);
  if (runtime !== "node") return say("Packing is measured on Node only: its contenders need it\n");
  say("Packing on node");
  await benchPack(["--runs", String(runs), ...(scale < 1 ? ["--quick"] : [])]);
}

function waysAt(level: number, threads: number): Way[] {
  const ours = (name: string): Way["take"] => async (tree, folder) => {
    const args = [CONTENDER, name, tree, folder, String(level), String(threads)];
    const { stdout } = await run(process.execPath, args);
    return JSON.parse(stdout) as Took;
  };
  const shell = (line: string): Way["take"] => (tree, folder) => timed(line, tree, folder);
  return [
    { name: "**this service, the archive**", file: "archive.zip", take: ours("archive") },
    { name: "… looked through, read back, digest", file: "archive.zip", take: ours("service") },
    { name: "… the same as tar.gz", file: "archive.tar.gz", take: ours("tar") },
    { name: "yazl", file: "archive.zip", take: ours("yazl") },
    {
      name: `zip -${level}`,
      needs: "zip",
      file: "archive.zip",
      take: shell(`zip -q -r -X -${level} "$1/archive.zip" .`),
    },
    {
      name: `tar \\| pigz -${level} -p${threads}`,
      needs: "pigz",
      file: "archive.tar.gz",
      take: shell(`tar -c . | pigz -${level} -p${threads} > "$1/archive.tar.gz"`),
    },
  ];
}

/** Leaves out what this machine has not, and says so. */
async function there(ways: Way[]): Promise<Way[]> {
  const found: Way[] = [];
  for (const way of ways) {
    const has = !way.needs || await run(way.needs, ["--version"]).then(() => true, () => false);
    if (has) found.push(way);
    else say(`${way.needs} is not installed, so it is not compared\n`);
  }
  return found;
}

/** A line of shell in `tree`, with `folder` as `$1`; bash counts the processor time of all that it started. */
async function timed(line: string, tree: string, folder: string): Promise<Took> {
  const script = `set -eo pipefail; TIMEFORMAT='%R %U %S'; time { ${line}; }`;
  const options = { cwd: tree, env: { ...process.env, LC_ALL: "C" } };
  const { stderr } = await run("bash", ["-c", script, "bash", folder], options);
  const [wall = 0, user = 0, system = 0] =
    stderr.trim().split("\n").at(-1)?.split(" ").map(Number) ??
      [];
  return { wallMs: wall * 1000, cpuMs: (user + system) * 1000 };
}

async function measureAt(
  ways: Way[],
  tree: string,
  scratch: string,
  level: number,
  runs: number,
): Promise<void> {
  const rounds = new Map<Way, Round[]>(ways.map((way) => [way, []]));
  for (let i = 0; i <= runs; i++) {
    for (const way of ways) {
      const folder = join(scratch, "out");
      await mkdir(folder);
      const took = await way.take(tree, folder);
      const { size } = await stat(join(folder, way.file));
      await rm(folder, { recursive: true });
      if (i > 0) rounds.get(way)?.push({ ...took, size });
    }
  }
  const rows = ways.map((way) => {
    const all = rounds.get(way) ?? [];
    const of = (key: keyof Round) => median(all.flatMap((round) => round[key] ?? []));
    return {
      name: way.name,
      wall: of("wallMs"),
      cpu: of("cpuMs"),
      memory: of("memory"),
      delay: of("delayMs"),
      busy: of("busyMs"),
      size: of("size"),
    };
  });
  const [first] = rows;
  if (!first) return;
  const whole = (value: number) => Number.isNaN(value) ? "" : value.toFixed(0);
  say(`\nLevel ${level}:`);
  table(
    [
      "way",
      "wall, times ours",
      "CPU, times ours",
      "wall s",
      "CPU s",
      "memory over idle, MB",
      "event loop late at most, ms",
      "of that busy itself, ms",
      "archive MB",
    ],
    rows.map((row) => [
      row.name,
      (row.wall / first.wall).toFixed(2),
      (row.cpu / first.cpu).toFixed(2),
      (row.wall / 1000).toFixed(2),
      (row.cpu / 1000).toFixed(2),
      Number.isNaN(row.memory) ? "" : mega(row.memory),
      whole(row.delay),
      whole(row.busy),
      mega(row.size),
    ]),
  );
}

function mega(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}
