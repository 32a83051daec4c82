/** Fills real, small file systems, and looks what becomes of gathers, records and archives. */
import assert from "node:assert/strict";
import { appendFile, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import PQueue from "p-queue";
import type { GatherRecord } from "../../src/schema/record.ts";
import { until } from "../support/until.ts";
import { checkOffered, fill, FRESH_MS, offered, onStage, purge, type Stage } from "./disk-stage.ts";
import { hasPrivateMounts, runWithPrivateMounts } from "./private-mounts.ts";
import { type Row, seconds } from "./table.ts";

const MIB = 2 ** 20;

/** Lets a gather grow until it is ended, and tells how much was free at the least while its oc ran. */
async function grow(
  stage: Stage,
  image: string,
): Promise<{ record: GatherRecord; least: number }> {
  const { id } = await stage.service.start({ image: `localhost/${image}` });
  let least = Infinity;
  for (;;) {
    const free = await stage.free();
    const record = await stage.service.get(id);
    // Packing may use what was kept free for it.
    if (/gathering|copying|stopping/.test(record.state)) least = Math.min(least, free);
    if (record.status === "error") return { record, least };
    assert.notEqual(record.status, "completed");
    await sleep(50);
  }
}

/** Writes what is not the service's into WORK_PATH. */
async function fillUp({ place }: Stage, bytes: number): Promise<void> {
  await writeFile(join(place.folder, "work", "others"), Buffer.alloc(bytes));
}

async function expectDiskFull(stage: Stage): Promise<void> {
  const record = await expectEnded(stage, "grows");
  assert.equal(record.partial, true, record.message);
  assert.ok(record["archive-size"] > 0);
}

/** Ended in time; what there is of an archive is whole. */
async function expectEnded(stage: Stage, image: string): Promise<GatherRecord> {
  const { record, least } = await grow(stage, image);
  assert.equal(record.reason, "disk-full", record.message);
  assert.ok(least > 0, "the file system was full");
  await checkOffered(stage, record);
  return record;
}

async function expectHalf(stage: Stage): Promise<void> {
  const record = await stage.gather("halves");
  assert.deepEqual([record.status, record.reason], ["error", "disk-full"], record.message);
  assert.ok(record.partial && record["archive-size"] > 0, record.message);
  await checkOffered(stage, record);
  await purge(stage, record.id);
}

type Scenarios = Readonly<Record<string, () => Promise<void>>>;

/** File systems that fill up: what must hold, and what shows it. */
export const FULL: Scenarios = {
  "a gather that leaves less than 15 % free ends as disk-full, with an archive, before the file system is full":
    () =>
      onStage({ work: 64 * MIB, env: { WORK_LIMIT: "1Gi" } }, async (stage) => {
        await fillUp(stage, 46 * MIB);
        await expectDiskFull(stage);
      }),

  "no room for oc's output, for what it collects, for the archive or for what is salvaged ends one gather, not the service":
    () =>
      onStage({ work: 32 * MIB, env: { WORK_LIMIT: "1Gi" } }, async (stage) => {
        const flooded = await stage.gather("floods");
        assert.equal(flooded.status, "error");
        // Seldom the service looks in the very moment between hardly any room and none, and ends it.
        assert.match(flooded.message, /oc's output is cut: .*(?:ENOSPC|no space)|no room left/i);
        await checkOffered(stage, flooded);
        await purge(stage, flooded.id);
        // Its archive, which was being read just now, is gone when its reader has closed it.
        await until("there is room again", async () => await stage.free() > 31 * MIB);
        await fillUp(stage, 28 * MIB);
        await sleep(FRESH_MS);
        const refused = await stage.service.fetch("must-gather", { method: "POST" });
        assert.equal(refused.status, 507);
        assert.match(await refused.text(), /[\d.]+ MiB are free .* 4\.8 MiB must stay so/);
        await fillUp(stage, 0);
        await sleep(FRESH_MS);

        await expectHalf(stage);

        stage.oc.execAs("endless");
        const { id } = await stage.service.start({ image: "localhost/slow-must-gather" });
        await stage.service.until(id, ({ state }) => state.endsWith("collecting"));
        await stage.service.fetch(`must-gather/${id}?keep=1`, { method: "DELETE" });
        const salvaged = await stage.service.ended(id);
        assert.equal(salvaged.status, "error");
        assert.deepEqual(stage.oc.cluster.leftovers(), []);
        await checkOffered(stage, salvaged);
        await purge(stage, id);

        const next = await stage.gather("small");
        assert.equal(next.status, "completed", next.message);
        await checkOffered(stage, next);
      }),

  "no room for the journal refuses new gathers, keeps the others' records, and writes them when there is room":
    () =>
      onStage({ journal: MIB }, async (stage) => {
        const { service, oc, place } = stage;
        const running = await service.start({ image: "localhost/slow-must-gather" });
        await service.until(running.id, ({ state }) => state.endsWith("collecting"));
        const others = join(place.folder, "journal", ".others.json.tmp");
        const fillUp = () => appendFile(others, Buffer.alloc(2 * MIB)).catch(() => {});
        await fillUp();
        await sleep(FRESH_MS); // a record that was just being replaced has given back what it took
        await fillUp();
        const refused = await service.fetch("must-gather", { method: "POST" });
        assert.equal(refused.status, 507);
        assert.match(await refused.text(), /could not be written down.*ENOSPC/);
        await fillUp(); // with what a record had taken that was being replaced meanwhile
        await service.fetch(`must-gather/${running.id}`, { method: "DELETE" });
        const ended = await service.ended(running.id);
        assert.equal(ended.reason, "cancelled");
        assert.deepEqual(oc.running(), []);
        await rm(others);
        const file = join(place.folder, "journal", `${running.id}.json`);
        await until("the journal says what it could not before", async () =>
          (await readFile(file, "utf8")).includes('"cancelled"'));
        await stage.restart();
        const list = await (await stage.service.fetch("must-gather")).json() as GatherRecord[];
        assert.deepEqual(list.map(({ id, reason }) => [id, reason]), [[running.id, "cancelled"]]);
        const next = await stage.gather("small");
        assert.equal(next.status, "completed", next.message);
        assert.ok(next.id > running.id + 1, "the id of the refused one is not given again");
      }),
};

/** WORK_LIMIT and EVICT, and the other kind of archive; each part of it has a cheaper test of its own. */
const LIMITED: Scenarios = {
  "a gather that reaches WORK_LIMIT ends as disk-full, with an archive, before the file system is full":
    () => onStage({ work: 64 * MIB, env: { WORK_LIMIT: "9Mi" } }, expectDiskFull),

  "one of 10,000 files that grows by 4 MB a second ends as disk-full before the file system is full":
    () =>
      onStage({ work: 128 * MIB, env: { WORK_LIMIT: "1Gi" } }, async (stage) => {
        await fillUp(stage, 95 * MIB);
        await expectEnded(stage, "crowds");
      }),

  "ARCHIVE_FORMAT=tar.gz: an archive for which there is no room holds what was whole by then": () =>
    onStage({ work: 32 * MIB, env: { WORK_LIMIT: "1Gi", ARCHIVE_FORMAT: "tar.gz" } }, expectHalf),

  "EVICT=never answers 507 with the figures, and a purge makes room": () =>
    onStage({}, async (stage) => {
      const kept = await fill(stage, ["a", "a", "b"]);
      await stage.restart({ WORK_LIMIT: "2500Ki", EVICT: "never" });
      const refused = await stage.service.fetch("must-gather", { method: "POST" });
      assert.equal(refused.status, 507);
      assert.match(await refused.text(), /keeps 2\.9 MiB of at most 2\.4 MiB \(WORK_LIMIT\)/);
      assert.deepEqual(await offered(stage), kept);
      await purge(stage, kept[0] ?? 0);
      await fill(stage, ["c"], "tiny");
    }),

  "EVICT=replaced lets go of an archive that a newer one of its name replaced, and of no other":
    () =>
      onStage({}, async (stage) => {
        const [other, first, second] = await fill(stage, ["b", "a", "a"]);
        await stage.restart({ WORK_LIMIT: "2500Ki", EVICT: "replaced" });
        const [next] = await fill(stage, ["c"], "tiny");
        assert.deepEqual(await offered(stage), [other, second, next]);
        const gone = await stage.service.get(first ?? 0);
        assert.equal(gone.status, "completed");
        assert.match(gone.message, /removed to make room/);
        await stage.restart({ WORK_LIMIT: "1500Ki", EVICT: "replaced" });
        assert.equal((await stage.service.fetch("must-gather", { method: "POST" })).status, 507);
      }),

  "EVICT=oldest lets go of the oldest archives": () =>
    onStage({}, async (stage) => {
      const [, second, third] = await fill(stage, ["a", "b", "c"]);
      await stage.restart({ WORK_LIMIT: "2500Ki", EVICT: "oldest" });
      const [fourth] = await fill(stage, ["d"], "tiny");
      assert.deepEqual(await offered(stage), [second, third, fourth]);
    }),
};

/** What a scenario came to: `wrong` is empty where all holds. */
export interface Came {
  wrong: string;
  ms: number;
}

/** Runs these scenarios, all of them where none are named, with mounts of their own; resolves to what each came to. */
export async function playDisk(names: readonly string[] = []): Promise<Record<string, Came>> {
  const printed = await runWithPrivateMounts(fileURLToPath(import.meta.url), names);
  return JSON.parse(printed) as Record<string, Came>;
}

/** Runs all of them. Rejects with what went wrong. */
export async function runDisk(): Promise<Row[]> {
  const came = Object.entries(await playDisk());
  const wrong = came.filter(([, { wrong }]) => wrong !== "");
  if (wrong.length > 0) {
    throw new Error(wrong.map(([name, { wrong }]) => `${name}\n${wrong}`).join("\n\n"));
  }
  return came.map(([name, { ms }]) => [name, `holds, ${seconds(ms)}`]);
}

if (hasPrivateMounts()) {
  const wanted = process.argv.slice(2);
  const queue = new PQueue({ concurrency: 3 }); // they wait more than they compute
  const played = Object.entries({ ...FULL, ...LIMITED })
    .filter(([name]) => wanted.length === 0 || wanted.includes(name))
    .map(([name, play]) =>
      queue.add(async (): Promise<[string, Came]> => {
        const started = performance.now();
        const wrong = await play().then(() => "", (error: Error) => error.stack ?? String(error));
        return [name, { wrong, ms: performance.now() - started }];
      })
    );
  process.stdout.write(JSON.stringify(Object.fromEntries(await Promise.all(played))));
}
