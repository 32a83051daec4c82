/** Line 4: from a POST to `completed` with an oc that ends at once, beside starting that oc alone; and 1,000 POSTs at once. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, constants, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { inspect } from "node:util";
import type { GatherRecord } from "../src/schema/record.ts";
import { cpuMs, familyCpuMs } from "./support/cpu.ts";
import { writeOc } from "./support/oc.ts";
import { measuring } from "./support/options.ts";
import { type Runtime, type Service, startService, until } from "./support/service.ts";
import { figure, machine, median, say, table } from "./support/table.ts";

/** How many are measured together: what is counted in clock ticks needs many. */
const BATCH = 20;

/** At once, as the issue has it. */
const POSTS = 1000;

/** Room for a part of them, so that both answers come. */
const MAX_QUEUED = 400;

/** What one took. */
export interface Took {
  /** A gather, or a start: milliseconds. */
  wall: number;
  cpu: number;
  /** Of that, the service's own process. */
  own: number;
}

/** Measures and prints. */
export async function benchEnds(args: string[]): Promise<void> {
  const { scale, runs, runtime } = measuring(args, 5);
  const batch = BATCH * scale;
  say(
    `Start to end on ${runtime}: ${machine()}; medians of ${runs} interleaved runs of ${batch} ` +
      "after one to warm up",
  );
  const folder = await mkdtemp(join(tmpdir(), "bench-ends-"));
  const journal = await mkdtemp(join(await inMemory(), "bench-ends-"));
  const service = await startService({
    runtime,
    env: { JOURNAL_PATH: journal },
    flags: runtime === "node" ? ["--max-semi-space-size=2"] : [], // as the image starts it
  });
  try {
    const oc = await writeOc(folder);
    for (
      const [what, word] of [["an oc that ends at once", "instant"], [
        "one as large as oc",
        "start",
      ]]
    ) {
      say(`${what}:`);
      const took: { gather: Took[]; alone: Took[] } = { gather: [], alone: [] };
      for (let round = 0; round <= runs; round++) {
        const gather = await gathers(service, batch, word);
        const alone = await starts(oc, folder, batch, word);
        if (round > 0) {
          took.gather.push(gather);
          took.alone.push(alone);
        }
      }
      tell(took);
    }
  } finally {
    await service.stop();
    for (const made of [folder, journal]) await rm(made, { recursive: true, force: true });
  }
  await atOnce(POSTS * scale, runtime);
}

/** Where the journal is unless somebody says otherwise. */
async function inMemory(): Promise<string> {
  return await access("/dev/shm", constants.W_OK).then(() => "/dev/shm", () => tmpdir());
}

function tell(took: { gather: Took[]; alone: Took[] }): void {
  const ratio = (key: "wall" | "cpu") =>
    figure(median(took.gather.map((each, run) => each[key] / (took.alone[run]?.[key] ?? NaN))));
  const of = (which: "gather" | "alone", key: keyof Took) =>
    figure(median(took[which].map((each) => each[key])));
  table(["", "times oc alone", "ms", "oc alone, ms"], [
    ["wall, POST to completed", ratio("wall"), of("gather", "wall"), of("alone", "wall")],
    ["CPU with all it starts", ratio("cpu"), of("gather", "cpu"), of("alone", "cpu")],
    ["CPU of the service's process", "", of("gather", "own"), ""],
  ]);
}

/** So many gathers of an oc that does what `word` says, one after the other; what one took. */
export async function gathers(service: Service, batch: number, word = "instant"): Promise<Took> {
  const [own, family] = [await cpuMs(service.pid), await familyCpuMs(service.pid)];
  const began = performance.now();
  for (let made = 0; made < batch; made++) {
    await service.completed((await service.post(word)).id);
  }
  const wall = (performance.now() - began) / batch;
  const cpu = (await familyCpuMs(service.pid) - family) / batch;
  return { wall, cpu, own: (await cpuMs(service.pid) - own) / batch };
}

/** So many starts of that oc alone. */
export async function starts(
  oc: string,
  folder: string,
  batch: number,
  word = "instant",
): Promise<Took> {
  // In a process of its own, a small one: a large one takes longer to start another.
  const program = `
    const { spawn } = require("node:child_process");
    const [oc, ...args] = process.argv.slice(1);
    const start = (left) => left > 0 && spawn(oc, args, { stdio: ["ignore", "pipe", "pipe"] })
      .on("close", () => start(left - 1));
    const began = performance.now();
    const before = process.cpuUsage();
    start(${batch});
    process.on("exit", () => {
      const own = process.cpuUsage(before);
      const stat = require("node:fs").readFileSync("/proc/self/stat", "utf8").split(") ")[1].split(" ");
      const children = (Number(stat[13]) + Number(stat[14])) * 10;
      console.log(JSON.stringify([performance.now() - began, (own.user + own.system) / 1000 + children]));
    });`;
  const args = ["adm", "must-gather", `--dest-dir=${join(folder, "tree")}`, "--", word];
  const child = spawn(process.execPath, ["-e", program, oc, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => text += piece);
  await once(child, "close");
  const [wall = NaN, cpu = NaN] = JSON.parse(text) as number[];
  return { wall: wall / batch, cpu: cpu / batch, own: 0 };
}

/** Rejects when one is answered with neither 201 nor 503, or does not reach its end. */
async function atOnce(posts: number, runtime: Runtime): Promise<void> {
  const service = await startService({ runtime, env: { MAX_QUEUED: String(MAX_QUEUED) } });
  try {
    const [began, cpu] = [performance.now(), await cpuMs(service.pid)];
    const answers = await Promise.all(
      Array.from({ length: posts }, () =>
        service.send({ command: "instant" })
          .catch((error: Error) => ({ status: 0, text: inspect(error.cause ?? error) }))),
    );
    const answered = performance.now() - began;
    const taken = answers.filter(({ status }) => status === 201)
      .map(({ text }) => JSON.parse(text) as GatherRecord);
    const refused = answers.filter(({ status }) => status === 503);
    const others = answers.filter(({ status }) => status !== 201 && status !== 503);
    if (others.length > 0) {
      throw new Error(
        `${others.length} of ${posts} POSTs were answered with neither 201 nor 503: ` +
          `${others[0]?.status} ${others[0]?.text}`,
      );
    }
    const ids = new Set(taken.map(({ id }) => id));
    if (ids.size !== taken.length) throw new Error("an id was given twice");
    await until(async () => {
      const list = `http://127.0.0.1:${service.port}/must-gather?status=completed`;
      const ended = await (await fetch(list)).json() as GatherRecord[];
      return ended.length === taken.length;
    }, 500);
    const ended = performance.now() - began;
    table(
      [
        `POSTs at once, MAX_QUEUED=${MAX_QUEUED}`,
        "201",
        "503",
        "answered after, s",
        "all that were taken completed after, s",
        "CPU of the service's process each, ms",
      ],
      [[
        String(posts),
        String(taken.length),
        String(refused.length),
        figure(answered / 1000),
        figure(ended / 1000),
        figure((await cpuMs(service.pid) - cpu) / taken.length),
      ]],
    );
  } finally {
    await service.stop();
  }
}
