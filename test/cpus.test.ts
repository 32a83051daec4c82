import assert from "node:assert/strict";
import { test } from "node:test";
import { usableCpus } from "../src/cpus.ts";

const TWO = "/sys/fs/cgroup/cpu.max";
const ONE = "/sys/fs/cgroup/cpu/cpu.cfs_";

const cases: [what: string, files: Record<string, string>, cpus: number][] = [
  ["nothing that can be read", {}, 16],
  ["cgroup 2 without a bound", { [TWO]: "max 100000\n" }, 16],
  ["cgroup 2 with one processor", { [TWO]: "100000 100000\n" }, 1],
  ["a part of a processor", { [TWO]: "25000 100000\n" }, 1],
  ["one and a half", { [TWO]: "150000 100000\n" }, 2],
  ["more than there are", { [TWO]: "6400000 100000\n" }, 16],
  ["what nobody writes", { [TWO]: "\n" }, 16],
  ["cgroup 1 without a bound", { [`${ONE}quota_us`]: "-1\n", [`${ONE}period_us`]: "100000\n" }, 16],
  ["cgroup 1 with two", { [`${ONE}quota_us`]: "100000\n", [`${ONE}period_us`]: "50000\n" }, 2],
  ["cgroup 1 without a period", { [`${ONE}quota_us`]: "100000\n" }, 16],
];

for (const [what, files, cpus] of cases) {
  test(`of 16 processors, ${what} leaves ${cpus}`, () => {
    assert.equal(usableCpus(16, (path) => files[path]), cpus);
  });
}
