/** How many processors this process may use. */

/** Where a container sees its own limit of processor time: cgroup 2, then the two places of cgroup 1. */
const TWO = "/sys/fs/cgroup/cpu.max";
const ONE = ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"];

/**
 * How many processors may be busy at a time: `available`, those that the system lets us run on, or fewer where the cgroup gives
 * less time. A part of one counts as one. `readText` gives a file's text, and undefined where it cannot be read.
 */
export function usableCpus(
  available: number,
  readText: (path: string) => string | undefined,
): number {
  const quota = timeShare(readText);
  return Math.max(1, quota === undefined ? available : Math.min(available, Math.ceil(quota)));
}

/** Processor time over time; undefined where nothing bounds it. */
function timeShare(readText: (path: string) => string | undefined): number | undefined {
  const [quota, period] = readText(TWO)?.trim().split(" ") ?? [];
  if (quota !== undefined) return share(quota, period);
  for (const folder of ONE) {
    const old = readText(`${folder}/cpu.cfs_quota_us`);
    if (old !== undefined) return share(old, readText(`${folder}/cpu.cfs_period_us`));
  }
  return undefined;
}

/** `max` of cgroup 2 and `-1` of cgroup 1 are no bound. */
function share(quota: string, period: string | undefined): number | undefined {
  const value = Number(quota) / Number(period);
  return value > 0 && Number.isFinite(value) ? value : undefined;
}
