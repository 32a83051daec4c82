/**
 * Runs the long forms and prints their figures: `npm run soak [-- kill memory …]`, all of them without names; `--tenth` is what the tests do.
 * `SEED` and `ROUNDS` in the environment repeat a run of `kill` or `cut`.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { anySeed } from "../support/random.ts";
import { runConnections } from "./connections.ts";
import { runDisk } from "./disk.ts";
import { kill } from "./kill.ts";
import { runMemory } from "./memory.ts";
import { sizes } from "./sizes.ts";
import { type Row, seconds, table } from "./table.ts";
import { runTrees } from "./trees.ts";
import { zipCut } from "./zip-cut.ts";

const { values, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { tenth: { type: "boolean", default: false } },
});
const of = sizes(values.tenth ? 10 : 1);
const rounds = Number(process.env["ROUNDS"] ?? of.rounds);
const seed = anySeed();

const forms: Readonly<Record<string, () => Promise<Row[]>>> = {
  kill: () => kill({ rounds, seed }),
  cut: () => zipCut({ rounds, seed }),
  memory: () => runMemory(of),
  disk: runDisk,
  trees: () => runTrees({ files: of.smallFiles, sparseBytes: of.sparseBytes }),
  connections: () => runConnections(of.connections),
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
