/** One process owns a journal folder: it listens on a unix socket in it. No process id says so: in a container every start has the same. */
import { renameSync, statSync } from "node:fs";
import { mkdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf } from "../errors.ts";
import { connectLocally, listenLocally } from "../runtime.ts";

/** Another process owns the folder. */
export class OwnedError extends Error {
  override readonly name = "OwnedError";
}

/** How long a socket may take to answer before its owner counts as alive but busy: milliseconds. */
const ANSWER_MS = 2000;

/** The owner's socket; a path with it may have 107 bytes in all. */
const OWNER_SOCKET = "owner.sock";

/** A folder that only one process can make: who has made it is the one that looks and listens. It is there for milliseconds. */
const CLAIM = "claim";
const STALE_CLAIM = "claim.stale";

/** A claim this old was left by a process that died within it. Milliseconds. */
const CLAIM_MS = 10_000;

/** Between two attempts to claim, and how many there are: twice as long as a claim may live. Milliseconds. */
const RETRY_MS = 50;
const ATTEMPTS = 2 * CLAIM_MS / RETRY_MS;

/** Whether a name in the folder is one that this file gives. */
export function isOwnerFile(name: string): boolean {
  return name === OWNER_SOCKET || name === CLAIM || name === STALE_CLAIM;
}

/**
 * Becomes the owner of a folder, or throws {@linkcode OwnedError} when somebody is.
 *
 * A socket that refuses belongs to a dead process and is taken over. Of several processes that find it at once only the one with the claim
 * looks, so none takes away another's new one, or one that is not listening yet. Rejects with the system's error when no socket
 * can be made there.
 *
 * @returns what gives the folder up
 */
export async function ownFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, OWNER_SOCKET);
  await claim(folder);
  try {
    if (await answers(path)) throw owned(folder);
    await rm(path, { force: true });
    return (await listenLocally(path)).close;
  } finally {
    await rmdir(join(folder, CLAIM)).catch(() => {});
  }
}

async function claim(folder: string): Promise<void> {
  const path = join(folder, CLAIM);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      return await mkdir(path, { mode: 0o700 });
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
    await removeStale(path, join(folder, STALE_CLAIM));
    await sleep(RETRY_MS);
  }
  throw owned(folder);
}

/** Looked at and moved in one turn, so that it is not a new claim that goes. */
async function removeStale(path: string, aside: string): Promise<void> {
  await rm(aside, { recursive: true, force: true });
  const made = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
  if (Date.now() - made < CLAIM_MS) return;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error; // another was quicker
  }
  await rm(aside, { recursive: true, force: true });
}

function owned(folder: string): OwnedError {
  return new OwnedError(
    `Another must-gather service uses the journal ${folder}: stop it, or set JOURNAL_PATH to another folder`,
  );
}

/** Whether somebody listens there, or may: one that does not say within a time is alive but busy. */
async function answers(path: string): Promise<boolean> {
  const patience = new AbortController();
  try {
    const late = sleep(ANSWER_MS, undefined, { signal: patience.signal }).catch(() => {});
    await Promise.race([connectLocally(path), late]);
    return true;
  } catch (error) {
    // Its owner is alive, but its queue is full, or it is another user's.
    return ["EAGAIN", "EACCES", "EPERM"].includes(codeOf(error));
  } finally {
    patience.abort();
  }
}
