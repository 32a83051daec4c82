import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { contentAt, type Entry, listing } from "./content.ts";
import { writeEntry } from "./destination.ts";
import { CopyFailed, type Run, type RunPod } from "./run.ts";
import { record } from "./state.ts";
import { say } from "./stdio.ts";
import { tar } from "./tar.ts";

/** How often oc starts its rsync again when that was ended and oc was not (recorded: at least once). */
const RETRIES = 3;

/** Copies what a pod gathered into the folder of its image, telling of every file. */
export async function copy(run: Run, pod: RunPod): Promise<void> {
  const content = pod.scenario.content ?? { kind: "empty" as const };
  try {
    const folder = run.destination.imageFolder(pod.image, pod.log.join(""));
    if (pod.scenario.noRsync) {
      return await copyByTar(run, pod, folder, contentAt(content, Infinity));
    }
    if (content.kind === "blobs") {
      await copyByProcess(run, pod, folder, content);
      return await totals(run, pod, content.files * content.bytes, content.files);
    }
    const entries = contentAt(content, Infinity);
    await copyInline(run, pod, folder, entries);
    return await totals(run, pod, entries.reduce((sum, { size }) => sum + size, 0), entries.length);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    await say(2, `rsync: [receiver] write failed: ${message}\n`);
    await say(2, "rsync error: error in file IO (code 11) at receiver.c(381) [receiver=3.5.0]\n");
    throw new CopyFailed("exit status 11");
  }
}

async function copyInline(run: Run, pod: RunPod, folder: string, entries: Entry[]): Promise<void> {
  await run.pause(0.2);
  await run.out("receiving incremental file list", pod.name);
  fs.chmodSync(folder, 0o777);
  await run.out("./", pod.name);
  let first = true;
  for (const entry of listing(entries)) {
    if (typeof entry === "string") fs.mkdirSync(path.join(folder, entry), { recursive: true });
    else writeEntry(folder, entry);
    await run.out(named(entry), pod.name);
    if (first) await run.gate("during-copy");
    first = false;
  }
}

function named(entry: Entry | string): string {
  if (typeof entry === "string") return entry;
  return entry.link === undefined ? entry.path : `${entry.path} -> ${entry.link}`;
}

async function totals(run: Run, pod: RunPod, size: number, files: number): Promise<void> {
  const [sent, received] = [27 + 19 * files, size + 46 + 60 * files];
  const [a, b, c] = [sent, received, size].map((number) =>
    String(number).replace(/\B(?=(\d{3})+$)/g, ",")
  );
  await run.out("", pod.name);
  await run.out(`sent ${a} bytes  received ${b} bytes  ${b}.00 bytes/sec`, pod.name);
  await run.out(
    `total size is ${c}  speedup is ${(size / (sent + received)).toFixed(2)}`,
    pod.name,
  );
}

/**
 * Copies through a process of its own in the same group, as oc does: it is told apart from oc by signals,
 * outlives an oc that is killed, and is started again by an oc that outlives it.
 */
async function copyByProcess(
  run: Run,
  pod: RunPod,
  folder: string,
  { files, bytes }: { files: number; bytes: number },
): Promise<void> {
  await run.pause(0.2);
  for (let attempt = 0; attempt <= RETRIES; attempt++) {
    const code = await rsync(run, pod, [
      `--state=${run.state.folder}`,
      `--folder=${folder}`,
      `--files=${files}`,
      `--bytes=${bytes}`,
      `--again=${attempt > 0}`,
    ]);
    if (code === 0) return;
    if (code === 11) throw new CopyFailed("exit status 11");
    await run.pause(0.4);
  }
  throw new CopyFailed("exit status 20");
}

async function rsync(run: Run, pod: RunPod, words: string[]): Promise<number | null> {
  const { spawn } = await import("node:child_process");
  const { createInterface } = await import("node:readline");
  const program = new URL("./rsync.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, ["--no-warnings", program, ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code));
  });
  record(run.state, {
    type: "child",
    pid: child.pid ?? 0,
    at: Date.now(),
    parent: process.pid,
    role: "rsync",
  });
  for await (const line of createInterface({ input: child.stdout })) await run.out(line, pod.name);
  return await ended;
}

/** The fallback where there is no rsync: all of it passes through one file in the temporary folder. */
async function copyByTar(run: Run, pod: RunPod, folder: string, entries: Entry[]): Promise<void> {
  await say(
    2,
    "WARNING: rsync command not found in path. Please use your package manager to install it.\n",
  );
  const buffer = path.join(os.tmpdir(), `rsync${process.hrtime.bigint()}`);
  const fd = fs.openSync(buffer, "wx", 0o600);
  try {
    for (const chunk of tar(entries, "./")) fs.writeSync(fd, chunk);
  } finally {
    fs.closeSync(fd);
  }
  await run.pause(0.05);
  await run.gate("during-copy");
  await say(2, "Ignoring the following flags because they only apply to rsync: -z\n");
  fs.chmodSync(folder, 0o777);
  for (const entry of entries) {
    writeEntry(folder, entry);
    if (entry.link === undefined) await run.out(`./${entry.path}`, pod.name);
  }
  fs.rmSync(buffer);
}
