/**
 * The embedded gatherer: a program that stands in for oc where there is none. It speaks the command line of
 * `oc adm must-gather` (4.22) and gathers from the machine it runs on.
 */
import process from "node:process";
import { UsageError, withoutGlobalFlags } from "./arguments.ts";
import { mustGather, podName } from "./must-gather.ts";
import { Output } from "./output.ts";

/** The release of oc whose command line this is. */
const VERSION = "embedded-4.22";

const stop = new AbortController();
const pod = podName();
const output = new Output(
  process.stdout,
  process.stderr,
  pod,
  () => stop.abort(new Error("broken pipe")),
);

/** The first signal ends the gather and keeps what there is; the second finds no handler any more and ends us at once. */
function onSignal(): void {
  process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  stop.abort(new Error("context canceled"));
}

async function main(args: readonly string[]): Promise<number> {
  const [command = "", ...rest] = withoutGlobalFlags(args);
  const [subcommand, ...behind] = command === "adm" ? withoutGlobalFlags(rest) : [];
  if (subcommand === "must-gather") {
    process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
    const world = { env: process.env, pod, output, stop: stop.signal };
    return await mustGather(behind, world);
  }
  if (command === "version" && rest.includes("--client")) {
    const versions = { clientVersion: { gitVersion: VERSION }, releaseClientVersion: VERSION };
    const json = /(?:^| )(?:-o|--output)[= ]?json(?: |$)/.test(rest.join(" "));
    output.raw(json ? JSON.stringify(versions, null, 2) : `Client Version: ${VERSION}`);
    return 0;
  }
  throw new UsageError(
    `there is no cluster here: the embedded gatherer only knows "adm must-gather" and "version --client"`,
    false,
  );
}

let code: number;
try {
  code = await main(process.argv.slice(2));
} catch (error) {
  output.error(`error: ${error instanceof UsageError ? error.message : String(error)}`);
  code = 1;
}
// What was printed has to be out before we go; nobody may be there to take it.
await Promise.all(
  [process.stdout, process.stderr].map((stream) =>
    new Promise<void>((resolve) => stream.write("", () => resolve()))
  ),
);
process.exit(code);
