/** What a process prints, read to its end, as blocks of whole lines. */
import { LineBlocks } from "./output.ts";
import { type Spool, SpoolReader } from "./spool.ts";

/** Takes whole lines of one of the streams; false asks for a pause. */
export type TakeBlock = (stream: "stdout" | "stderr", block: Buffer) => boolean;

/** The output of one process. */
export class OutputStreams {
  readonly #readers: SpoolReader[] = [];
  readonly #read: Promise<unknown>;

  /** Throws the system's error where there is no such output, or too many files are open. */
  constructor(spool: Spool, take: TakeBlock) {
    try {
      for (const stream of ["stdout", "stderr"] as const) {
        this.#readers.push(new SpoolReader(spool[stream]));
      }
    } catch (error) {
      this.destroy();
      throw error;
    }
    const [stdout] = this.#readers;
    this.#read = Promise.all(this.#readers.map((reader) =>
      readBlocks(reader, (block) => {
        if (take(reader === stdout ? "stdout" : "stderr", block)) return;
        for (const each of this.#readers) each.pause();
      })
    ));
  }

  /** Goes on after a pause that was asked for. */
  resume(): void {
    for (const reader of this.#readers) reader.resume();
  }

  /** Reads what is left, once nobody prints any more, and lets go of it. */
  async readToEnd(): Promise<void> {
    for (const reader of this.#readers) reader.finish();
    await this.#read;
  }

  /** Lets go of it at once. */
  destroy(): void {
    for (const reader of this.#readers) reader.destroy();
  }
}

/** Passes on whole lines of a reader; resolves when it has ended, or was destroyed. */
function readBlocks(reader: SpoolReader, pass: (block: Buffer) => void): Promise<void> {
  const lines = new LineBlocks();
  return new Promise((resolve) => {
    reader.on("data", (piece: Buffer) => {
      const block = lines.push(piece);
      if (block) pass(block);
    });
    reader.once("error", () => {}); // it closes: what was read is what there is
    reader.once("close", () => {
      const last = lines.end();
      if (last) pass(last);
      resolve();
    });
  });
}
