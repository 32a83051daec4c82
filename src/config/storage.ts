import { Buffer } from "node:buffer";
import { join, resolve } from "node:path";
import type { Config, System } from "../config.ts";
import { ConfigError, type Variables } from "./environment.ts";

/** A unix socket's path holds 107 bytes on Linux; the journal's owner listens on one of this name. */
const JOURNAL_SOCKET = "/owner.sock";
const SOCKET_PATH_BYTES = 107;

/** Where archives and logs are, and how much of them. */
export function readWork(
  read: Variables,
  system: System,
): Pick<Config, "workPath" | "workLimitBytes" | "evict"> {
  const workPath = read.path("WORK_PATH", system.cwd) ?? join(system.tmpdir, "must-gather");
  if (!system.isWritableFolder(workPath)) {
    throw new ConfigError("WORK_PATH", workPath, "a folder that can be made and written in");
  }
  return {
    workPath,
    workLimitBytes: read.sizeBytes("WORK_LIMIT"),
    evict: read.choice("EVICT", ["never", "replaced", "oldest"]) ?? "replaced",
  };
}

/** Where the journal is: memory where there is some, and always a path that a unix socket fits into. */
export function readJournal(
  read: Variables,
  system: System,
  workPath: string,
  warnings: string[],
): Pick<Config, "journalPath" | "journalOnDisk"> {
  const named = read.path("JOURNAL_PATH", system.cwd);
  const old = readDbPath(read, system, warnings);
  const variable = named !== undefined ? "JOURNAL_PATH" : "DB_PATH";
  const tmpfs = "/dev/shm/must-gather";
  let journalPath = named ?? old;
  let journalOnDisk = false;
  if (journalPath === undefined) {
    journalOnDisk = system.runtime !== "node" || !system.isWritableFolder(tmpfs);
    journalPath = journalOnDisk ? join(workPath, "journal") : tmpfs;
    if (journalOnDisk) {
      warnings.push(
        `JOURNAL_PATH is not set and ${tmpfs} cannot be used: the journal is in ${journalPath}, ` +
          "slower where that is a disk",
      );
    }
  } else if (!system.isWritableFolder(journalPath)) {
    throw new ConfigError(variable, journalPath, "a folder that can be made and written in");
  } else if (journalPath === workPath) {
    throw new ConfigError(variable, journalPath, "another folder than WORK_PATH");
  }
  const room = SOCKET_PATH_BYTES - JOURNAL_SOCKET.length;
  if (Buffer.byteLength(journalPath) > room) {
    throw new ConfigError(
      journalOnDisk ? "JOURNAL_PATH" : variable,
      journalPath,
      `a path of at most ${room} bytes, as a unix socket is opened in that folder`,
    );
  }
  return { journalPath, journalOnDisk };
}

/** What the old service called the path of its SQLite database. In memory, as the operator had it, is what the default is. */
function readDbPath(read: Variables, system: System, warnings: string[]): string | undefined {
  const value = read.text("DB_PATH");
  if (value === undefined || value.startsWith(":memory:") || value.startsWith("file::memory:")) {
    return undefined;
  }
  const path = resolve(system.cwd, value.replace(/^file:/, "").replace(/\?.*$/, ""));
  if (!system.isFile(path)) return path;
  warnings.push(
    `DB_PATH names a file, the old service's database: it is left as it is, the journal is in ${path}.d`,
  );
  return `${path}.d`;
}
