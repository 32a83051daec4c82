/**
 * Runs the long forms and prints their figures: `node test/soak/main.ts [kill] [memory] …`, all of them without names.
 * `SEED` and `ROUNDS` in the environment repeat a run of `kill`.
 */
import process from "node:process";
import { runConnections } from "./connections.ts";
import { runDisk } from "./disk.ts";
import { kill } from "./kill.ts";
import { runMemory } from "./memory.ts";
import { type Row, table } from "./table.ts";
import { runTrees } from "./trees.ts";

/** How often the service is killed, at least (the issue's). */
const ROUNDS = 200;

/** The output, the tree (2 GiB) and the journal that are to be borne (the issue's). */
const MEMORY = { lines: 1_000_000, files: 128, gathers: 10_000 };

/** The issue's. */
const TREES = { files: 70_000, sparseBytes: 5 * 2 ** 30 };
const CONNECTIONS = 10_000;

const forms: Readonly<Record<string, () => Promise<Row[]>>> = {
  kill: () =>
    kill({
      rounds: Number(process.env["ROUNDS"] ?? ROUNDS),
      seed: Number(process.env["SEED"] ?? Date.now() % 1_000_000),
    }),
  memory: () => runMemory(MEMORY),
  disk: runDisk,
  trees: () => runTrees(TREES),
  connections: () => runConnections(CONNECTIONS),
};

const wanted = process.argv.slice(2);
for (const name of wanted) {
  if (!Object.hasOwn(forms, name)) throw new TypeError(`Cannot run ${name}: there is no such form`);
}
for (const [name, run] of Object.entries(forms)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  process.stdout.write(`${table(name, await run())}\n\n`);
}
