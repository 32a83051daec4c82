/** Small file systems in memory that nobody else sees: they go with the process that made them, however that ends. */
import { execFile, spawn, spawnSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import process from "node:process";
import { promisify } from "node:util";
import { programCommand } from "../support/self.ts";

const run = promisify(execFile);

/** Where it is set, the process has mounts of its own. */
const MARK = "SOAK_PRIVATE_MOUNTS";

/** Whether this process may mount what it likes. */
export function hasPrivateMounts(): boolean {
  return process.env[MARK] !== undefined;
}

/** The words that start a program with mounts of its own: as root, else as a user who is root for itself. */
function unshare(): string[] {
  const ways = process.getuid?.() === 0 ? ["-m", "-rm"] : ["-rm"];
  const probe = "mount -t tmpfs none /mnt";
  const way = ways.find((flags) =>
    spawnSync("unshare", [flags, "sh", "-c", probe], { stdio: "ignore" }).status === 0
  );
  if (way === undefined) {
    throw new Error(
      "cannot mount a tmpfs: neither as root nor with unshare -rm; allow one of them",
    );
  }
  return ["unshare", way];
}

/** Runs one of our programs with mounts of its own. Resolves to what it printed; rejects with that when it fails. */
export async function runWithPrivateMounts(
  script: string,
  args: readonly string[],
): Promise<string> {
  const [program = "", ...before] = unshare();
  const [runtime, words] = programCommand(script);
  const child = spawn(program, [...before, runtime, ...words, ...args], {
    env: { ...process.env, [MARK]: "1" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => printed += text);
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(printed === "" ? `${script} ended with ${code}` : printed);
  return printed;
}

/** Mounts a file system in memory on a folder, which is made. */
export async function mountTmpfs(folder: string, bytes: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  await run("mount", ["-t", "tmpfs", "-o", `size=${bytes},mode=0700`, "tmpfs", folder]);
}

/** Takes it away again. */
export async function unmount(folder: string): Promise<void> {
  await run("umount", ["--lazy", folder]);
}
