/** How large the long forms are, which the issue of each asks for, and their parts. */

/** How many times each is done, and how large what it is done with is. */
export interface Sizes {
  /** How often the service, and a process that packs, is killed. */
  rounds: number;
  /** That oc prints. */
  lines: number;
  /** In a tree, of 16 MiB each. */
  files: number;
  /** In the journal, ended. */
  gathers: number;
  /** In a tree, small ones. */
  smallFiles: number;
  sparseBytes: number;
  connections: number;
}

/** All of it (1), or a tenth (10). */
export function sizes(part: number): Sizes {
  return {
    rounds: Math.ceil(200 / part),
    lines: 1_000_000 / part,
    files: Math.round(128 / part), // 2 GiB
    gathers: 10_000 / part,
    smallFiles: 70_000 / part,
    sparseBytes: 5 * 2 ** 30 / part,
    connections: 10_000 / part,
  };
}

/** What the tests do: a tenth on Node, and less on Deno of what takes long. */
export const TESTED: Sizes = "Deno" in globalThis
  ? { ...sizes(10), rounds: 3, smallFiles: 700, sparseBytes: 8 * 2 ** 20 }
  : sizes(10);
