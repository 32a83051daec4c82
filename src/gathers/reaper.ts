/**
 * Sees to it that nothing of an ended gather stays in the cluster: tries again what could not be deleted, looks whether what was
 * deleted has gone, and keeps the gather's credentials just as long.
 */
import { rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import PQueue from "p-queue";
import type { Log } from "../log.ts";
import { reasonOf } from "../log.ts";
import type { CredentialStore } from "./credentials.ts";
import type { Entry } from "./entry.ts";
import { gatherFolder } from "./folders.ts";
import type { Gatherer } from "./gatherer.ts";
import type { Held } from "./held.ts";
import type { Registry } from "./registry.ts";

/** Deleting a namespace takes 5 to 7 s; longer than this and it is a leftover (the design's). Milliseconds. */
const TERMINATING_MS = 120_000;

/** Pauses before the looks: soon after the end, then every three minutes. Milliseconds. */
const PAUSES_MS = [10_000, 20_000, 95_000, 180_000] as const;

/** One attempt at all of a gather's objects: milliseconds. */
const ATTEMPT_MS = 60_000;

/** Credentials are kept no longer than this after the end (the contract's): milliseconds. */
const GIVE_UP_MS = 24 * 3_600_000;

/** Between two times that a caller's token is used for what another's could not delete: milliseconds. */
const RETRY_AS_MS = 30_000;

/** How many gathers are looked after at a time. */
const AT_ONCE = 2;

export interface ReaperDeps {
  registry: Registry;
  gatherer: Gatherer;
  credentials: CredentialStore;
  workPath: string;
  log: Log;
}

/** What of a gather stands in the cluster that should not, at a time. */
export function leftoversOf(entry: Entry, now: number): string[] {
  const since = now - Date.parse(entry.finishedAt ?? entry.updatedAt);
  return entry.made
    .filter((made) => !made.deleted || (!made.gone && since > TERMINATING_MS))
    .map((made) => `${made.kind}/${made.name}`);
}

/** Looks after what ended gathers left in the cluster. */
export class Reaper {
  readonly #deps: ReaperDeps;
  readonly #stop: AbortSignal;
  readonly #queue = new PQueue({ concurrency: AT_ONCE });
  /** Gathers that are looked after, and what ends their pause. */
  readonly #tended = new Map<number, { wake: () => void }>();
  #retriedAt = 0;

  /** @param stop ends all of it; what is left is taken up by the next life of the service */
  constructor(deps: ReaperDeps, stop: AbortSignal) {
    this.#deps = deps;
    this.#stop = stop;
  }

  /** Looks after an ended gather until nothing of it is left; at once removes the credentials of one that left nothing. */
  tend(held: Held): void {
    if (this.#tended.has(held.id)) return;
    this.#tended.set(held.id, { wake: () => {} });
    void this.#tendUntilGone(held)
      .catch((error) =>
        this.#deps.log.error("looking after the cluster failed", {
          id: held.id,
          reason: reasonOf(error),
        })
      )
      .finally(() => this.#tended.delete(held.id));
  }

  /**
   * An authorised caller is here: what could not be deleted with a gather's own token, which may have been revoked, is tried
   * again with this one. In the main cluster alone: that is who knows the token, and another may not be shown it.
   */
  retryAs(token: string): void {
    const { registry, credentials, log } = this.#deps;
    if (this.#tended.size === 0 || Date.now() - this.#retriedAt < RETRY_AS_MS) return;
    this.#retriedAt = Date.now();
    for (const id of this.#tended.keys()) {
      const { leftovers = [], request } = registry.get(id)?.entry ?? {};
      if (!request || leftovers.length === 0 || !credentials.isOfMain(request.server)) continue;
      credentials.give(id, request.server, token).then(() => {
        if (this.#stop.aborted) return; // the next life of the service goes on with it
        const tended = this.#tended.get(id);
        return tended ? tended.wake() : credentials.take(id); // all was gone meanwhile
      }).catch((error) =>
        log.warn("credentials cannot be written", { id, reason: reasonOf(error) })
      );
    }
  }

  async #tendUntilGone(held: Held): Promise<void> {
    const { id } = held;
    const { credentials, workPath } = this.#deps;
    // Nearly all ended gathers left nothing, and boot asks about thousands: their entries are not read for it.
    if (held.summary.mayStand && !await this.#untilGone(held)) return;
    this.#tended.delete(id); // from here on whoever has written credentials removes them
    await credentials.take(id);
    // oc keeps a cache in its HOME; the folder was cleared at the end of the gather, before it was asked again.
    await rm(gatherFolder(workPath, id).home, { recursive: true, force: true });
  }

  /** Resolves to true when nothing is left, or was for too long; to false when the service goes down, or the gather was purged. */
  async #untilGone(held: Held): Promise<boolean> {
    const { entry } = held;
    const { registry, log, workPath } = this.#deps;
    const ended = Date.parse(entry.finishedAt ?? entry.updatedAt);
    for (let round = 0; entry.made.some((made) => !made.gone); round++) {
      if (Date.now() - ended > GIVE_UP_MS) {
        log.error("left in the cluster for good", { id: entry.id, leftovers: entry.leftovers });
        break;
      }
      if (!await this.#pause(entry.id, PAUSES_MS[Math.min(round, PAUSES_MS.length - 1)] ?? 0)) {
        return false;
      }
      await this.#queue.add(() => this.#attempt(held));
      if (this.#stop.aborted) return false;
      if (registry.get(entry.id) !== held) {
        // Purged meanwhile, and its folder with it; an oc that was asked after that has made its HOME anew.
        await rm(gatherFolder(workPath, entry.id).path, { recursive: true, force: true });
        return false;
      }
      const leftovers = leftoversOf(entry, Date.now());
      if (leftovers.join() !== entry.leftovers.join()) {
        entry.leftovers = leftovers;
        registry.changed(held);
      } else registry.persist(held);
      if (leftovers.length > 0) log.warn("left in the cluster", { id: entry.id, leftovers });
    }
    return true;
  }

  async #attempt(held: Held): Promise<void> {
    const { gatherer, registry, workPath } = this.#deps;
    const { entry } = held;
    if (registry.get(entry.id) !== held) return; // purged
    const job = { entry, folder: gatherFolder(workPath, entry.id) };
    const signal = AbortSignal.any([this.#stop, AbortSignal.timeout(ATTEMPT_MS)]);
    await gatherer.reap(job, signal, (made) => made.deleted = true);
    for (const made of entry.made) {
      if (!made.deleted || made.gone) continue;
      const stands = await gatherer.stands(job, made, signal);
      if (stands === false) made.gone = true;
    }
  }

  /** Resolves to false when the service goes down. */
  async #pause(id: number, ms: number): Promise<boolean> {
    const early = new AbortController();
    this.#tended.set(id, { wake: () => early.abort() });
    const signal = AbortSignal.any([this.#stop, early.signal]);
    await sleep(ms, undefined, { signal, ref: false }).catch(() => {});
    return !this.#stop.aborted;
  }
}
