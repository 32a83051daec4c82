/** One process owns a journal folder: it listens on a unix socket in it. No process id says so: in a container every start has the same. */
import { lstatSync, renameSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { createConnection, createServer, type Server } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Another process owns the folder. */
export class OwnedError extends Error {
  override readonly name = "OwnedError";
}

/** How long a socket may take to answer before its owner counts as alive but busy: milliseconds. */
const ANSWER_MS = 2000;

/** A socket that was just made refuses until it listens: one that still does after this was left behind. Milliseconds. */
const BIRTH_MS = 50;

/** How often a socket left behind is taken out of the way before giving up. */
const ATTEMPTS = 10;

/** The sockets' names in the folder; a path with one may have 107 bytes in all. */
export const OWNER_SOCKET = "owner.sock";
export const STALE_SOCKET = "stale.sock";

/**
 * Becomes the owner of a folder, or throws {@linkcode OwnedError} when somebody is.
 *
 * A socket that refuses belongs to a dead process. It is moved aside only while it still is the one that was asked, and asked
 * again there, so that of processes that find it at once none takes away another's new one.
 *
 * Rejects with the system's error when no socket can be made there.
 *
 * @returns what gives the folder up
 */
export async function ownFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, OWNER_SOCKET);
  const stale = join(folder, STALE_SOCKET);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const server = await listen(path);
    if (server) {
      return () => new Promise((resolve) => server.close(() => resolve()));
    }
    const asked = lookOf(path);
    if (await answers(path)) throw owned(folder);
    await sleep(BIRTH_MS);
    if (await answers(path)) throw owned(folder);
    if (!moveAside(path, stale, asked)) continue;
    if (await answers(stale)) {
      await rename(stale, path); // it came to life in between: it is the owner
      throw owned(folder);
    }
    await rm(stale, { force: true });
  }
  throw owned(folder);
}

/** What tells a socket from a later one at the same path; undefined where there is none. */
function lookOf(path: string): string | undefined {
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return found && `${found.ino} ${found.ctimeNs} ${found.mtimeNs}`; // Deno has one time in seconds only
}

/** Moves a socket away if it still is the one that was asked; both steps in one turn, so that next to nothing fits in between. */
function moveAside(path: string, stale: string, asked: string | undefined): boolean {
  if (asked === undefined || lookOf(path) !== asked) return false;
  try {
    renameSync(path, stale);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

function owned(folder: string): OwnedError {
  return new OwnedError(
    `Another must-gather service uses the journal ${folder}: stop it, or set JOURNAL_PATH to another folder`,
  );
}

function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.on("error", () => {}).destroy());
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => {
      server.unref(); // it must not keep a service alive that has nothing else to do
      resolve(server);
    });
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(ANSWER_MS, () => done(true));
    socket.once("connect", () => done(true));
    socket.once(
      "error",
      (error: NodeJS.ErrnoException) =>
        done(error.code !== "ECONNREFUSED" && error.code !== "ENOENT"),
    );
  });
}
