/** A service on small file systems, and what the tests of a full disk do with it. */
import assert from "node:assert/strict";
import { readdir, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { GatherRecord } from "../../src/schema/record.ts";
import { createFakeOc, type FakeOc } from "../support/fake-oc.ts";
import { makePlace, type Place, type Service, startService } from "../support/service.ts";
import { until } from "../support/until.ts";
import { checkDownload, readWithPython } from "./archives.ts";
import { mountTmpfs, unmount } from "./private-mounts.ts";
import { COLLECTING, COPYING, makeStandIn } from "./stand-in.ts";

/** The service takes a measurement for good for 500 ms. */
export const FRESH_MS = 600;

/** 8 MB of text at once, then 1 MB after each pause (seconds), until it is told to stop. */
function growing(pause: number): string {
  return `seq 2000000 | head -c 8000000 >"$dest/0.log"\n` +
    `for n in $(seq 200); do seq "$n" 1000000 | head -c 1000000 >"$dest/$n.log"; ` +
    `sleep ${pause} & wait $!; done`;
}

/** Before that: bash as it is waits for what it has started. */
const STOPPABLE = `trap 'exit 1' INT TERM\n${COLLECTING}\n${COPYING}\n`;

/** What images do, in bash; `$dest` is where. */
const IMAGES = {
  grows: STOPPABLE + growing(1),
  // With so many files that it takes the service a moment to count what they hold.
  crowds: `${STOPPABLE}seq -f "$dest/%.0f" 10000 | xargs touch\n${growing(0.25)}`,
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
export interface Stage {
  place: Place;
  oc: FakeOc;
  service: Service;
  /** Bytes free in WORK_PATH. */
  free: () => Promise<number>;
  /** Stops the service and starts it again, with these settings besides. */
  restart: (more?: Record<string, string>) => Promise<void>;
  gather: (image: keyof typeof IMAGES, name?: string) => Promise<GatherRecord>;
}

interface Options {
  /** Of the file systems, in bytes; without, they are folders like others. */
  work?: number;
  journal?: number;
  env?: Record<string, string>;
}

/** Starts a service on file systems of such sizes, lets `act` be, and looks whether it is still up; removes all of it. */
export async function onStage(
  options: Options,
  act: (stage: Stage) => Promise<void>,
): Promise<void> {
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
    async restart(more = {}) {
      await stage.service.stop();
      stage.service = await startService(place, { ...env, ...more });
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
export async function checkOffered({ service, place }: Stage, record: GatherRecord): Promise<void> {
  const folder = join(place.folder, "work", String(record.id));
  const files = async () =>
    (await readdir(folder).catch(() => [])).filter((name) => name.startsWith("archive"));
  if (record["archive-url"] === "") {
    assert.equal((await service.fetch(`must-gather/${record.id}/data`)).status, 404);
    await until("what is half-written is removed", async () => (await files()).length === 0);
  } else {
    await checkDownload(service, record);
    await until("nothing else is left", async () => (await files()).length === 1);
    await readWithPython((await files()).map((name) => join(folder, name)));
  }
}

/** Removes an ended gather. */
export async function purge({ service }: Stage, id: number): Promise<void> {
  const reply = await service.fetch(`must-gather/${id}?purge=1`, { method: "DELETE" });
  assert.equal(reply.status, 204, await reply.text());
}

/** Runs gathers of these names, of 1 MB each or next to nothing; resolves to their ids when their trees are gone. */
export async function fill(
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
  return ids;
}

/** The ids of the gathers whose archive can be downloaded. */
export async function offered({ service }: Stage): Promise<number[]> {
  const list = await (await service.fetch("must-gather")).json() as GatherRecord[];
  return list.filter((record) => record["archive-url"] !== "").map(({ id }) => id);
}
