/** What must hold of a service that was killed, whenever that was. */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { GatherListItem } from "../../src/schema/record.ts";
import type { FakeOc } from "../support/fake-oc.ts";
import type { Place, Service } from "../support/service.ts";
import { until } from "../support/until.ts";
import { checkDownload, readWithPython } from "./archives.ts";
import { hasEnded, type Ledger } from "./ledger.ts";

/** What must be ended, and removed from a cluster that refuses at times, takes a minute, and more on a busy machine: milliseconds. */
const PATIENCE_MS = 150_000;

/** What the journal of a dead service says of a gather. */
export interface Journalled {
  id: number;
  /** The machine's state, e.g. `inprogress.packing`. */
  state: string;
  status: string;
  reason: string;
  exitCode: number | null;
  request: { images: readonly string[] };
}

/** All records, of a running service. */
export async function list(service: Service): Promise<GatherListItem[]> {
  return await (await service.fetch("must-gather?limit=10000")).json() as GatherListItem[];
}

/** What had not ended when the service was killed, as its journal says. */
export async function cutGathers(place: Place): Promise<Journalled[]> {
  const folder = join(place.folder, "journal");
  const names = await readdir(folder).catch(() => []);
  const all = await Promise.all(
    names.filter((name) => /^\d+\.json$/.test(name))
      .map(async (name) => JSON.parse(await readFile(join(folder, name), "utf8")) as Journalled),
  );
  return all.filter(({ status }) => status === "new" || status === "inprogress");
}

/** Whether all was there and only the archive was to be made. */
function hadAll({ state, reason, exitCode, request }: Journalled): boolean {
  return state === "inprogress.packing" && reason === "" && exitCode === 0 &&
    request.images.every((image) => /instant|plain|blobs/.test(image));
}

/** Waits until the gathers that ran have ended, and looks whether anything of them still runs. */
export async function checkCut(
  service: Service,
  oc: FakeOc,
  place: Place,
  cut: readonly Journalled[],
): Promise<void> {
  const ran = new Set(cut.filter(({ status }) => status === "inprogress").map(({ id }) => id));
  const records = await until(`${[...ran]} end after the boot`, async () => {
    const all = (await list(service)).filter(({ id }) => ran.has(id));
    return all.every(hasEnded) ? all : undefined;
  }, PATIENCE_MS) ?? [];
  for (const { id, status, reason } of records) {
    assert.equal(status, "error", `gather ${id} was cut and is ${status}`);
    assert.notEqual(reason, "", `gather ${id} was cut and has no reason`);
  }
  for (const { id } of cut.filter(hadAll)) {
    const record = records.find((each) => each.id === id);
    assert.notEqual(record?.["archive-url"], "", `what gather ${id} had collected is lost`);
  }
  const alive = new Set(oc.running());
  const folders = [...ran].map((id) => join(place.folder, "work", String(id)) + "/");
  for (const event of oc.events()) {
    if (event.type !== "start" || !folders.some((folder) => event.cwd.startsWith(folder))) continue;
    assert.ok(!alive.has(event.pid), `oc runs on in ${event.cwd}, whose gather has ended`);
  }
}

/**
 * Ends everything, and checks that nothing is lost and nothing left: no process, no object in the cluster, no file without a
 * record, and every archive that is offered comes as its record says. Resolves to all records.
 */
export async function checkEnd(
  service: Service,
  oc: FakeOc,
  place: Place,
  ledger: Ledger,
): Promise<GatherListItem[]> {
  oc.mend();
  for (const record of await list(service)) {
    if (!hasEnded(record)) await service.fetch(`must-gather/${record.id}`, { method: "DELETE" });
  }
  const all = await until("everything ends", async () => {
    const records = await list(service);
    return records.every(hasEnded) ? records : undefined;
  }, PATIENCE_MS) ?? [];
  ledger.check(all);
  await until("no process of oc is left", () => oc.running().length === 0);
  assert.deepEqual(oc.cluster.leftovers(), [], "left in the cluster");
  await until(
    "the cluster is empty",
    () => oc.cluster.namespaces().length + oc.cluster.bindings().length === 0,
  );
  const ids = new Set(all.map(({ id }) => id));
  let strange: string[] = [];
  await until(
    "nothing half-written is left, and no folder without a record",
    // What is removed while it is listed shows as an error.
    async () => (strange = await strangers(place, ids).catch(() => ["?"])).length === 0,
  ).catch(() => assert.deepEqual(strange, [], "in the work folder"));
  for (const record of all) {
    assert.deepEqual(record.leftovers, [], `leftovers of ${record.id}`);
    if (record["archive-url"] !== "") await checkDownload(service, record);
  }
  return all;
}

/** What in WORK_PATH is neither oc's output nor a whole archive or its index, of a gather with a record; the first few. */
async function strangers(place: Place, ids: ReadonlySet<number>): Promise<string[]> {
  const names = (await readdir(join(place.folder, "work"), { recursive: true }))
    .filter((name) => /^\d/.test(name));
  const isOurs = (name: string) =>
    /^\d+(?:\/(?:exec\.log(?:\.\d+)?|archive(?:\.zip|\.tar\.gz)?|contents\.jsonl))?$/.test(name) &&
    ids.has(Number.parseInt(name));
  return names.filter((name) => !isOurs(name)).slice(0, 5);
}

/** What is on disk when the service has gone down in order: its records, and archives that others can read. */
export async function checkFiles(place: Place): Promise<void> {
  const journal = await readdir(join(place.folder, "journal"));
  const strange = journal.filter((name) => !/^(?:\d+|ids)\.json$/.test(name));
  assert.deepEqual(strange, [], "in the journal's folder");
  const work = join(place.folder, "work");
  const names = await readdir(work, { recursive: true });
  const archives = names.filter((name) => name.includes("/archive"));
  await readWithPython(archives.map((name) => join(work, name)));
}
