/** What a process prints, read to its end, as blocks of whole lines. */
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { LineBlocks } from "./output.ts";

/**
 * How often, and how far apart in milliseconds, is looked whether what a dead process left in its pipes is read, when
 * others hold them open: 1 s in all. Looks and no one timer, as a busy service must get to read in between.
 */
const PIPE_LOOKS = 10;
const PIPE_LOOK_MS = 100;

/** Takes whole lines of one of the streams; false asks for a pause. */
export type TakeBlock = (stream: "stdout" | "stderr", block: Buffer) => boolean;

/** The output of one process; a stream is missing when there were too many open files to make it. */
export class OutputStreams {
  readonly #streams: Readable[];
  readonly #read: Promise<unknown>;
  #isPaused = false;

  constructor(stdout: Readable | null, stderr: Readable | null, take: TakeBlock) {
    this.#streams = [stdout, stderr].filter((stream) => !!stream);
    this.#read = Promise.all(this.#streams.map((stream) =>
      readBlocks(stream, (block) => {
        if (take(stream === stdout ? "stdout" : "stderr", block)) return;
        this.#isPaused = true;
        for (const each of this.#streams) each.pause();
      })
    ));
  }

  /** Goes on after a pause that was asked for. */
  resume(): void {
    this.#isPaused = false;
    for (const stream of this.#streams) stream.resume();
  }

  /** Reads what is left and lets go of it; a pause that was asked for does not count as time. */
  async readToEnd(): Promise<void> {
    const read = this.#read.then(() => true);
    for (let looks = 0; looks < PIPE_LOOKS; looks += this.#isPaused ? 0 : 1) {
      const over = new AbortController();
      const late = sleep(PIPE_LOOK_MS, false, { signal: over.signal }).catch(() => true);
      const isRead = await Promise.race([read, late]);
      over.abort();
      if (isRead) return;
    }
    for (const stream of this.#streams) stream.destroy();
    await this.#read;
  }
}

/** Passes on whole lines of a stream; resolves when it has ended, or was destroyed. */
function readBlocks(stream: Readable, pass: (block: Buffer) => void): Promise<void> {
  const lines = new LineBlocks();
  return new Promise((resolve) => {
    stream.on("data", (piece: Buffer) => {
      const block = lines.push(piece);
      if (block) pass(block);
    });
    stream.once("error", () => stream.destroy());
    stream.once("close", () => {
      const last = lines.end();
      if (last) pass(last);
      resolve();
    });
  });
}
