/**
 * Runs the long forms and prints their figures: `node test/soak/main.ts [kill]`, all of them without names.
 * `SEED` and `ROUNDS` in the environment repeat a run of `kill`.
 */
import process from "node:process";
import { kill } from "./kill.ts";
import { type Row, table } from "./table.ts";

/** How often the service is killed, at least (the issue's). */
const ROUNDS = 200;

const forms: Readonly<Record<string, () => Promise<Row[]>>> = {
  kill: () =>
    kill({
      rounds: Number(process.env["ROUNDS"] ?? ROUNDS),
      seed: Number(process.env["SEED"] ?? Date.now() % 1_000_000),
    }),
};

const wanted = process.argv.slice(2);
for (const name of wanted) {
  if (!Object.hasOwn(forms, name)) throw new TypeError(`Cannot run ${name}: there is no such form`);
}
for (const [name, run] of Object.entries(forms)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  process.stdout.write(`${table(name, await run())}\n\n`);
}
