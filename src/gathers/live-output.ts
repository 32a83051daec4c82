/** What a running oc prints: to disk, the newest of it in memory, counted. */
import { ExecLog } from "../oc/exec-log.ts";
import { asExecOutput, countLines, newestLines, Tail } from "../oc/output.ts";
import { EXEC_OUTPUT_BYTES } from "../schema/record.ts";

/** Where oc's last words are looked for: bytes of its standard error. */
const LAST_WORDS_BYTES = 4096;

/** Longest last words in a message, in characters. */
const LAST_WORDS_LENGTH = 500;

/** The output of one gather that runs. */
export class LiveOutput {
  lines = 0;
  readonly #log: ExecLog;
  readonly #tail = new Tail(EXEC_OUTPUT_BYTES - 1); // the first line's newline comes on top
  readonly #redactor: { text: (text: string) => string } | undefined;
  readonly #errors = new Tail(LAST_WORDS_BYTES);

  /**
   * @param events as {@linkcode ExecLog} has them
   * @param redactor takes the secrets out of the last words
   */
  constructor(
    folder: string,
    events: { drain: () => void; error: (error: unknown) => void },
    redactor?: { text: (text: string) => string },
  ) {
    this.#redactor = redactor;
    this.#log = new ExecLog(folder, events);
  }

  /** Keeps what stood on standard error, where what is shown is not what oc wrote. */
  noteError(block: Buffer): void {
    this.#errors.push(block);
  }

  /** Takes whole lines; false asks for a pause until `drain`. */
  write(stream: "stdout" | "stderr", block: Buffer): boolean {
    this.lines += countLines(block);
    this.#tail.push(block);
    if (stream === "stderr") this.#errors.push(block);
    return this.#log.write(block);
  }

  /** The newest lines in the form of `exec-output`, at most `limit` bytes. */
  execOutput(limit: number): string {
    return asExecOutput(newestLines(this.#tail.bytes(), limit - 1), limit);
  }

  /** The reason oc gave last on its standard error; else the last line there; `""` when it said nothing. */
  lastWords(): string {
    const lines = this.#errors.bytes().toString("utf8").split("\n")
      .map((line) => line.replace(/\p{Cc}+/gu, " ").trim())
      .filter((line) => line !== "");
    const reason = lines.findLast((line) => /^(?:error:|Error from server)/.test(line));
    const words = reason ?? lines.at(-1) ?? "";
    return (this.#redactor?.text(words) ?? words).slice(0, LAST_WORDS_LENGTH);
  }

  /** Resolves when all of it is on disk. */
  async close(): Promise<void> {
    await this.#log.close();
  }
}
