/** What is measured: `node bench/main.ts <which> [options]`. */
import process from "node:process";
import { benchList } from "./list.ts";
import { benchPackLarge } from "./pack-large.ts";
import { benchPack } from "./pack.ts";
import { benchPolling } from "./polling.ts";

const benches: Readonly<Record<string, (args: string[]) => Promise<void>>> = {
  pack: benchPack,
  "pack-large": benchPackLarge,
  list: benchList,
  polling: benchPolling,
};

const [which = "", ...args] = process.argv.slice(2);
const bench = Object.hasOwn(benches, which) ? benches[which] : undefined;
try {
  if (!bench) throw new Error(`Say what to measure: ${Object.keys(benches).join(", ")}`);
  await bench(args);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = 1;
}
