import fs from "node:fs";
import { type Release, stampsOutput } from "./release.ts";

/** One recorded line and the seconds since the start at which it came. */
export interface Line {
  at: number;
  text: string;
}

/** One entry of the recorded destination folder. */
export interface TreeEntry {
  /** As `ls -l` writes it, such as `drwxrwxrwx`. */
  mode: string;
  size: number;
  path: string;
}

/** One recorded run of oc. */
export interface Recording {
  command: string;
  /** The exit code, `null` when a signal ended it. */
  code: number | null;
  signal: string | null;
  /** The line that tells what stood in the cluster at exit. */
  cluster: string;
  stdout: Line[];
  stderr: Line[];
  /** How many lines of stdout the recording leaves out. */
  leftOut: number;
  tree: TreeEntry[];
}

/** The folder of the recordings, one folder a release. */
export const RECORDINGS: URL = new URL("../../fixtures/oc/", import.meta.url);

/** Reads the text of one recording; a part that is not there reads as empty. */
export function parseRecording(text: string): Recording {
  const recording: Recording = {
    command: "",
    code: null,
    signal: null,
    cluster: "",
    stdout: [],
    stderr: [],
    leftOut: 0,
    tree: [],
  };
  let part = "";
  for (const line of text.split("\n")) {
    const heading = /^--- (stdout|stderr|destination)/.exec(line);
    if (heading) part = heading[1] ?? "";
    else if (part === "") readHead(recording, line);
    else if (part === "destination") readTree(recording, line);
    else {
      const timed = /^ *(\d+\.\d+) ?(.*)$/.exec(line);
      if (timed && !timed[2]?.startsWith("<<")) {
        const lines = part === "stdout" ? recording.stdout : recording.stderr;
        lines.push({ at: Number(timed[1]), text: timed[2] ?? "" });
      }
      recording.leftOut += Number(/^\.\.\. (\d+) lines like these/.exec(line)?.[1] ?? 0);
    }
  }
  return recording;
}

function readHead(recording: Recording, line: string): void {
  if (line.startsWith("$ ")) recording.command = line.slice(2);
  if (line.startsWith("# in the cluster at exit:")) recording.cluster = line;
  const end = /^# oc \S+; (?:code (\d+)|signal \d+ \((\w+)\))/.exec(line);
  if (end?.[1] !== undefined) recording.code = Number(end[1]);
  if (end?.[2] !== undefined) recording.signal = end[2];
}

function readTree(recording: Recording, line: string): void {
  const entry = /^([-dl][-rwxst]{9}) \S+ +(\d+) (\S.*?) *$/.exec(line);
  if (entry) {
    recording.tree.push({ mode: entry[1] ?? "", size: Number(entry[2]), path: entry[3] ?? "" });
  }
}

/**
 * Reads a recording by name. Where the release has none of that name, 4.13's is told as that release would
 * have: times behind `OUT`, its own version, no line for the binding, which goes with the namespace.
 * Throws when 4.13 has none either.
 */
export function loadRecording(release: Release, name: string): Recording {
  const own = new URL(`${release}/${name}.txt`, RECORDINGS);
  if (fs.existsSync(own)) return parseRecording(fs.readFileSync(own, "utf8"));
  const oldest = parseRecording(fs.readFileSync(new URL(`4.13/${name}.txt`, RECORDINGS), "utf8"));
  return stampsOutput(release) ? retell(oldest, release) : oldest;
}

function retell(recording: Recording, release: Release): Recording {
  const stdout = recording.stdout
    .filter(({ text }) => !/OUT clusterrolebinding\S+ deleted$/.test(text))
    .map(({ at, text }) => ({
      at,
      text: text
        .replace(/^(\[must-gather[^\]]*\] OUT) /, "$1 2026-11-22T13:00:00.000000001Z ")
        .replace("ClientVersion: 4.13.0-lab", `ClientVersion: ${release}.0-lab`),
    }));
  return { ...recording, stdout };
}

/** A line of a recording together with the stream it went to: 1 is stdout, 2 is stderr. */
export interface Step extends Line {
  fd: 1 | 2;
}

/** Puts the lines of both streams into the order in which they came. */
export function steps(recording: Recording): Step[] {
  return [
    ...recording.stdout.map((line): Step => ({ ...line, fd: 1 })),
    ...recording.stderr.map((line): Step => ({ ...line, fd: 2 })),
  ].sort((a, b) => a.at - b.at);
}

/** What a pod printed, without prefix and time: the text of its `POD` lines. */
export function podLines(recording: Recording): Line[] {
  const lines: Line[] = [];
  for (const { at, text } of recording.stdout) {
    const pod = /^\[must-gather-\w{5}\] POD \S+ (.*)$/.exec(text);
    if (pod) lines.push({ at, text: pod[1] ?? "" });
  }
  return lines;
}

/** The names that oc made up in a recorded run. */
export interface RecordedNames {
  namespace: string | null;
  binding: string | null;
  /** In the order in which they are first named. */
  pods: string[];
  images: string[];
}

/** Finds the names that oc made up in a recorded run, so that a replay can put fresh ones in their place. */
export function recordedNames(recording: Recording): RecordedNames {
  const all = steps(recording).map(({ text }) => text).join("\n");
  const named = all.matchAll(
    /(?:^\[|\bpod |\/)(must-gather-[b-df-hj-np-tv-z2456789]{5})(?![\w-])/gm,
  );
  const binding = /clusterrolebinding\S*\/(must-gather-\w{5}) created/.exec(all)?.[1] ?? null;
  return {
    namespace: /openshift-must-gather-\w{5}(?![\w-])/.exec(all)?.[0] ?? null,
    binding,
    pods: [...new Set([...named].map((match) => match[1] ?? ""))].filter((name) =>
      name !== binding
    ),
    images: [...recording.command.matchAll(/--image=(\S+)/g)].map((match) => match[1] ?? ""),
  };
}
