/** Fills real, small file systems, and looks what becomes of gathers, records and archives. */
import assert from "node:assert/strict";
import { readdir, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { GatherRecord } from "../../src/schema/record.ts";
import { createFakeOc, type FakeOc } from "../support/fake-oc.ts";
import { makePlace, type Place, type Service, startService } from "../support/service.ts";
import { until } from "../support/until.ts";
import { checkDownload, readWithPython } from "./archives.ts";
import { hasPrivateMounts, mountTmpfs, runWithPrivateMounts, unmount } from "./private-mounts.ts";
import { COLLECTING, COPYING, makeStandIn } from "./stand-in.ts";
import { type Row, seconds } from "./table.ts";

const MIB = 2 ** 20;

/** The service takes a measurement for good for 500 ms. */
const FRESH_MS = 600;

/** What images do, in bash; `$dest` is where. */
const IMAGES = {
  // 8 MB of text at once, then 1 MB a second, until it is told to stop.
  grows: `trap 'exit 1' INT TERM\n${COLLECTING}\n${COPYING}\n` +
    `seq 2000000 | head -c 8000000 >"$dest/0.log"\n` +
    `for n in $(seq 200); do seq "$n" 1000000 | head -c 1000000 >"$dest/$n.log"; sleep 1 & wait $!; done`,
  // Its output alone is more than there is room for, and so is what it collects.
  floods: `yes 'a line of a pod' | head -c 40000000\n${COLLECTING}\n${COPYING}\n` +
    `head -c 40000000 /dev/urandom >"$dest/all" || exit 1`,
  // There is room for it, and none for an archive of all of it.
  halves: `${COLLECTING}\n${COPYING}\n` +
    `for n in $(seq 20); do head -c 1000000 /dev/urandom >"$dest/$n.bin"; done`,
  tiny: `${COLLECTING}\n${COPYING}\necho tiny >"$dest/data.txt"`,
  small: `${COLLECTING}\n${COPYING}\nhead -c 1000000 /dev/urandom >"$dest/data.bin"`,
};

/** A service whose folders are file systems of their own. */
interface Stage {
  place: Place;
  oc: FakeOc;
  service: Service;
  /** Bytes free in WORK_PATH. */
  free: () => Promise<number>;
  /** Stops the service and starts it again. */
  restart: () => Promise<void>;
  gather: (image: keyof typeof IMAGES, name?: string) => Promise<GatherRecord>;
}

interface Options {
  /** Of the file systems, in bytes; without, they are folders like others. */
  work?: number;
  journal?: number;
  env?: Record<string, string>;
}

async function onStage(options: Options, act: (stage: Stage) => Promise<void>): Promise<void> {
  const place = await makePlace();
  const mounted: string[] = [];
  for (const [name, bytes] of [["work", options.work], ["journal", options.journal]] as const) {
    if (bytes === undefined) continue;
    await mountTmpfs(join(place.folder, name), bytes);
    mounted.push(join(place.folder, name));
  }
  const oc = await createFakeOc({ folder: place.folder, speed: 60 });
  const env = { OC: await makeStandIn(place.folder, oc.path, IMAGES), ...options.env };
  const stage: Stage = {
    place,
    oc,
    service: await startService(place, env),
    async free() {
      const { bavail, bsize } = await statfs(join(place.folder, "work"));
      return bavail * bsize;
    },
    async restart() {
      await stage.service.stop();
      stage.service = await startService(place, env);
    },
    async gather(image, name = "") {
      const request = { image: `localhost/${image}`, "custom-name": name };
      const { id } = await stage.service.start(request);
      return await stage.service.ended(id);
    },
  };
  try {
    await act(stage);
    assert.equal((await stage.service.fetch("readyz")).status, 200, "the service is up");
  } finally {
    await stage.service.stop();
    await oc.close();
    for (const folder of mounted) await unmount(folder);
    await place.remove();
  }
}

/** What is offered is whole; what is not whole is not there. */
async function checkOffered({ service, place }: Stage, record: GatherRecord): Promise<void> {
  const folder = join(place.folder, "work", String(record.id));
  const files = async () =>
    (await readdir(folder).catch(() => [])).filter((name) => name.startsWith("archive"));
  if (record["archive-url"] === "") {
    assert.equal((await service.fetch(`must-gather/${record.id}/data`)).status, 404);
    await until("what is half-written is removed", async () => (await files()).length === 0);
  } else {
    await checkDownload(service, record);
    assert.equal((await files()).length, 1);
    await readWithPython((await files()).map((name) => join(folder, name)));
  }
}

async function purge({ service }: Stage, id: number): Promise<void> {
  const reply = await service.fetch(`must-gather/${id}?purge=1`, { method: "DELETE" });
  assert.equal(reply.status, 204, await reply.text());
}

/** Lets a gather grow until it is ended, and tells how much was free at the least while its oc ran. */
async function grow(stage: Stage): Promise<{ record: GatherRecord; least: number }> {
  const { id } = await stage.service.start({ image: "localhost/grows" });
  let least = Infinity;
  for (;;) {
    least = Math.min(least, await stage.free());
    const record = await stage.service.get(id);
    if (record.status === "error") return { record, least };
    assert.notEqual(record.status, "completed");
    await sleep(50);
  }
}

async function expectDiskFull(stage: Stage): Promise<void> {
  const { record, least } = await grow(stage);
  assert.equal(record.reason, "disk-full", record.message);
  assert.ok(least > 0, "the file system was full");
  assert.equal(record.partial, true, record.message);
  assert.ok(record["archive-size"] > 0);
  await checkOffered(stage, record);
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
        await writeFile(join(stage.place.folder, "work", "others"), Buffer.alloc(46 * MIB));
        await expectDiskFull(stage);
      }),

  "no room for oc's output, for what it collects, for the archive or for what is salvaged ends one gather, not the service":
    () =>
      onStage({ work: 32 * MIB, env: { WORK_LIMIT: "1Gi" } }, async (stage) => {
        const flooded = await stage.gather("floods");
        assert.equal(flooded.status, "error");
        assert.match(flooded.message, /log of oc's output is cut: .*(?:ENOSPC|no space left)/i);
        await checkOffered(stage, flooded);
        await sleep(FRESH_MS);
        const refused = await stage.service.fetch("must-gather", { method: "POST" });
        assert.equal(refused.status, 507);
        assert.match(await refused.text(), /[\d.]+ MiB are free .* 4\.8 MiB must stay so/);
        await purge(stage, flooded.id);

        await expectHalf(stage);

        stage.oc.execAs("endless");
        const { id } = await stage.service.start({ image: "localhost/slow-must-gather" });
        await stage.service.until(id, ({ state }) => state.endsWith("collecting"));
        await stage.service.fetch(`must-gather/${id}?keep=1`, { method: "DELETE" });
        const salvaged = await stage.service.ended(id);
        assert.equal(salvaged.status, "error");
        assert.match(salvaged.message, /no room/);
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
        await writeFile(others, Buffer.alloc(2 * MIB)).catch(() => {});
        const refused = await service.fetch("must-gather", { method: "POST" });
        assert.equal(refused.status, 507);
        assert.match(await refused.text(), /could not be written down.*ENOSPC/);
        await service.fetch(`must-gather/${running.id}`, { method: "DELETE" });
        const ended = await service.ended(running.id);
        assert.equal(ended.reason, "cancelled");
        assert.deepEqual(oc.running(), []);
        await rm(others);
        await until("the journal is written again", () =>
          service.log.some(({ event }) => event === "journal can be written again"));
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

  "ARCHIVE_FORMAT=tar.gz: no room for the archive ends one gather, not the service": () =>
    onStage(
      { work: 32 * MIB, env: { WORK_LIMIT: "1Gi", ARCHIVE_FORMAT: "tar.gz" } },
      async (stage) => {
        const record = await stage.gather("halves");
        assert.deepEqual([record.status, record.reason], ["error", "disk-full"], record.message);
        await checkOffered(stage, record);
        await purge(stage, record.id);
        const next = await stage.gather("small");
        assert.equal(next.status, "completed", next.message);
        await checkOffered(stage, next);
      },
    ),

  "EVICT=never answers 507 with the figures, and a purge makes room": () =>
    onStage({ env: { WORK_LIMIT: "2500Ki", EVICT: "never" } }, async (stage) => {
      const kept = await fill(stage, ["a", "a", "b"]);
      const refused = await stage.service.fetch("must-gather", { method: "POST" });
      assert.equal(refused.status, 507);
      assert.match(await refused.text(), /keeps 2\.9 MiB of at most 2\.4 MiB \(WORK_LIMIT\)/);
      assert.deepEqual(await offered(stage), kept);
      await purge(stage, kept[0] ?? 0);
      await fill(stage, ["c"], "tiny");
    }),

  "EVICT=replaced lets go of an archive that a newer one of its name replaced, and of no other":
    () =>
      onStage({ env: { WORK_LIMIT: "2500Ki", EVICT: "replaced" } }, async (stage) => {
        const [other, first, second] = await fill(stage, ["b", "a", "a"]);
        const [next] = await fill(stage, ["c"], "tiny");
        assert.deepEqual(await offered(stage), [other, second, next]);
        const gone = await stage.service.get(first ?? 0);
        assert.equal(gone.status, "completed");
        assert.match(gone.message, /removed to make room/);
        await fill(stage, ["d"]);
        assert.equal((await stage.service.fetch("must-gather", { method: "POST" })).status, 507);
      }),

  "EVICT=oldest lets go of the oldest archives": () =>
    onStage({ env: { WORK_LIMIT: "2500Ki", EVICT: "oldest" } }, async (stage) => {
      const [, second, third] = await fill(stage, ["a", "b", "c"]);
      const [fourth] = await fill(stage, ["d"], "tiny");
      assert.deepEqual(await offered(stage), [second, third, fourth]);
    }),
};

/** Runs gathers of these names, of 1 MB each or next to nothing; resolves to their ids when their trees are gone. */
async function fill(
  stage: Stage,
  names: string[],
  image: keyof typeof IMAGES = "small",
): Promise<number[]> {
  const ids: number[] = [];
  for (const name of names) {
    const record = await stage.gather(image, name);
    assert.equal(record.status, "completed", record.message);
    ids.push(record.id);
    const folder = join(stage.place.folder, "work", String(record.id));
    await until("its tree is gone", async () => !(await readdir(folder)).includes("tree"));
  }
  await sleep(FRESH_MS);
  return ids;
}

async function offered({ service }: Stage): Promise<number[]> {
  const list = await (await service.fetch("must-gather")).json() as GatherRecord[];
  return list.filter((record) => record["archive-url"] !== "").map(({ id }) => id);
}

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
  const came: Record<string, Came> = {};
  const names = process.argv.slice(2);
  for (const [name, play] of Object.entries({ ...FULL, ...LIMITED })) {
    if (names.length > 0 && !names.includes(name)) continue;
    const started = performance.now();
    const wrong = await play().then(() => "", (error: Error) => error.stack ?? String(error));
    came[name] = { wrong, ms: performance.now() - started };
  }
  process.stdout.write(JSON.stringify(came));
}
