import { randomInt } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import { join } from "node:path";
import { readRequest, type Request, UsageError } from "./arguments.ts";
import { type Outcome, reasonOf } from "./collector.ts";
import { collectors } from "./collectors.ts";
import { runCommand } from "./command.ts";
import { makeDestination, moveInto, resultFolder, stamp } from "./destination.ts";
import { helpText } from "./flags.ts";
import { BOUNDS, gather } from "./gather.ts";
import type { Output } from "./output.ts";
import { eventPage, eventsOf, summary, writeIndex } from "./report.ts";

/** The longest delay that a timer takes, in milliseconds: a longer one fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** What the gatherer works with. */
export type World = Readonly<{
  env: Readonly<Record<string, string | undefined>>;
  /** The name that stands for oc's pod: `must-gather-` and five letters or digits. */
  pod: string;
  output: Output;
  /** Aborted when we are told to stop; its reason is what oc says then. */
  stop: AbortSignal;
}>;

/** A name for the gather as oc gives its pods one. */
export function podName(): string {
  const letters = "bcdfghjklmnpqrstvwxz2456789"; // those of Kubernetes: no words come of them
  const random = Array.from({ length: 5 }, () => letters[randomInt(letters.length)]);
  return `must-gather-${random.join("")}`;
}

/** Runs `adm must-gather` with the arguments behind it. Resolves to the exit code; what went wrong is on stderr by then. */
export async function mustGather(args: readonly string[], world: World): Promise<number> {
  const { output, env, stop } = world;
  try {
    const { request, validate } = readRequest(args, (line) => output.error(line));
    if (request.help) {
      output.raw(helpText());
      return 0;
    }
    if (request.words.length > 0 && env.LOCAL_COMMANDS !== "1") {
      throw new UsageError(
        "a command after -- would run on this machine: set LOCAL_COMMANDS=1 to allow it",
        false,
      );
    }
    output.out(`Using must-gather plug-in image: ${image(request)}`);
    validate();
    const destination = request.destination || `must-gather.local.${randomInt(2 ** 47)}`;
    const temporary = await makeTemporary();
    try {
      await makeDestination(destination);
      output.openLog(join(destination, "must-gather.logs"));
      await stamp(destination);
      for (const line of await summary()) output.raw(line);
      return await run(request, destination, temporary, world);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  } catch (error) {
    output.error(`error: ${reasonOf(error)}`);
    if (error instanceof UsageError && error.seeHelp) {
      output.error("See 'oc adm must-gather --help' for usage.");
    }
    return stop.aborted && output.broken ? BROKEN_PIPE : 1;
  } finally {
    output.close();
  }
}

/** What a shell says of a program that SIGPIPE ended, as it ends oc. */
const BROKEN_PIPE = 141;

function image({ selectNothing }: Request): string {
  if (selectNothing.length === 0) return "embedded";
  const verb = selectNothing.length === 1 ? "selects" : "select";
  return `embedded (${selectNothing.join(", ")} ${verb} nothing here: this machine is looked at)`;
}

async function makeTemporary(): Promise<string> {
  try {
    return await mkdtemp(join(os.tmpdir(), "local-gather-"));
  } catch (error) {
    throw new Error(
      `cannot make a temporary folder in ${os.tmpdir()}: ${reasonOf(error)}: ` +
        "let TMPDIR name a folder that this user can write to",
    );
  }
}

/** Gathers into the temporary folder and moves what there is into the destination at the end. */
async function run(
  request: Request,
  destination: string,
  temporary: string,
  world: World,
): Promise<number> {
  const { env, pod, output, stop } = world;
  const folder = join(temporary, "files");
  const log = join(temporary, "gather.logs");
  await mkdir(folder);
  output.openGatherLog(log);
  const deadline = new AbortController();
  const expire = (): void => deadline.abort(new Error("context deadline exceeded"));
  if (request.timeout <= 0) expire();
  const timer = setTimeout(expire, Math.min(request.timeout, LONGEST_TIMER));
  const end = AbortSignal.any([stop, deadline.signal]);
  const tell = (line: string): void => output.pod(line);

  let outcomes: Outcome[] = [];
  let code = 0;
  if (request.words.length > 0) {
    const environment = commandEnvironment(env, request);
    const drained = (): Promise<void> => output.drained();
    const { words } = request;
    code = await runCommand({ words, folder, env: environment, stop: end, tell, drained });
  } else {
    const table = collectors(request.since);
    outcomes = await gather({ collectors: table, folder, env, stop: end, bounds: BOUNDS, tell });
  }
  clearTimeout(timer);
  output.closeGatherLog();
  output.podOut("waiting for gather to complete");

  const result = { folder, log, outcomes, destination };
  let problem: string | undefined;
  if (end.aborted) {
    output.podOut(`gather never finished: ${reasonOf(end.reason)}`);
    problem = `error: gather never finished for pod ${pod}: ${reasonOf(end.reason)}`;
    code = output.broken ? BROKEN_PIPE : 1;
    await keep(result, "kept so far:", world).catch(() => {});
  } else if (code !== 0) {
    problem = `${pod} unexpectedly terminated: exit code: ${code}, reason: Error`;
    output.podOut(`gather never finished: ${problem}`);
  } else {
    output.podOut("downloading gather output");
    await keep(result, "wrote", world).catch((error: unknown) => {
      problem = `error: unable to download output from pod ${pod}: ${reasonOf(error)}`;
      code = 1;
    });
  }
  await stamp(destination);
  if (!stop.aborted) {
    output.raw("\n\nReprinting Machine State:");
    for (const line of await summary()) output.raw(line);
  }
  if (problem !== undefined) output.error(problem);
  return code;
}

/** Moves what was gathered into the destination and says so. Rejects, having told the reason, when it cannot. */
async function keep(
  result: { folder: string; log: string; outcomes: readonly Outcome[]; destination: string },
  said: string,
  { output }: World,
): Promise<void> {
  const { folder, log, outcomes, destination } = result;
  const target = join(destination, resultFolder(os.hostname()));
  try {
    if (outcomes.length > 0) await writeIndex(folder, outcomes);
    await moveInto(folder, target);
    await moveInto(log, join(target, "gather.logs"));
    const collected = outcomes.filter(({ bytes }) => bytes !== null).length;
    const what = outcomes.length > 0
      ? `${collected} of ${outcomes.length} files`
      : "the files of the command";
    output.podOut(`${said} ${what} in ${target}`);
    const page = eventPage(await eventsOf(target, outcomes));
    await writeFile(join(destination, "event-filter.html"), page);
  } catch (error) {
    output.podOut(`gather output not downloaded: ${reasonOf(error)}`);
    throw error;
  }
}

/** A command's environment is ours and what oc tells its pods of `--since`. */
function commandEnvironment(env: World["env"], { sinceText }: Request): World["env"] {
  return {
    ...env,
    ...(sinceText.since === "" ? {} : { MUST_GATHER_SINCE: sinceText.since }),
    ...(sinceText.sinceTime === "" ? {} : { MUST_GATHER_SINCE_TIME: sinceText.sinceTime }),
  };
}
