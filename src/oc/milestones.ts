/** How far Forklift's own scripts are, by what they print: `gather` and `targeted`, as recorded and as published. */

/** What is printed first of each, in the order in which the scripts come to it. */
const BEGINNINGS: readonly (readonly string[])[] = [
  // The resources; `gather` collects logs at the same time, `targeted` behind them.
  ["Gathering Forklift and Kubevirt related CRs", "Targeted gathering for "],
  ["Gathering logs for namespaces"],
  ["Tarring must-gather artifacts"],
  ["Created /must-gather/"],
];

/** How many there are. */
export const MILESTONES = BEGINNINGS.length;

/** Lines of a pod: its name and a time stand before the text. */
const POD = /(?:^|\n)\[must-gather-[a-z0-9]{5}\] POD \S{20,40} $/;
const LONGEST_PREFIX = 80;

/**
 * Finds milestones in blocks of standard output. A pod may print anything: what is found here is shown and decides nothing.
 */
export class MilestoneReader {
  #reached = 0;

  /** The number of the newest milestone in a block of whole lines, 1 for the first; 0 when there is no further one. */
  read(block: Buffer): number {
    let found = 0;
    for (let next = this.#reached; next < MILESTONES; next++) {
      if (BEGINNINGS[next]?.some((text) => beginsLine(block, text))) found = next + 1;
    }
    this.#reached = Math.max(this.#reached, found);
    return found;
  }
}

function beginsLine(block: Buffer, text: string): boolean {
  for (let at = block.indexOf(text); at !== -1; at = block.indexOf(text, at + 1)) {
    if (POD.test(block.toString("latin1", Math.max(0, at - LONGEST_PREFIX), at))) return true;
  }
  return false;
}
