/** Removing an ended gather: its files, its record, and nothing else. */
import { removeTree } from "../archive/remove-tree.ts";
import type { Log } from "../log.ts";
import { reasonOf } from "../log.ts";
import { folderIds, gatherFolder } from "./folders.ts";
import { hasEnded } from "./entry.ts";
import type { Held } from "./held.ts";
import type { Registry } from "./registry.ts";

/** Between two looks for gathers that are too old: 1 minute, in milliseconds. Ages are compared, not slept. */
const LOOK_EVERY_MS = 60_000;

/**
 * Removes an ended gather. The record goes first: a crash in between leaves a folder without a record, which boot removes,
 * and never a record whose archive is half gone.
 */
export async function removeGather(
  held: Held,
  registry: Registry,
  workPath: string,
): Promise<void> {
  await registry.remove(held);
  await removeTree(gatherFolder(workPath, held.id).path);
}

/** Removes folders that no record knows, and tells of each. That of a record that could not be read stays, as its file does. */
export async function removeStrayFolders(
  registry: Registry,
  workPath: string,
  log: Log,
): Promise<void> {
  for (const id of await folderIds(workPath)) {
    if (registry.mayHave(id)) continue;
    const folder = gatherFolder(workPath, id).path;
    try {
      await removeTree(folder);
      log.warn("removed a folder without a record", { id, folder });
    } catch (error) {
      log.error("cannot remove a folder without a record", {
        id,
        folder,
        reason: reasonOf(error),
      });
    }
  }
}

/**
 * Removes ended gathers that are older than CLEANUP_MAX_AGE, at once and then every minute until `signal` aborts.
 *
 * The age counts from the end. One that left something in the cluster stays until that is gone: its record is all that names it.
 */
export function removeOldGathers(
  registry: Registry,
  workPath: string,
  maxAgeMs: number,
  log: Log,
  signal: AbortSignal,
): void {
  const look = async () => {
    for (const held of [...registry.all()]) {
      const { id, summary } = held;
      if (signal.aborted) return;
      if (!hasEnded(summary) || summary.leftovers > 0) continue;
      if (Date.now() - summary.endedAt < maxAgeMs) continue;
      try {
        await removeGather(held, registry, workPath);
        log.info("removed a gather that was too old", {
          id,
          endedAt: new Date(summary.endedAt).toISOString(),
        });
      } catch (error) {
        log.error("cannot remove an old gather", { id, reason: reasonOf(error) });
      }
    }
  };
  void look();
  const timer = setInterval(() => void look(), LOOK_EVERY_MS).unref();
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}
