/** How much room WORK_PATH has, and whether another gather may come. */
import { statfs } from "node:fs/promises";
import { Problem } from "../problem.ts";
import { folderSize } from "./size-watch.ts";

/** The part of the file system that stays free: 15 % (the contract's). */
const FREE_SHARE = 0.15;

/** WORK_LIMIT where it is not set: this part of what is free and what we keep, and at most so much (the contract's). */
const DEFAULT_SHARE = 0.7;
const DEFAULT_MOST_BYTES = 20 * 2 ** 30;

/** A figure is good for this long: milliseconds. Measuring walks every file that we keep. */
const MEASURE_EVERY_MS = 5000;

/** What there is and what is taken, in bytes. */
export interface DiskUse {
  used: number;
  limit: number;
  free: number;
  /** How much of `free` must stay so. */
  reserve: number;
}

export interface Disk {
  /** Measures, or gives figures that are at most 5 s old. */
  use: () => Promise<DiskUse>;
  /** Throws a `Problem` of status 507 with the figures when there is no room for another gather. */
  admit: () => Promise<void>;
}

/** @param limitBytes WORK_LIMIT; undefined measures one from what is free */
export function createDisk(workPath: string, limitBytes: number | undefined): Disk {
  let last: { at: number; use: Promise<DiskUse> } | undefined;

  const measure = async (): Promise<DiskUse> => {
    const [used, system] = await Promise.all([folderSize(workPath), statfs(workPath)]);
    const free = system.bavail * system.bsize;
    const limit = limitBytes ?? Math.min((free + used) * DEFAULT_SHARE, DEFAULT_MOST_BYTES);
    return {
      used,
      limit: Math.floor(limit),
      free,
      reserve: system.blocks * system.bsize * FREE_SHARE,
    };
  };
  const use = (): Promise<DiskUse> => {
    if (!last || performance.now() - last.at > MEASURE_EVERY_MS) {
      last = { at: performance.now(), use: measure() };
      last.use.catch(() => last = undefined);
    }
    return last.use;
  };

  return {
    use,
    async admit() {
      const { used, limit, free, reserve } = await use();
      if (used < limit && free > reserve) return;
      throw new Problem({
        status: 507,
        detail: used >= limit
          ? `The service keeps ${size(used)} of at most ${size(limit)} (WORK_LIMIT); ` +
            `remove ended gathers with DELETE /must-gather/<id>?purge=1`
          : `${size(free)} are free where the service keeps its archives, and ${
            size(reserve)
          } must stay so; ` +
            `make room there or remove ended gathers with DELETE /must-gather/<id>?purge=1`,
      });
    },
  };
}

function size(bytes: number): string {
  return bytes >= 2 ** 30
    ? `${(bytes / 2 ** 30).toFixed(1)} GiB`
    : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
