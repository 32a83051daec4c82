/** How much room WORK_PATH has: whether another gather may come, what is removed to make room, and when one has to end. */
import { readFile, rm, statfs } from "node:fs/promises";
import { totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import { reasonOf } from "../log.ts";
import { Problem } from "../problem.ts";
import { hasEnded } from "./entry.ts";
import { gatherFolder } from "./folders.ts";
import type { Held } from "./held.ts";
import type { Registry } from "./registry.ts";
import { folderSize } from "./size-watch.ts";

/** The part of the file system that stays free: 15 % (the contract's). */
const FREE_SHARE = 0.15;

/** WORK_LIMIT where it is not set: this part of what is free and what we keep, and at most so much (the contract's). */
const DEFAULT_SHARE = 0.7;
const DEFAULT_MOST_BYTES = 20 * 2 ** 30;

/**
 * What may be fetched from pods when there is no more room: this part of what is free, or of the limit where that is less. Where the
 * 15 % above were free 11 % stay so, more than the 10 % at which a kubelet evicts pods (`nodefs.available`).
 */
const SALVAGE_SHARE = 0.25;

/** What `statfs` calls a file system in memory (TMPFS_MAGIC of Linux). */
const TMPFS = 0x01021994;

/** Between two looks while something runs: milliseconds. Counting may take a twentieth of the time. */
const WATCH_MS = 1000;
const WATCH_SHARE = 20;

/** Whatever happens at its end, the files of a gather do not change any more so long after it. Milliseconds. */
const SETTLED_MS = 60_000;

/** A measurement is good for so long for requests that come together: milliseconds. */
const FRESH_MS = 500;

/** What there is and what is taken, in bytes. */
export interface DiskUse {
  used: number;
  limit: number;
  free: number;
  /** How much of `free` must stay so. */
  reserve: number;
}

export interface DiskOptions {
  registry: Registry;
  log: Log;
  workPath: string;
  /** WORK_LIMIT; undefined measures one from what is free. */
  workLimitBytes: number | undefined;
  evict: Config["evict"];
}

/** The room of the work folder. */
export class Disk {
  readonly #options: DiskOptions;
  /** The sizes of ended gathers, which do not change, by id. */
  readonly #sizes = new Map<number, number>();
  /** The last that makes room: no two do so at once. */
  #makingRoom: Promise<void> = Promise.resolve();
  /** When an archive was last removed, on the clock of `performance.now()`. */
  #evictedAt = 0;

  constructor(options: DiskOptions) {
    this.#options = options;
  }

  #last: { at: number; use: Promise<DiskUse> } | undefined;

  /** Measures, or gives figures from after `since`, a moment ago. Rejects when WORK_PATH cannot be looked at. */
  use(since = performance.now() - FRESH_MS): Promise<DiskUse> {
    if (!this.#last || this.#last.at < since) {
      const last = { at: performance.now(), use: this.#measure() };
      last.use.catch(() => {
        if (this.#last === last) this.#last = undefined;
      });
      this.#last = last;
    }
    return this.#last.use;
  }

  async #measure(): Promise<DiskUse> {
    const { workLimitBytes } = this.#options;
    const [used, { free, reserve, inMemory }] = await Promise.all([this.#used(), this.#room()]);
    const limit = workLimitBytes ?? Math.min(
      (free + used) * DEFAULT_SHARE,
      DEFAULT_MOST_BYTES,
      inMemory ? await memoryLimit() / 2 : Infinity,
    );
    return { used, limit: Math.floor(limit), free, reserve };
  }

  /** What the file system says: one call, whatever is on it. */
  async #room(): Promise<Pick<DiskUse, "free" | "reserve"> & { inMemory: boolean }> {
    const { bavail, blocks, bsize, type } = await statfs(this.#options.workPath);
    return { free: bavail * bsize, reserve: blocks * bsize * FREE_SHARE, inMemory: type === TMPFS };
  }

  /**
   * Makes room for another gather as EVICT says.
   *
   * Throws a `Problem` of status 507 with the figures when there is none to be had.
   */
  async admit(): Promise<void> {
    const now = performance.now();
    if (!isFull(await this.use())) return;
    // One after the other: what is removed for one is room for all.
    const turn = this.#makingRoom.then(() => this.#makeRoom(now));
    this.#makingRoom = turn.catch(() => {});
    await turn;
  }

  /** Measures after `since`, as something may have been removed a moment ago, and removes what it must. */
  async #makeRoom(since: number): Promise<void> {
    let use = await this.use(Math.max(since, this.#evictedAt));
    for (const held of isFull(use) ? this.#candidates() : []) {
      await this.#evict(held);
      this.#evictedAt = performance.now();
      use = await this.use(this.#evictedAt);
      if (!isFull(use)) break;
    }
    if (isFull(use)) throw noRoom(use);
  }

  /** How much may still be fetched from pods when there is no more room: bytes. Rejects when WORK_PATH cannot be looked at. */
  async spareBytes(): Promise<number> {
    const { free, limit } = await this.use(performance.now());
    return Math.floor(Math.min(free, limit) * SALVAGE_SHARE);
  }

  /**
   * Looks while something runs, until `signal` aborts, and tells of the largest running gather when there is no more room. Counting
   * what is kept takes the longer the more files there are, and is done the more seldom for it; what is free is looked at every time.
   */
  watch(full: (held: Held) => void, signal: AbortSignal): void {
    let countAgainAt = 0;
    let wasFull = false;
    const look = async () => {
      const running = this.#options.registry.live()
        .filter(({ entry }) => entry.status === "inprogress");
      if (running.length === 0) return;
      const started = performance.now();
      const { free, reserve } = await this.#room();
      if (started < countAgainAt && (wasFull || free > reserve)) return;
      wasFull = await this.#tell(running, full);
      countAgainAt = performance.now() + (performance.now() - started) * (WATCH_SHARE - 1);
    };
    const watch = async () => {
      while (!signal.aborted) {
        await look().catch((error) =>
          this.#options.log.warn("disk cannot be measured", { reason: reasonOf(error) })
        );
        await sleep(WATCH_MS, undefined, { ref: false, signal }).catch(() => {});
      }
    };
    void watch();
  }

  /** Tells of the largest of those that run where there is no more room, and whether that is so. */
  async #tell(running: readonly Held[], full: (held: Held) => void): Promise<boolean> {
    const use = await this.use(performance.now()); // room may have been made a moment ago
    if (!isFull(use)) return false;
    const sizes = await Promise.all(
      running.map(async (held) => ({ held, bytes: await this.#sizeOf(held) })),
    );
    const largest = sizes.sort((a, b) => b.bytes - a.bytes)[0];
    if (!largest) return true;
    this.#options.log.warn("no room on disk", { id: largest.held.id, ...rounded(use) });
    full(largest.held);
    return true;
  }

  async #used(): Promise<number> {
    const { registry } = this.#options;
    let used = 0;
    for (const held of registry.all()) {
      // No promise for a size that is known: there may be ten thousand.
      used += this.#sizes.get(held.id) ?? await this.#sizeOf(held);
    }
    for (const id of this.#sizes.keys()) if (!registry.get(id)) this.#sizes.delete(id);
    return used;
  }

  async #sizeOf(held: Held): Promise<number> {
    const { id, summary } = held;
    const known = this.#sizes.get(id);
    if (known !== undefined) return known;
    const size = await folderSize(gatherFolder(this.#options.workPath, id).path);
    const isOld = hasEnded(summary) && Date.now() - summary.endedAt > SETTLED_MS;
    if (held.isCleared || isOld) this.#sizes.set(id, size);
    return size;
  }

  /** The archives that EVICT lets go, the oldest first. */
  #candidates(): Held[] {
    const { registry, evict } = this.#options;
    if (evict === "never") return [];
    const withArchive = [...registry.all()]
      .filter(({ summary }) => hasEnded(summary) && summary.archive);
    if (evict === "oldest") return withArchive;
    const completed = new Map<string, number>();
    for (const { id, summary: { status, customName } } of withArchive) {
      if (status === "completed") completed.set(customName, id);
    }
    return withArchive.filter(({ id, summary: { customName } }) =>
      customName !== "" && (completed.get(customName) ?? 0) > id
    );
  }

  async #evict(held: Held): Promise<void> {
    const { registry, workPath, log } = this.#options;
    const { entry } = held;
    if (!entry.archive) return;
    const path = join(gatherFolder(workPath, entry.id).path, entry.archive.file);
    log.warn("removed an archive to make room", { id: entry.id, bytes: entry.archive.size });
    entry.formerArchiveName = entry.archive.name;
    entry.archive = null;
    entry.message = `${entry.message.replace(/[.\s]+$/, "")}. ` +
      "Its archive was removed to make room for newer ones";
    registry.changed(held);
    await rm(path, { force: true }); // who is downloading it holds it open, and gets it whole
    this.#sizes.delete(entry.id);
  }
}

function isFull({ used, limit, free, reserve }: DiskUse): boolean {
  return used >= limit || free <= reserve;
}

/** What the container may have of memory; all of the machine's where nothing bounds it. Bytes. */
async function memoryLimit(): Promise<number> {
  for (const path of ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]) {
    const limit = Number(await readFile(path, "utf8").catch(() => "max"));
    if (limit > 0 && limit < totalmem()) return limit;
  }
  return totalmem();
}

function rounded(use: DiskUse): Record<string, number> {
  return Object.fromEntries(Object.entries(use).map(([name, bytes]) => [name, Math.round(bytes)]));
}

function noRoom({ used, limit, free, reserve }: DiskUse): Problem {
  const how = "remove ended gathers with DELETE /must-gather/<id>?purge=1";
  return new Problem({
    status: 507,
    detail: used >= limit
      ? `The service keeps ${size(used)} of at most ${size(limit)} (WORK_LIMIT); ${how}`
      : `${size(free)} are free where the service keeps its archives, and ${
        size(reserve)
      } must stay so; ` +
        `make room there, or ${how}`,
  });
}

function size(bytes: number): string {
  return bytes >= 2 ** 30
    ? `${(bytes / 2 ** 30).toFixed(1)} GiB`
    : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
