/**
 * Runs the long forms and prints their figures: `npm run soak [-- kill memory …]`, all of them without names; `--tenth` is what CI runs.
 * `SEED` and `ROUNDS` in the environment repeat a run of `kill` or `cut`.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { runConnections } from "./connections.ts";
import { runDisk } from "./disk.ts";
import { kill } from "./kill.ts";
import { runMemory } from "./memory.ts";
import { type Row, seconds, table } from "./table.ts";
import { runTrees } from "./trees.ts";
import { zipCut } from "./zip-cut.ts";

const { values, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { tenth: { type: "boolean", default: false } },
});
const part = values.tenth ? 10 : 1;

/** How often the service, and a process that packs, is killed, at least (the issue's). */
const ROUNDS = Number(process.env["ROUNDS"] ?? 200 / part);
const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);

/** The output, the tree (2 GiB) and the journal that are to be borne (the issue's). */
const MEMORY = { lines: 1_000_000 / part, files: Math.round(128 / part), gathers: 10_000 / part };

/** The issue's. */
const TREES = { files: 70_000 / part, sparseBytes: 5 * 2 ** 30 / part };
const CONNECTIONS = 10_000 / part;

const forms: Readonly<Record<string, () => Promise<Row[]>>> = {
  kill: () => kill({ rounds: ROUNDS, seed: SEED }),
  cut: () => zipCut({ rounds: ROUNDS, seed: SEED }),
  memory: () => runMemory(MEMORY),
  disk: runDisk,
  trees: () => runTrees(TREES),
  connections: () => runConnections(CONNECTIONS),
};

for (const name of wanted) {
  if (!Object.hasOwn(forms, name)) throw new TypeError(`Cannot run ${name}: there is no such form`);
}
for (const [name, run] of Object.entries(forms)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const begun = performance.now();
  process.stdout.write(`${table(name, await run())}\n\n`);
  process.stderr.write(`${name} took ${seconds(performance.now() - begun)}\n\n`);
}
