import { closeSync, openSync, writeSync } from "node:fs";
import type { Writable } from "node:stream";

/** The most of a gather's own output that `gather.logs` holds, in bytes. */
const GATHER_LOG_LIMIT = 64 * 1024 * 1024;

/** The time as oc writes it in front of a line. */
function now(): string {
  return new Date().toISOString();
}

/**
 * What the gatherer prints, in the form of oc 4.22, and the two logs of it: `must-gather.logs` has what the gatherer says,
 * `gather.logs` what the gather itself ("the pod") prints. A log that cannot be written is no reason to stop.
 */
export class Output {
  readonly #stdout: Writable;
  readonly #stderr: Writable;
  readonly #pod: string;
  #log: number | undefined;
  #early = "";
  #gatherLog: number | undefined;
  #gatherLogRoom = GATHER_LOG_LIMIT;
  #broken = false;

  /** @param onBroken is called once when nobody reads our stdout any more */
  constructor(stdout: Writable, stderr: Writable, pod: string, onBroken: () => void) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#pod = pod;
    stdout.on("error", () => {
      if (this.#broken) return;
      this.#broken = true;
      onBroken();
    });
    stderr.on("error", () => {}); // there is nobody to tell
  }

  /** Whether nobody reads our stdout any more. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Starts `must-gather.logs` with what was said so far. Throws when it cannot be made. */
  openLog(path: string): void {
    this.#log = openSync(path, "w", 0o644);
    this.#append(this.#early);
  }

  /** Starts `gather.logs`. Throws when it cannot be made. */
  openGatherLog(path: string): void {
    this.#gatherLog = openSync(path, "w", 0o644);
  }

  /** A line of the gatherer about the whole. */
  out(text: string): void {
    this.raw(`[must-gather      ] OUT ${now()} ${text}`);
  }

  /** A line of the gatherer about the gather. */
  podOut(text: string): void {
    this.raw(`[${this.#pod}] OUT ${now()} ${text}`);
  }

  /** A line that the gather itself printed. */
  pod(text: string): void {
    const time = now();
    this.#print(`[${this.#pod}] POD ${time} ${text}\n`);
    const line = `${time} ${text}\n`;
    const bytes = Buffer.byteLength(line);
    if (this.#gatherLog === undefined || this.#gatherLogRoom <= 0) return;
    this.#gatherLogRoom -= bytes;
    const last = this.#gatherLogRoom > 0 ? "" : `${time} (this log ends here: it is bounded)\n`;
    write(this.#gatherLog, line + last);
  }

  /** A line without a prefix. */
  raw(text: string): void {
    this.#print(`${text}\n`);
    this.#append(`${text}\n`);
  }

  /** A line on stderr. */
  error(text: string): void {
    this.#stderr.write(`${text}\n`);
  }

  /** Resolves when there is room for more in our stdout, or nobody reads it any more. */
  async drained(): Promise<void> {
    if (this.#broken || !this.#stdout.writableNeedDrain) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        for (const event of ["drain", "error", "close"]) this.#stdout.off(event, done);
        resolve();
      };
      for (const event of ["drain", "error", "close"]) this.#stdout.once(event, done);
    });
  }

  /** Ends `gather.logs`, so that it can be moved. */
  closeGatherLog(): void {
    if (this.#gatherLog !== undefined) closeSync(this.#gatherLog);
    this.#gatherLog = undefined;
  }

  /** Ends both logs. */
  close(): void {
    this.closeGatherLog();
    if (this.#log !== undefined) closeSync(this.#log);
    this.#log = undefined;
  }

  #print(text: string): void {
    if (!this.#broken) this.#stdout.write(text);
  }

  #append(text: string): void {
    if (this.#log === undefined) this.#early += text;
    else write(this.#log, text);
  }
}

function write(log: number, text: string): void {
  try {
    writeSync(log, text);
  } catch { /* no room: stdout has it */ }
}
