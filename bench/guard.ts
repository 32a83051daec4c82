/**
 * Sees in CI that nothing became much dearer: CPU beside that of a comparison in the same run, so that it holds on any machine, under any
 * load. The limits are wide, about twice what was measured when they were set (bench/README.md has the figures): they catch
 * work done again for each request, line or file, and no shade of a compiler.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { makeCorpus } from "./corpus.ts";
import { gathers, starts } from "./ends.ts";
import type { Took } from "./measure.ts";
import { recordReply } from "./support/bare.ts";
import { cpuMs } from "./support/cpu.ts";
import { writeJournal } from "./support/journal.ts";
import { type Compared, ratioOf, tooDear } from "./support/limits.ts";
import { writeOc } from "./support/oc.ts";
import { askInTurns, barePath, type Case, startBareFor } from "./support/polls.ts";
import { type Service, startService } from "./support/service.ts";
import { figure, machine, say, table } from "./support/table.ts";

const run = promisify(execFile);
const programOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** What may cost how many times its comparison. */
const LIMITS = {
  // Of the bare server: routing and headers are what is over 1. Replies made anew each time were at 5 and more.
  "one of 2 KB": 2.6,
  "one of 64 KB": 2.2,
  "304": 2.6,
  "list of 100": 2.6,
  // Of a reader that only finds the ends of lines: ours reads facts from them and writes the log.
  "a line of output": 10,
  // Of oc alone, a shell that ends at once; the kernel's part of ours grows with the machine's load, that of the shell less.
  "start to end": 18,
  // Of yazl, which makes the archive only; ours looks through the tree before and reads the archive back afterwards.
  "packing": 1.9,
} as const;

/** In a list of 100, besides two that are asked alone. */
const IN_JOURNAL = 98;

const ROUNDS = 3;
const REQUESTS = 2500;
const LINES = 300_000;
const TREE_BYTES = 20e6;
const SEED = 5;
const GATHERS = 12;
/** What their processes took is told in ticks of 10 ms, so these, which are little else, need many. */
const STARTS = 50;

/** Measures, prints, and ends with 1 when a limit is passed. `--slowed` makes the service too slow, to see that it does. */
export async function benchGuard(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { slowed: { type: "boolean", default: false } } });
  say(`Guard: ${machine()}; the cheapest of ${ROUNDS} interleaved rounds`);
  const scratch = await mkdtemp(join(tmpdir(), "bench-guard-"));
  let service: Service | undefined;
  try {
    const folder = join(scratch, "service");
    await writeJournal(folder, IN_JOURNAL);
    const flags = values.slowed ? ["--import", programOf("support/slowed.ts")] : [];
    service = await startService({ folder, flags });
    const oc = await writeOc(scratch);
    const all = [
      ...await polls(service),
      await output(service, oc, scratch),
      await ends(service, oc, scratch),
      await packing(scratch),
    ];
    table(
      ["", "CPU, times the comparison", "limit", "CPU", "of the comparison", ""],
      all.map((each) => [
        each.name,
        figure(ratioOf(each)),
        String(each.limit),
        figure(Math.min(...each.ours)),
        figure(Math.min(...each.bare)),
        each.unit,
      ]),
    );
    const dear = tooDear(all);
    for (const line of dear) process.stderr.write(`${line}\n`);
    if (dear.length > 0) process.exitCode = 1;
  } finally {
    await service?.stop();
    await rm(scratch, { recursive: true, force: true });
  }
}

function compared(
  name: keyof typeof LIMITS,
  unit: string,
): Compared & Record<"ours" | "bare", number[]> {
  return { name, unit, ours: [], bare: [], limit: LIMITS[name] };
}

async function polls(service: Service): Promise<Compared[]> {
  const small = await service.completed((await service.post("print 500")).id);
  const large = await service.completed((await service.post("print 70000")).id);
  const known = await recordReply(service.port, `/must-gather/${small.id}`, {});
  const one = { path: `/must-gather/${small.id}`, headers: {}, status: 200, requests: REQUESTS };
  const cases: (Case & { name: keyof typeof LIMITS })[] = [
    { ...one, name: "one of 2 KB" },
    { ...one, name: "one of 64 KB", path: `/must-gather/${large.id}` },
    { ...one, name: "304", status: 304, headers: { "if-none-match": known.headers["etag"] ?? "" } },
    { ...one, name: "list of 100", path: "/must-gather?limit=100", requests: REQUESTS / 2 },
  ];
  const bare = await startBareFor(service, cases, "node");
  try {
    const asIs = { path: ({ path }: Case) => path, headers: {}, knows: () => true };
    const servers = [{ ...asIs, ...service }, { ...asIs, ...bare, path: barePath }];
    const figures = await askInTurns(servers, cases, ROUNDS);
    return cases.map(({ name }, index) => {
      const [ours, other] = (figures[index] ?? []).map(({ cpu }) => cpu);
      return { ...compared(name, "µs a request"), ours: ours ?? [], bare: other ?? [] };
    });
  } finally {
    await bare.stop();
  }
}

async function output(service: Service, oc: string, scratch: string): Promise<Compared> {
  const found = compared("a line of output", "µs a line");
  const line = ["adm", "must-gather", `--dest-dir=${join(scratch, "read")}`, "--"];
  for (let round = 0; round < ROUNDS; round++) {
    const before = await cpuMs(service.pid);
    const { id } = await service.post(`lines ${LINES}`);
    const { progress } = await service.completed(id);
    if (progress.lines !== LINES) throw new Error(`${progress.lines} lines came`);
    found.ours.push((await cpuMs(service.pid) - before) * 1000 / LINES);
    const reader = [programOf("support/reader.ts"), oc, ...line, `lines ${LINES}`];
    const read = JSON.parse((await run(process.execPath, reader)).stdout);
    if (read.lines !== LINES) throw new Error(`${read.lines} lines were read`);
    found.bare.push(read.cpuMs * 1000 / LINES);
  }
  return found;
}

async function ends(service: Service, oc: string, scratch: string): Promise<Compared> {
  const found = compared("start to end", "ms a gather");
  for (let round = 0; round < ROUNDS; round++) {
    found.ours.push((await gathers(service, GATHERS)).cpu);
    found.bare.push((await starts(oc, scratch, STARTS)).cpu);
  }
  return found;
}

async function packing(scratch: string): Promise<Compared> {
  const found = compared("packing", "s");
  const tree = join(scratch, "tree");
  await makeCorpus(tree, TREE_BYTES, SEED);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, costs] of [["service", found.ours], ["yazl", found.bare]] as const) {
      const folder = join(scratch, "out");
      await mkdir(folder);
      const args = [programOf("contender.ts"), name, tree, folder, "6", "2"];
      const { cpuMs } = JSON.parse((await run(process.execPath, args)).stdout) as Took;
      await rm(folder, { recursive: true });
      costs.push(cpuMs / 1000);
    }
  }
  return found;
}
