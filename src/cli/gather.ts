/** `npm run gather`: one gather from the start to the archive in the current folder, and a service for it where there is none. */
import { realpathSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Options, readArguments } from "./arguments.ts";
import { connect, type Connection } from "./connect.ts";
import { chooseDestination } from "./destination.ts";
import { ConnectionError, Failure, LeaveError, ServiceError, UsageError } from "./errors.ts";
import { helpText } from "./help.ts";
import { Interrupts } from "./interrupts.ts";
import { type Outcome, runJob } from "./job.ts";
import { createProgress, type Progress } from "./progress.ts";
import { reportOf } from "./report.ts";
import { printable } from "./text.ts";

/** How often it is looked whether others still use our service, and how long they have to begin their download. Milliseconds. */
const OTHERS_MS = 300;
const OTHERS_DOWNLOAD_MS = 2000;

/** How long a service that was not ours may be away, as when it is started again, before ours takes its place. Milliseconds. */
const AWAY_MS = 3000;

const PACKAGE_FOLDER = fileURLToPath(new URL("../..", import.meta.url));

/** Runs the client and resolves to its exit code. */
async function main(args: readonly string[]): Promise<number> {
  const progress = createProgress(process.stderr, process.env);
  const interrupts = new Interrupts(process.env["npm_lifecycle_event"] !== undefined);
  try {
    const options = readArguments(args, process.env);
    if (options.help) {
      process.stdout.write(helpText());
      return 0;
    }
    return await gather(options, progress, interrupts);
  } catch (error) {
    progress.pause();
    if (error instanceof LeaveError) {
      progress.tell("Interrupted");
      return interrupts.exitCode;
    }
    progress.tell(sentence(error));
    if (!(error instanceof UsageError)) return 1;
    progress.tell("--help lists the flags");
    return 2;
  }
}

async function gather(
  options: Options,
  progress: Progress,
  interrupts: Interrupts,
): Promise<number> {
  const cwd = userFolder();
  const tell = progress.tell;
  if (options.tokenIsVisible) {
    tell("--token can be read by others on this machine; MUST_GATHER_TOKEN cannot");
  }
  const destination = await chooseDestination(options.output, cwd);
  const ca = options.ca === undefined ? undefined : await readPem(resolve(cwd, options.ca));
  if (options.token === "-") tell("Reading the token from standard input");
  const token = options.token === "-" ? await readToken(interrupts.first) : options.token;
  const { env } = process;
  const signal = interrupts.first;
  const wanted = { url: options.url, token, ca, env, cwd, tell, signal };
  const connection = await connect(wanted);
  const { client } = connection;
  let { own } = connection;
  const gone = own ? [own.ended] : [];
  /** A service that another client ended has left our gather in the journal: one of our own goes on with it. */
  const revive = async (error: Error) => {
    if (options.url || own || !(error instanceof ConnectionError)) return;
    await sleep(AWAY_MS, undefined, { signal }).catch(() => {});
    own = (await connect(wanted).catch(() => undefined))?.own;
  };
  let code: number;
  try {
    const outcome = await runJob({
      client,
      request: options.request,
      destination,
      progress,
      cancel: interrupts.first,
      leave: AbortSignal.any([interrupts.second, ...gone]),
      revive,
    });
    progress.pause();
    process.stdout.write(await reportOf(outcome, options.json));
    code = verdict(outcome, progress, interrupts);
    if (own && !interrupts.first.aborted) {
      await othersEnded({ client, own }, outcome.record.id, tell, interrupts);
    }
  } finally {
    progress.pause();
    if (own && !own.ended.aborted) {
      tell("Stopping the service");
      await own.stop(interrupts.second);
    }
  }
  return code;
}

/** Tells how it ended, and gives the exit code that says so. */
function verdict({ record }: Outcome, { tell }: Progress, interrupts: Interrupts): number {
  if (interrupts.first.aborted) {
    tell(`Gather ${record.id} has ended: ${printable(record.message) || record.status}`);
    return interrupts.exitCode;
  }
  if (record.status === "completed") return 0;
  tell(`Gather ${record.id} failed (${printable(record.reason)}): ${printable(record.message)}`);
  return 1;
}

/**
 * Others may have found our service and use it: theirs are not interrupted, unless we are. A download that has begun is finished
 * by the service itself.
 */
async function othersEnded(
  { client, own }: Connection,
  id: number,
  tell: (line: string) => void,
  { first }: Interrupts,
): Promise<void> {
  const signal = own ? AbortSignal.any([first, own.ended]) : first;
  try {
    for (let times = 0; await client.others(id, OTHERS_DOWNLOAD_MS, signal) > 0; times++) {
      if (times === 0) tell("Waiting for the other gathers of this service; Ctrl-C stops them");
      await sleep(OTHERS_MS, undefined, { signal });
    }
  } catch {
    // It is stopped in any case.
  }
}

/** npm and deno change to the package's folder; where the person was is in INIT_CWD, which also outlives them in a shell they started. */
function userFolder(): string {
  const cwd = process.cwd();
  return (realpathSync(PACKAGE_FOLDER) === realpathSync(cwd) && process.env["INIT_CWD"]) || cwd;
}

async function readPem(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch(() => "");
  if (text.includes("CERTIFICATE-----")) return text;
  throw new UsageError(`--ca must name a PEM file with a certificate; ${path} is none`);
}

/** The first line of standard input. */
async function readToken(signal: AbortSignal): Promise<string> {
  const leave = () => process.stdin.destroy(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  let text = "";
  for await (const chunk of process.stdin) {
    text += chunk;
    if (text.includes("\n") || text.length > 64 * 1024) break;
  }
  signal.removeEventListener("abort", leave);
  const [token = ""] = text.split("\n");
  if (token.trim() === "") throw new UsageError("--token - was given, but no token came");
  return token.trim();
}

function sentence(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof ServiceError) {
    return `The service refuses (${error.status}): ${message || "it does not say why"}`;
  }
  const isOurs = error instanceof Failure || error instanceof UsageError;
  return isOurs ? message : printable(message);
}

// A reader that has had enough (`| head`) is no reason to leave a service behind.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

const code = await main(process.argv.slice(2));
await Promise.all(
  [process.stdout, process.stderr].map((stream) =>
    new Promise<void>((resolve) => stream.write("", () => resolve()))
  ),
);
process.exit(code); // nothing is left to do, whatever a runtime keeps open
