import { appendFile, cp, lstat, mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../errors.ts";
import { reasonOf } from "./collector.ts";

/** Makes the destination folder. Rejects in the form of oc: `mkdir <path>: <reason>`. */
export async function makeDestination(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw new Error(`mkdir ${path}: ${reasonOf(error)}`);
  }
}

/** Adds the time to the file `timestamp`, as oc does at its start and at its end. */
export async function stamp(destination: string): Promise<void> {
  const time = new Date().toISOString().replace("T", " ").replace("Z", " +0000 UTC");
  try {
    await appendFile(join(destination, "timestamp"), `${time}\n`);
  } catch (error) {
    throw new Error(`write ${join(destination, "timestamp")}: ${reasonOf(error)}`);
  }
}

/** The folder of the result in the destination: oc names it after an image, we after the machine. */
export function resultFolder(hostname: string): string {
  const safe = hostname.replace(/[^A-Za-z0-9.-]+/g, "-").replace(/^[.-]+/, "").slice(0, 63);
  return `local-gather-${safe || "machine"}`;
}

/**
 * Moves a folder or file into the destination: by its name where both are on one file system, else by copying. What a former
 * gather left there is kept, and replaced where names are the same, as oc's rsync does. Links stay links.
 */
export async function moveInto(from: string, to: string): Promise<void> {
  const there = await lstat(to).catch(() => undefined);
  if (there?.isSymbolicLink()) throw new Error(`${to} is a link: remove it`);
  try {
    await rename(from, to);
  } catch (error) {
    const code = codeOf(error);
    if (code !== "EXDEV" && code !== "ENOTEMPTY" && code !== "EEXIST") {
      throw new Error(`${to}: ${reasonOf(error)}`);
    }
    await cp(from, to, {
      recursive: true,
      preserveTimestamps: true,
      verbatimSymlinks: true,
      // Sockets and pipes cannot be copied, and hold nothing.
      filter: async (source) => {
        const stat = await lstat(source);
        return stat.isFile() || stat.isDirectory() || stat.isSymbolicLink();
      },
    });
  }
}
