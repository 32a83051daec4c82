/**
 * The pretended oc. Started by a wrapper as `program.ts --state <folder> --own <names> <oc's words …>`;
 * `own` are the variables that the wrapper has added to the environment.
 */
import fs from "node:fs";
import { Cluster } from "./cluster.ts";
import { GLOBAL_FLAGS } from "./flags.ts";
import { endInTime } from "./life.ts";
import { openState, record, type State } from "./state.ts";
import { say } from "./stdio.ts";

const [, folder = "", , own = "", ...argv] = process.argv.slice(2);
for (const name of own.split(" ")) delete process.env[name];

/** Takes the command (`adm must-gather`, `get`) out of the words; flags may stand before it. */
function splitCommand(words: string[]): { command: string; rest: string[] } {
  const rest = [...words];
  const command: string[] = [];
  for (let i = 0; i < rest.length && rest[i] !== "--";) {
    const word = rest[i] ?? "";
    const name = word.replace(/^--?/, "");
    if (word.startsWith("-")) i += GLOBAL_FLAGS[name] === "value" ? 2 : 1;
    else {
      command.push(...rest.splice(i, 1));
      if (word !== "adm") break;
    }
  }
  return { command: command.join(" "), rest };
}

/** Loaded only where there is something to digest. */
async function digest(text: string): Promise<string> {
  const { createHash } = await import("node:crypto");
  return createHash("sha256").update(text).digest("hex");
}

/** Reads of the kubeconfig what a test may ask about; the token only as its digest. */
async function lookAtConfig(words: string[]) {
  const flag = words.find((word) => word.startsWith("--kubeconfig="))?.slice(
    "--kubeconfig=".length,
  );
  const file = flag ?? process.env["KUBECONFIG"] ?? "";
  const seen = { kubeconfig: "unset" as const, kubeconfigMode: "", server: "", tokenDigest: "" };
  if (file === "") return seen;
  try {
    const text = fs.readFileSync(file, "utf8");
    const token = /["']?\btoken["']?:\s*["']?([^\s"',}]+)/.exec(text)?.[1];
    return {
      kubeconfig: "readable" as const,
      kubeconfigMode: (fs.statSync(file).mode & 0o777).toString(8),
      server: /["']?\bserver["']?:\s*["']?([^\s"',}]+)/.exec(text)?.[1] ?? "",
      tokenDigest: token === undefined ? "" : await digest(token),
    };
  } catch {
    return { ...seen, kubeconfig: "unreadable" as const };
  }
}

async function run(state: State, words: string[]): Promise<number> {
  const seen = await lookAtConfig(words);
  record(state, {
    type: "start",
    pid: process.pid,
    at: Date.now(),
    argv: words,
    // A shell sets PWD itself, so nothing can be told of it.
    env: Object.keys(process.env).filter((name) => name !== "PWD"),
    cwd: process.cwd(),
    ...seen,
  });
  const cluster = new Cluster(state.folder, state.config);
  const { command, rest } = splitCommand(words);
  const known = await Promise.all((state.config.tokens ?? []).map(digest));
  const unauthorized = state.config.tokens !== null && !known.includes(seen.tokenDigest);
  if (command === "adm must-gather") {
    const { mustGather } = await import("./must-gather.ts");
    return await mustGather(state, cluster, rest, unauthorized);
  }
  if (command === "exec") {
    const { exec } = await import("./exec.ts");
    return await exec(state, cluster, rest, unauthorized);
  }
  const { simpleCommand } = await import("./commands.ts");
  return await simpleCommand(state, cluster, command, rest, unauthorized);
}

const state = openState(folder);
endInTime(state);
let code: number;
try {
  code = await run(state, argv);
} catch (error) {
  // A fault of this stand-in, not of what it stands for: a code of its own, and all that is known.
  await say(2, `fake oc: ${error instanceof Error ? error.stack : String(error)}\n`);
  code = 70;
}
record(state, { type: "end", pid: process.pid, at: Date.now(), code });
process.exit(code);
