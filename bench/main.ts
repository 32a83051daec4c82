/** What is measured: `npm run bench -- <which> [options]`; `all` is one after the other, and `--tenth` proves that they run. */
import process from "node:process";
import { inspect } from "node:util";
import { benchDownload } from "./download.ts";
import { benchEnds } from "./ends.ts";
import { benchGrowth } from "./growth.ts";
import { benchGuard } from "./guard.ts";
import { benchJournal } from "./journal.ts";
import { benchList } from "./list.ts";
import { benchMemory } from "./memory.ts";
import { benchOutput } from "./output.ts";
import { benchPackLarge } from "./pack-large.ts";
import { benchPack, benchPacking } from "./pack.ts";
import { benchPolling } from "./polling.ts";
import { benchRedact } from "./redact.ts";
import { UsageError } from "./support/options.ts";
import { benchWorking } from "./working.ts";

type Bench = (args: string[]) => Promise<void>;

/** All of these take `--tenth`, `--runs` and `--runtime deno`. */
const measuring: Readonly<Record<string, Bench>> = {
  polling: benchPolling,
  working: benchWorking,
  output: benchOutput,
  ends: benchEnds,
  journal: benchJournal,
  packing: benchPacking,
  download: benchDownload,
  memory: benchMemory,
  growth: benchGrowth,
};

const benches: Readonly<Record<string, Bench>> = {
  ...measuring,
  pack: benchPack,
  "pack-large": benchPackLarge,
  redact: benchRedact,
  list: benchList,
  guard: benchGuard,
  async all(args) {
    for (const bench of Object.values(measuring)) await bench(args);
  },
};

const [which = "", ...args] = process.argv.slice(2);
const bench = Object.hasOwn(benches, which) ? benches[which] : undefined;
try {
  if (!bench) throw new UsageError(`Say what to measure: ${Object.keys(benches).join(", ")}`);
  await bench(args);
} catch (error) {
  const text = error instanceof UsageError ? error.message : inspect(error);
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
}
