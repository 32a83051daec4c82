/** How something grows: what it costs at sizes that are ten times each other. */
import type { Runtime } from "../support/service.ts";
import { median } from "../support/table.ts";

/** What a unit costs where there are so many. */
export interface Point {
  size: number;
  cost: number;
}

/** One thing that grows. */
export interface Growth {
  /** The line of the issue that it belongs to. */
  group: string;
  name: string;
  /** What the sizes count. */
  of: string;
  /** What a cost is: flat means that the whole grows as its work does. */
  unit: string;
  /** The smallest first. */
  points: readonly Point[];
}

/** How much is measured, and how often. */
export interface Extent {
  /** 1, or a tenth. */
  scale: number;
  /** Rounds that count, after one to warm up. */
  runs: number;
  runtime: Runtime;
}

/** The medians of what each size costs, measured in turns, after one round to warm up. */
export async function growing<Size>(
  sizes: readonly Size[],
  { runs }: Extent,
  costOf: (size: Size) => Promise<number>,
): Promise<number[]> {
  const costs = sizes.map((): number[] => []);
  for (let round = 0; round <= runs; round++) {
    for (const [index, size] of sizes.entries()) {
      const cost = await costOf(size);
      if (round > 0) costs[index]?.push(cost);
    }
  }
  return costs.map(median);
}

/** What the largest costs beside the cheapest of the smaller ones: over 1 grows faster than its work. */
export function steepness({ points }: Growth): number {
  const costs = points.map(({ cost }) => cost);
  const last = costs.pop() ?? NaN;
  return last / Math.min(...costs);
}
