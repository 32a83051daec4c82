/**
 * What oc prints goes into two files, as a shell's `>` has it. So oc neither waits for us nor dies of our end, and whenever the service is
 * killed, the next life of it reads again from the beginning what oc has said: above all the names of what it made. Out of a pipe they
 * would be lost between the reading and the journal.
 */
import { execFile } from "node:child_process";
import { closeSync, fstatSync, openSync, readSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";

/** Where the output of one oc is. */
export interface Spool {
  stdout: string;
  stderr: string;
}

/** What is read at a time: bytes. */
const PIECE_BYTES = 64 * 1024;

/** Between two looks when there was nothing new: short while something comes, doubled up to the longest. Milliseconds. */
const SHORTEST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;

/**
 * What was read takes no room any more when there is so much of it, bytes: a spool is so large and what is not read yet. Where the file
 * system cannot give up a part of a file, as large as all of the output; WORK_LIMIT ends a gather that has no room.
 */
export const RELEASED_BYTES = 64 * 2 ** 20;

/** `fallocate` (util-linux) takes a few milliseconds; longer than this is not waited for. */
const RELEASING_MS = 5000;

/** The output in a folder, whether it exists or not. */
export function spoolIn(folder: string): Spool {
  return { stdout: join(folder, "stdout"), stderr: join(folder, "stderr") };
}

/** Opens a file, a new one, for whoever prints: to be handed on, and in any case closed. Throws the system's error. */
export function openToPrint(path: string): number {
  rmSync(path, { force: true });
  return openSync(path, "ax", 0o600);
}

/** For all readers: nothing stays in it longer than a read and a copy take, and nobody gets a turn in between. */
const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);

/** Reads a file from its beginning while somebody else writes to it. */
export class SpoolReader extends Readable {
  readonly #path: string;
  readonly #fd: number;
  #position = 0;
  /** Where it ends, once that is known. */
  #end = Infinity;
  #pauseMs = SHORTEST_PAUSE_MS;
  #immediate: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** What lies before takes no room. */
  #released = 0;
  #releasing = false;

  /** Throws the system's error where there is no such file. */
  constructor(path: string) {
    super({ highWaterMark: PIECE_BYTES });
    this.#path = path;
    this.#fd = openSync(path, "r");
  }

  /** Nobody writes to it any more: it ends with what is in it now, and with nothing that a daemon adds that got away. */
  finish(): void {
    if (this.destroyed || this.#end !== Infinity) return;
    this.#end = fstatSync(this.#fd).size;
    if (!this.#timer) return;
    this.#forget();
    this.#look();
  }

  override _read(): void {
    this.#forget();
    this.#immediate = setImmediate(() => this.#look()); // others get their turn in a flood
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#forget();
    closeSync(this.#fd);
    callback(error);
  }

  /** One look is planned at most: another could come when the descriptor is closed, and somebody else's. */
  #forget(): void {
    clearImmediate(this.#immediate);
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    this.#forget();
    const room = Math.min(PIECE_BYTES, this.#end - this.#position);
    let length: number;
    try {
      length = room > 0 ? readSync(this.#fd, piece, 0, room, null) : 0;
    } catch (error) {
      return void this.destroy(error as Error);
    }
    if (length === 0 && this.#end === Infinity) {
      this.#timer = setTimeout(() => this.#look(), this.#pauseMs);
      this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
      return;
    }
    this.#pauseMs = SHORTEST_PAUSE_MS;
    this.#position += length;
    this.#release();
    this.push(length === 0 ? null : Buffer.from(piece.subarray(0, length)));
  }

  /** Makes a hole of what was read, which leaves all else where it is. */
  #release(): void {
    const from = this.#released;
    const length = Math.floor((this.#position - from) / RELEASED_BYTES) * RELEASED_BYTES;
    if (length === 0 || this.#releasing) return;
    this.#releasing = true; // for good where it cannot be done
    const args = ["-p", "-o", String(from), "-l", String(length), this.#path];
    try {
      execFile("fallocate", args, { timeout: RELEASING_MS }, (error) => {
        if (error) return;
        this.#released += length;
        this.#releasing = false;
        this.#release(); // what was read meanwhile
      });
    } catch {
      // Deno, where it may not be run
    }
  }
}
