/** Measures the service's memory with a long output, a large tree, and a long journal, each at two sizes. */
import assert from "node:assert/strict";
import { linkSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Entry } from "../../src/gathers/entry.ts";
import type { GatherListItem, GatherRecord } from "../../src/schema/record.ts";
import { createFakeOc } from "../support/fake-oc.ts";
import { makePlace, type Place, type Service, startService } from "../support/service.ts";
import { checkDownload } from "./archives.ts";
import { COLLECTING, COPYING, makeStandIn } from "./stand-in.ts";
import { type Row, seconds, size } from "./table.ts";
import { cpuMs, forgetPeak, peakBytes, residentBytes } from "./use.ts";

/** After this an idle service has given back what memory it gives back: milliseconds. */
const REST_MS = 500;

/** Of a line that oc prints, with its newline: bytes. */
const LINE_BYTES = 1000;

/** Of a file in the tree: bytes. */
const FILE_BYTES = 16 * 2 ** 20;

/** How much of the output is kept on disk at least, and by how much it varies: bytes (the contract's). */
const LOG_BYTES = 256 * 2 ** 20;
const SEGMENT_BYTES = 16 * 2 ** 20;

/** What each of the ended gathers has printed: more than a record shows. Bytes. */
const ENDED_LOG_BYTES = 100_000;

/** The CPU time that a journal of any length here may take to be read (the issue's, for 10,000): milliseconds. */
const MOST_READ_MS = 1000;

/** Memory in bytes: before, the most, and when all was over; CPU time of the service. */
export interface Use {
  before: number;
  peak: number;
  after: number;
  cpuMs: number;
}

/** Has oc print so many lines. */
export async function measureOutput(lines: number): Promise<Use> {
  const line = `${COLLECTING.slice(6, -1)} `.padEnd(LINE_BYTES - 1, "reconcile done ");
  const script = `yes '${line}' | head -n ${lines}\n${COPYING}\necho x >"$dest/data"`;
  return await measureGather(script, {}, async (service, record) => {
    assert.equal(record.progress.lines, lines + 1);
    const log = await service.fetch(`must-gather/${record.id}/log`);
    let bytes = 0;
    for await (const piece of log.body ?? []) bytes += piece.length;
    const printed = lines * LINE_BYTES + COPYING.length - "echo ''".length + 1;
    if (printed <= LOG_BYTES) assert.equal(bytes, printed);
    else assert.ok(bytes > LOG_BYTES && bytes < LOG_BYTES + 2 * SEGMENT_BYTES, `${bytes} are kept`);
  });
}

/** Has a tree of so many files packed and read back, 16 MiB of log lines each. */
export async function measureTree(files: number, env: Record<string, string> = {}): Promise<Use> {
  // Lines with as much chance in them as logs have, and copies that begin differently.
  const log = `awk 'BEGIN { srand(1); for (n = 0; n < 170000; n++) printf ` +
    `"{\\"level\\":\\"info\\",\\"ts\\":\\"2026-11-22 13:%02d:%02d\\",\\"logger\\":\\"plan|%06x\\",` +
    `\\"msg\\":\\"reconcile done\\",\\"took\\":\\"%dms\\"}\\n", n / 60 % 60, n % 60, ` +
    `rand() * 16777216, rand() * 9999 }' | head -c ${FILE_BYTES} >"$dest/0.log"`;
  const copies = `for n in $(seq 1 ${files - 1}); do { echo $n; cat "$dest/0.log"; } | ` +
    `head -c ${FILE_BYTES} >"$dest/$n.log"; done`;
  const script = [COLLECTING, COPYING, log, copies].join("\n");
  return await measureGather(script, env, async (service, record) => {
    assert.ok((record.verdict?.bytes ?? 0) > files * FILE_BYTES, "with GATHER.json");
    await checkDownload(service, record);
  });
}

/** Runs one gather of a stand-in whose script is given, and measures it; `look` says whether what came of it is whole. */
async function measureGather(
  script: string,
  env: Record<string, string>,
  look: (service: Service, record: GatherRecord) => Promise<void>,
): Promise<Use> {
  return await inPlace(async (place, oc) => {
    const small = [COLLECTING, COPYING, `echo x >"$dest/data"`].join("\n");
    const OC = await makeStandIn(place.folder, oc, { small, soak: script });
    const service = await startService(place, { OC, ...env });
    try {
      // What is loaded with the first gather is not what a larger one takes.
      const small = await service.start({ image: "localhost/small" });
      assert.equal((await ended(service, small.id)).status, "completed");
      await sleep(REST_MS);
      await forgetPeak(service.pid);
      const [before, cpu] = [await residentBytes(service.pid), await cpuMs(service.pid)];
      const { id } = await service.start({ image: "localhost/soak" });
      const record = await ended(service, id);
      assert.equal(record.status, "completed", record.message);
      const used = await cpuMs(service.pid) - cpu;
      await look(service, record);
      const peak = await peakBytes(service.pid);
      await sleep(REST_MS);
      return { before, peak, after: await residentBytes(service.pid), cpuMs: used };
    } finally {
      await service.stop();
    }
  });
}

