/** How much dearer than its comparison something may be, and whether it is. */

/** One thing that is compared. */
export interface Compared {
  name: string;
  /** Of the costs. */
  unit: string;
  /** What it costs, in each round. */
  ours: readonly number[];
  /** What the comparison costs. */
  bare: readonly number[];
  /** How many times as much it may cost at most. */
  limit: number;
}

/** The cheapest round of ours over the cheapest of the other: what else a machine does only ever adds. */
export function ratioOf({ ours, bare }: Compared): number {
  return Math.min(...ours) / Math.min(...bare);
}

/** A line for each that passes its limit, or could not be measured, which says by how much. */
export function tooDear(all: readonly Compared[]): string[] {
  return all.flatMap((each) => {
    const ratio = ratioOf(each);
    if (ratio <= each.limit) return [];
    const times = ratio.toFixed(2);
    return `${each.name} costs ${times} times its comparison, ${
      (ratio / each.limit).toFixed(2)
    } times the limit of ${each.limit}`;
  });
}
