/** What the configuration has to know of the machine in order to choose defaults. */
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import type { System } from "./config.ts";
import { usableCpus } from "./cpus.ts";
import { runtime } from "./runtime.ts";

/** Looks at this machine, with few questions: each is one more permission on Deno. */
export function thisSystem(): System {
  return {
    runtime: runtime.name,
    tmpdir: process.env.TMPDIR || "/tmp",
    cwd: process.cwd(),
    cpus: usableCpus(availableParallelism(), readText),
    homedir: process.env.HOME,
    findProgram(name) {
      if (name.includes("/")) return isProgram(name) ? name : undefined;
      const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
      for (const folder of folders) {
        const path = join(folder, name);
        try {
          if (statSync(path).isFile() && isAllowed(path, constants.X_OK)) return path;
        } catch (error) {
          // Deno lets us run it, but not look where it is: then the name has to do.
          if ((error as Error).name === "NotCapable") return name;
        }
      }
      return undefined;
    },
    isWritableFolder(path) {
      for (let folder = path;; folder = dirname(folder)) {
        try {
          return statSync(folder).isDirectory() &&
            isAllowed(folder, constants.W_OK | constants.X_OK);
        } catch (error) {
          // Where Deno does not let us look, making the folder will tell.
          if ((error as Error).name === "NotCapable") return true;
          if (folder === dirname(folder)) return false;
        }
      }
    },
    readText,
    isFile,
  };
}

function readText(path: string): string | undefined {
  return attempt(() => readFileSync(path, "utf8"));
}

function isProgram(path: string): boolean {
  return isFile(path) && isAllowed(path, constants.X_OK);
}

function isFile(path: string): boolean {
  return attempt(() => statSync(path).isFile()) ?? false;
}

function isAllowed(path: string, mode: number): boolean {
  return attempt(() => {
    accessSync(path, mode);
    return true;
  }) ?? false;
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
