/**
 * Named pipes for what oc prints. oc itself holds them open, so the end of the service is not oc's: from a pipe that only we read it
 * would die at its next word, and leave a namespace and a cluster-admin binding whose names nobody has heard. So it goes on,
 * and what it says meanwhile waits there (64 KiB) for the next life of the service.
 */
import { execFile } from "node:child_process";
import { closeSync, constants, openSync, readSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { codeOf } from "../errors.ts";

/** Where the pipes of one oc are. */
export interface Pipes {
  stdout: string;
  stderr: string;
}

/** What is read at a time, bytes: what a pipe holds. */
const PIECE_BYTES = 64 * 1024;

/** Between two looks into an empty pipe: short while something comes, doubled up to the longest. Milliseconds. */
const SHORTEST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;

/** Of coreutils; looked for on PATH. */
export const MKFIFO = "mkfifo";

/** Making a pipe takes a few milliseconds; longer than this is not waited for. */
const MAKING_MS = 5000;

/** The pipes in a folder, whether they exist or not. */
export function pipesIn(folder: string): Pipes {
  return { stdout: join(folder, "stdout"), stderr: join(folder, "stderr") };
}

/**
 * Makes the pipes and their folder, anew where there were some. Where the system makes none (no `mkfifo`, a file system without)
 * there are none: oc runs without. Rejects when there is no room for the folder.
 */
export async function makePipes(folder: string, mkfifo = MKFIFO): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { stdout, stderr } = pipesIn(folder);
  await makeFifos([stdout, stderr], mkfifo);
}

/** Makes named pipes that only we may open; resolves to whether all of them are there. */
export function makeFifos(paths: readonly string[], mkfifo: string): Promise<boolean> {
  return new Promise((resolve) => {
    try {
      const args = ["-m", "600", ...paths];
      execFile(mkfifo, args, { timeout: MAKING_MS }, (error) => resolve(!error));
    } catch {
      resolve(false); // Deno, where it may not be run
    }
  });
}

/** A pipe that is open for both sides. */
export interface OpenPipe {
  /** What comes through; ends when nobody has it open for writing any more. */
  reader: PipeReader;
  /** For the one who writes: to be handed on, and in any case closed. */
  writer: number;
}

/** Opens a pipe. Throws the system's error where there is none. */
export function openPipe(path: string): OpenPipe {
  const writer = openSync(path, "r+"); // for both, so that opening waits for nobody, and the writer is a reader too
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return { reader: new PipeReader(fd), writer };
  } catch (error) {
    closeSync(writer);
    throw error;
  }
}

/** For all readers: nothing stays in it longer than a read and a copy take, and nobody gets a turn in between. */
const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);

/** Looks into the pipe again and again: a read that waits would hold one of the few threads that there are for all files. */
export class PipeReader extends Readable {
  readonly #fd: number;
  #pauseMs = SHORTEST_PAUSE_MS;
  #immediate: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(fd: number) {
    super({ highWaterMark: PIECE_BYTES });
    this.#fd = fd;
  }

  override _read(): void {
    this.#forget();
    this.#immediate = setImmediate(() => this.#look()); // others get their turn in a flood
  }

  /**
   * Reads what is in the pipe at this moment, at most 64 KiB, and passes it on before it returns. For the moment before a signal: what
   * oc said goes with the pipe when both oc and the service end before the next look.
   */
  lookNow(): void {
    if (this.destroyed || this.#isOver) return;
    this.#forget();
    this.#look();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#forget();
    closeSync(this.#fd);
    callback(error);
  }

  /** One look is planned at most: another would still come when the descriptor is closed, and may be another pipe's. */
  #forget(): void {
    clearImmediate(this.#immediate);
    clearTimeout(this.#timer);
  }

  #look(): void {
    let length: number;
    try {
      length = readSync(this.#fd, piece);
    } catch (error) {
      if (codeOf(error) !== "EAGAIN") return void this.destroy(error as Error);
      this.#forget();
      this.#timer = setTimeout(() => this.#look(), this.#pauseMs);
      this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
      return;
    }
    this.#pauseMs = SHORTEST_PAUSE_MS;
    this.#isOver = length === 0;
    this.push(length === 0 ? null : Buffer.from(piece.subarray(0, length)));
  }
}
