import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";
import { createFakeOc, type FakeOc, type FakeOcOptions, type Release } from "../fake-oc.ts";
import { parseRecording, type Recording, RECORDINGS } from "./recording.ts";

/** How a run of oc ended, and all that it printed, one byte a character. */
export interface Ended {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

/** A fake oc in a temporary folder of its own; both are gone when the test is over. */
export async function open(t: TestContext, options: Partial<FakeOcOptions> = {}) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "fake-oc-test-"));
  const oc = await createFakeOc({ folder, speed: 200, ...options });
  t.after(async () => {
    await oc.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });
  return { oc, folder, dest: path.join(folder, "dest") };
}

/** Starts oc as the service does: in a process group of its own, with a small environment. */
export function start(oc: FakeOc, argv: string[], { env = {}, cwd = os.tmpdir() } = {}) {
  const child = spawn(oc.path, argv, {
    detached: true,
    cwd,
    env: { PATH: process.env["PATH"] ?? "", HOME: path.dirname(oc.path), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const text = { stdout: "", stderr: "" };
  child.stdout.setEncoding("latin1").on("data", (data: string) => text.stdout += data);
  child.stderr.setEncoding("latin1").on("data", (data: string) => text.stderr += data);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, ...text }));
  });
  // The orphans of a killed oc keep its pipes open: its own end is told apart from theirs.
  const gone = new Promise<Ended>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal, ...text }));
  });
  return { child, pid: child.pid ?? 0, ended, gone, text };
}

/** Runs oc to its end. */
export function run(oc: FakeOc, argv: string[], options = {}): Promise<Ended> {
  return start(oc, argv, options).ended;
}

/** The words of a plain gather. */
export function gather(image: string, dest: string, ...more: string[]): string[] {
  return ["adm", "must-gather", `--image=${image}`, `--dest-dir=${dest}`, ...more];
}

/** The recording of this name. Throws where that release has none: here nothing is retold. */
export function recorded(release: Release, name: string): Recording {
  return parseRecording(fs.readFileSync(new URL(`${release}/${name}.txt`, RECORDINGS), "utf8"));
}

/** Lines without what differs from run to run: made-up names, times, sizes, how full a disk is. */
export function plainly(lines: string[], dest: string): string[] {
  return lines.map((line) =>
    line.replaceAll(dest, "DEST")
      .replace(/openshift-must-gather-\w{5}(?![\w-])/g, "NAMESPACE")
      .replace(/\bmust-gather-[b-df-hj-np-tv-z2456789]{5}(?![\w-])/g, "NAME")
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, "TIME")
      .replace(/^([EW])\d{4} [\d:.]+ +\d+/, "$1")
      .replace(/inspect\.local\.\d+/, "inspect.local")
      .replace(/(sent|received|size is|speedup is) [\d,.]+/g, "$1 N")
      .replace(/[\d,.]+ bytes\/sec/, "N bytes/sec")
      .replace(/percentage(: current =)? \d+/, "percentage N")
      .trimEnd()
  ).filter((line) => line !== "" && !line.includes("percentage N"));
}

/** Paths and kinds below a folder, without what oc's rsync and inspect make up. */
export function tree(dest: string): string[] {
  if (!fs.existsSync(dest)) return [];
  return fs.readdirSync(dest, { recursive: true }).map(String)
    .map((name) => `${fs.lstatSync(path.join(dest, name)).isDirectory() ? "d" : "-"} ${name}`)
    .map((line) => line.replace(/inspect\.local\.\d+/, "inspect.local")).sort();
}

/** Paths and kinds of the recorded destination, as `tree` writes them. */
export function recordedTree({ tree }: Recording): string[] {
  return tree.map(({ mode, path }) =>
    `${mode.startsWith("d") ? "d" : "-"} ${path.replace(/inspect\.local\.\d+/, "inspect.local")}`
  ).sort();
}

/** Whether the recording left a namespace that nobody deletes. */
export function leaked({ cluster }: Recording): boolean {
  return /:Active/.test(cluster);
}

/** Starts the copy of the big image and stops it in the middle of its second file. */
export async function midCopy(oc: FakeOc, dest: string) {
  oc.hold("during-copy");
  const started = start(oc, gather("localhost/big-4x9000-must-gather", dest));
  await oc.reached("during-copy");
  return started;
}

/** The big image's files below a folder, rsync's temporary ones as `.RANDOM`. */
export function files(dest: string): string[] {
  return tree(dest).map((line) => path.basename(line.slice(2))).filter((name) => /blob/.test(name))
    .map((name) => name.replace(/(\.blob\d+)\.\w{6}$/, "$1.RANDOM"));
}
