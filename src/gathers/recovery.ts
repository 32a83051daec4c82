/** What boot makes of the gathers that an earlier life of the service left. */
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../log.ts";
import { reasonOf } from "../log.ts";
import { checkEntry, type Entry, hasEnded } from "./entry.ts";
import { folderIds, gatherFolder } from "./folders.ts";
import type { CredentialStore } from "./credentials.ts";
import type { Journal } from "./journal.ts";
import type { Packer } from "./packer.ts";
import type { Purger } from "./purger.ts";
import type { Reaper } from "./reaper.ts";
import type { Held } from "./held.ts";
import type { Registry } from "./registry.ts";
import type { Runner } from "./runner.ts";

/** Reads the journal into the registry, and has each entry learnt from. Everything is listed after it; nothing was started yet. */
export async function readJournal(
  journal: Journal<Entry>,
  registry: Registry,
  workPath: string,
  learn: (entry: Entry) => void,
): Promise<void> {
  await journal.read((data, id) => {
    const entry = checkEntry(data);
    if (entry.id === id) return entry;
    throw new TypeError(`Cannot use id: it is ${entry.id}, not the file's`);
  }, (entry) => {
    registry.addRead(entry);
    learn(entry);
  });
  // A journal that was lost must not give the ids of folders that are still there.
  const highest = (await folderIds(workPath)).at(-1);
  if (highest !== undefined) journal.raiseMark(highest);
}

export interface RecoveryDeps {
  registry: Registry;
  runner: Runner;
  purger: Purger;
  packer: Packer;
  credentials: CredentialStore;
  reaper: Reaper;
  workPath: string;
  log: Log;
}

/**
 * Takes up what was left: ended gathers whose archive is gone say so, waiting ones wait again, and what ran is ended, removed
 * from the cluster and packed. Resolves when all of that has begun and the files of ended ones are checked.
 */
export async function recoverGathers(deps: RecoveryDeps): Promise<void> {
  const { registry, runner, purger, packer, credentials, reaper, workPath, log } = deps;
  const all = [...registry.all()];
  // What ran first: there may be something in the cluster that must not stay. One that was started in the moment before the
  // crash is written down as waiting; its folder tells.
  const ran = ({ id, summary: { status } }: Held) =>
    status === "inprogress" ||
    (status === "new" && existsSync(gatherFolder(workPath, id).tree));
  for (const held of all.filter(ran)) {
    log.warn("gather was cut by the end of the service", {
      id: held.id,
      state: held.entry.state,
    });
    runner.begin(held);
    runner.recover(held);
    if (held.summary.toPurge) purger.resume(held);
  }
  for (const held of all.filter((held) => held.summary.status === "new" && !ran(held))) {
    runner.begin(held);
    if (held.summary.toPurge) {
      purger.resume(held);
      runner.cancel(held, false);
    } else if (credentials.has(held.id)) runner.enqueue(held);
    else runner.abandon(held);
  }
  for (const held of all.filter(({ summary }) => hasEnded(summary))) {
    if (held.summary.toPurge && held.summary.leftovers === 0) {
      purger.resume(held);
      continue;
    }
    try {
      await checkArchive(held, registry, workPath, log);
      reaper.tend(held);
      await packer.clear(gatherFolder(workPath, held.id), held.summary.archive);
    } catch (error) {
      log.error("cannot look after an ended gather", {
        id: held.id,
        reason: reasonOf(error),
      });
    }
  }
}

async function checkArchive(
  held: Held,
  registry: Registry,
  workPath: string,
  log: Log,
): Promise<void> {
  const { id, summary } = held;
  if (!summary.archive) return;
  const path = join(gatherFolder(workPath, id).path, summary.archive.file);
  const size = await stat(path).then((found) => found.size, () => undefined);
  if (size === summary.archive.size) return;
  const { entry } = held;
  const { archive } = entry;
  if (registry.get(id) !== held || !archive) return; // purged or evicted meanwhile
  log.error("archive is gone", { id, file: path });
  entry.formerArchiveName = archive.name;
  entry.archive = null;
  entry.message = `${entry.message.replace(/[.\s]+$/, "")}. ` +
    "The archive is gone: the work folder did not outlive the service; start the gather again";
  registry.changed(held);
}
