/** One oc as a process: started in a group of its own, its output read to the end, its end told once it is sure. */
import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { closeSync } from "node:fs";
import { codeOf } from "../errors.ts";
import {
  type EndingSignal,
  groupIsAlive,
  groupsWorkingIn,
  processStart,
  signal,
} from "../runtime.ts";
import { OutputStreams, type TakeBlock } from "./output-streams.ts";
import { openToPrint, type Spool } from "./spool.ts";

/** What tells a process from any other, also from a later one with the same id. */
export interface ProcessIdentity {
  pid: number;
  /** When it started, as `processStart()` tells it. */
  start: string;
}

export interface RunRequest {
  program: string;
  args: readonly string[];
  /** The working folder. */
  folder: string;
  /** All of the environment that it gets. */
  env: Readonly<Record<string, string>>;
  /** What its output goes into, made anew; their folder exists. */
  spool: Spool;
}

/** Who is told what happens. Nothing comes after `exited` without orphans, or after `gone`. */
export interface RunEvents {
  /** It runs, or ran: undefined when it was dead before it could be looked at. Not told of one that could not be started. */
  started: (identity: ProcessIdentity | undefined) => void;
  /** Whole lines of one of the streams; false asks for a pause until {@linkcode Run.resume}. */
  output: TakeBlock;
  /** The process is dead; `code` is null when a signal ended it or it never started. With `orphans`, others of its group live. */
  exited: (end: { code: number | null; signal: string | null; orphans: boolean }) => void;
  /** The orphans are dead too. */
  gone: () => void;
  /** It could not be started: why, for a person. */
  failed: (reason: string) => void;
}

/** A process that runs, or one of an earlier life of the service. */
export interface Run {
  signal: (signal: EndingSignal, target: "leader" | "group") => void;
  /** Goes on reading after `output` asked for a pause. */
  resume: () => void;
}

/** What oc started ends right behind it in most cases; only what is there after these looks counts as orphans: milliseconds. */
const ORPHAN_LOOKS_MS = [0, 20, 80, 200];

/** Between two looks whether a process that is not our child is gone: milliseconds. */
const WATCH_MS = 100;

/**
 * One of an earlier life is gone when it was not found so often in a row: between being made and being its own program a process works
 * nowhere that could be told.
 */
const MISSED = 3;

/** Starts oc. Everything that goes wrong is told through `events`. */
export function startRun(request: RunRequest, events: RunEvents): Run {
  let child: ChildProcess;
  let streams: OutputStreams | undefined;
  const opened: number[] = [];
  try {
    for (const path of [request.spool.stdout, request.spool.stderr]) opened.push(openToPrint(path));
    streams = new OutputStreams(request.spool, events.output);
    child = spawn(request.program, [...request.args], {
      cwd: request.folder,
      env: { ...request.env },
      detached: true, // a process group of its own, so that all of it can be ended
      stdio: ["ignore", ...opened],
    });
  } catch (error) {
    streams?.destroy();
    events.failed(startFailure(request.program, error));
    queueMicrotask(() => events.exited({ code: null, signal: null, orphans: false }));
    return { signal: () => {}, resume: () => {} };
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
  const output = streams;

  const pid = child.pid;
  const told = pid === undefined
    ? undefined
    : processStart(pid).then((start) =>
      events.started(start === undefined ? undefined : { pid, start })
    );
  let living: "leader" | "orphans" | "nobody" = "leader"; // ids of the dead may be others' by now
  child.once("error", (error) => {
    if (pid !== undefined) return; // a signal that did not reach it; its end is told by `exit`
    output.destroy();
    events.failed(startFailure(request.program, error));
    events.exited({ code: null, signal: null, orphans: false });
  });
  child.once("exit", async (code, signalName) => {
    if (pid === undefined) return;
    living = "orphans";
    await told;
    const orphans = await leavesOrphans(pid);
    if (orphans) {
      events.exited({ code, signal: signalName, orphans });
      await goneOf(pid);
    }
    living = "nobody";
    await output.readToEnd();
    if (orphans) events.gone();
    else events.exited({ code, signal: signalName, orphans });
  });

  return {
    signal: (name, target) => {
      if (pid === undefined || living === "nobody") return;
      if (target === "group") void signal(pid, name, "group");
      else if (living === "leader") void signal(pid, name, "process");
    },
    resume: () => output.resume(),
  };
}

/**
 * Takes over what runs of an earlier life of the service, only to end it: the process with that very identity, and, where the
 * system tells, whoever works in the gather's folder with the HOME that only its oc is given, and hands on to what it starts. So one
 * that was started a moment before the crash, before it could be written down, is found too, and so are orphans of rsync.
 * What it printed is read from the beginning: what the earlier life has made of it is not known.
 */
export function adoptRun(
  identity: ProcessIdentity | undefined,
  place: { path: string; home: string; spool: Spool },
  events: Pick<RunEvents, "exited"> & Partial<Pick<RunEvents, "output">>,
): Run {
  const read = () => readIfAny(place.spool, events.output ?? (() => true));
  let streams = read();
  const find = async () => {
    const groups = new Set(await groupsWorkingIn(place.path, place.home));
    if (identity && await processStart(identity.pid) === identity.start) groups.add(identity.pid);
    return [...groups];
  };
  const watch = async () => {
    for (let missed = 0; missed < MISSED;) {
      missed = (await find()).length > 0 ? 0 : missed + 1;
      if (missed < MISSED) await sleep(WATCH_MS);
    }
    streams ??= read();
    await streams?.readToEnd();
    events.exited({ code: null, signal: null, orphans: false });
  };
  const tell = async (name: EndingSignal, target: "leader" | "group") => {
    for (const group of await find()) {
      const leads = target === "leader" && await signal(group, 0, "process");
      await signal(group, name, leads ? "process" : "group");
    }
  };
  void watch();
  return {
    signal: (name, target) => void tell(name, target),
    resume: () => streams?.resume(),
  };
}

/** None where oc had not got so far that there was output, or too many files are open. */
function readIfAny(spool: Spool, take: TakeBlock): OutputStreams | undefined {
  try {
    return new OutputStreams(spool, take);
  } catch {
    return undefined;
  }
}

async function leavesOrphans(pgid: number): Promise<boolean> {
  for (const pause of ORPHAN_LOOKS_MS) {
    if (pause > 0) await sleep(pause);
    if (!await groupIsAlive(pgid)) return false;
  }
  return true;
}

async function goneOf(pgid: number): Promise<void> {
  while (await groupIsAlive(pgid)) await sleep(WATCH_MS);
}

function startFailure(program: string, error: unknown): string {
  const code = codeOf(error);
  const why = code === "ENOENT"
    ? "there is no such program, or its working folder is gone"
    : code === "EACCES"
    ? "it may not be run"
    : code === "EAGAIN"
    ? "the system allows no more processes"
    : code === "EMFILE" || code === "ENFILE"
    ? "too many files are open"
    : code === "E2BIG"
    ? "what it is told is too long"
    : error instanceof Error
    ? error.message
    : String(error);
  return `Cannot start ${program}: ${why}`;
}