/** As `service.ended()`, however long it takes. */
async function ended(service: Service, id: number): Promise<GatherRecord> {
  for (;;) {
    const record = await service.get(id);
    if (record.status === "completed" || record.status === "error") return record;
    await sleep(200);
  }
}

/** What a service with a long journal uses: `before` and `cpuMs` of {@linkcode Use} are those of an empty one's start. */
export interface JournalUse extends Use {
  /** CPU that its start took more than that of an empty one, until the journal was read. */
  readMs: number;
  /** And until it had looked after all of them. */
  settledMs: number;
}

/** Starts a service with so many ended gathers, and lists the newest 1,000. */
export async function measureJournal(gathers: number): Promise<JournalUse> {
  return await inPlace(async (place, oc) => {
    const env = { OC: oc };
    let service = await startService(place, env);
    try {
      const emptyMs = await cpuMs(service.pid);
      await sleep(REST_MS);
      const before = await residentBytes(service.pid);
      const { id } = await service.start({
        image: "localhost/instant:latest",
        "custom-name": "plan:a-plan:0b5f4f4e-9a51-4d5e-9d44-0c9a2f0c5d5e",
      });
      await service.ended(id);
      await service.stop();
      multiply(place, gathers);

      service = await startService(place, env);
      const readMs = await cpuMs(service.pid) - emptyMs; // it listens once the journal is read
      const settledMs = await settled(service) - emptyMs;
      const list = await (await service.fetch("must-gather?limit=1000")).json() as GatherListItem[];
      assert.equal(list.length, Math.min(1000, gathers));
      assert.ok(list.every((record) => record["archive-url"] !== ""), "an archive is missing");
      const peak = await peakBytes(service.pid);
      await sleep(REST_MS);
      const after = await residentBytes(service.pid);
      return { before, peak, after, cpuMs: emptyMs, readMs, settledMs };
    } finally {
      await service.stop();
    }
  });
}

async function inPlace<T>(act: (place: Place, oc: string) => Promise<T>): Promise<T> {
  const place = await makePlace();
  const fake = await createFakeOc({ folder: place.folder });
  try {
    return await act(place, fake.path);
  } finally {
    await fake.close();
    await place.remove();
  }
}

/** CPU that it took until it takes no more. */
async function settled(service: Service): Promise<number> {
  for (let before = -1;;) {
    const now = await cpuMs(service.pid);
    if (now === before) return now;
    before = now;
    await sleep(REST_MS);
  }
}

/** Makes more gathers of the only one there is: their journal files, and their folders with its files. */
function multiply(place: Place, gathers: number): void {
  const [journal, work] = [join(place.folder, "journal"), join(place.folder, "work")];
  const entry = JSON.parse(readFileSync(join(journal, "1.json"), "utf8")) as Entry;
  const begin = Date.parse(entry.createdAt);
  for (const made of entry.made) made.gone = true;
  writeFileSync(join(work, "1", "exec.log"), "another line\n".repeat(ENDED_LOG_BYTES / 13));
  const files = readdirSync(join(work, "1"), { withFileTypes: true })
    .filter((found) => found.isFile()).map(({ name }) => name);
  for (let id = 1; id <= gathers; id++) {
    const createdAt = new Date(begin + id).toISOString();
    writeFileSync(join(journal, `${id}.json`), JSON.stringify({ ...entry, id, createdAt }));
    if (id === 1) continue;
    mkdirSync(join(work, String(id)));
    for (const name of files) linkSync(join(work, "1", name), join(work, String(id), name));
  }
  const mark = JSON.parse(readFileSync(join(journal, "ids.json"), "utf8")) as { next: number };
  writeFileSync(join(journal, "ids.json"), JSON.stringify({ ...mark, next: gathers + 1 }));
}

/** Measures all three at a tenth of the size and at the size. */
export async function runMemory(of: MemorySizes): Promise<Row[]> {
  const rows: Row[] = [];
  const tell = (what: string, { before, peak, after }: Use, more: string) =>
    rows.push([what, `${size(before)}, ${size(peak)}, ${size(after)}; ${more}`]);
  for (const share of [10, 1]) {
    const lines = of.lines / share;
    const use = await measureOutput(lines);
    const what = `oc prints ${lines} lines, ${size(lines * LINE_BYTES)}`;
    tell(what, use, `CPU ${seconds(use.cpuMs)}`);
  }
  for (const share of [10, 1]) {
    const files = Math.round(of.files / share);
    const use = await measureTree(files);
    const what = `a tree of ${size(files * FILE_BYTES)} is packed and read back`;
    tell(what, use, `CPU ${seconds(use.cpuMs)}`);
  }
  for (const share of [10, 1]) {
    const gathers = of.gathers / share;
    const use = await measureJournal(gathers);
    assert.ok(use.readMs < MOST_READ_MS, `${use.readMs} ms to read ${gathers}`);
    const cpu = `CPU to read them ${seconds(use.readMs)}, to look after them ` +
      seconds(use.settledMs - use.readMs);
    tell(`start with ${gathers} ended gathers, list 1,000`, use, cpu);
  }
  return [["memory of the service: before, at most, after", ""], ...rows];
}

/** How large things are. */
export interface MemorySizes {
  /** That oc prints. */
  lines: number;
  /** In the tree. */
  files: number;
  /** In the journal, ended. */
  gathers: number;
}
