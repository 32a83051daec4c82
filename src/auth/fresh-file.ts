import { readFileSync, statSync } from "node:fs";

export interface FreshFileOptions {
  /** A monotonic clock in milliseconds. @default performance.now */
  readonly now?: () => number;
  /** How often, at most, the file is looked at. @default 1000 */
  readonly everyMs?: number;
  /** Whether a text is all of it: a file may be read while it is written. @default not empty */
  readonly isWhole?: (text: string) => boolean;
}

/**
 * A small file that others replace while the service runs: a cluster's CA, a rotated token.
 *
 * It is looked at (modification time, size, inode) at most once a second, when somebody asks, and read when it
 * changed. A change that cannot be read, or is only half written, leaves what was read before in use. There is no watch:
 * mounted secrets are replaced by renaming a link, which watches miss.
 */
export class FreshFile {
  readonly path: string;
  readonly #now: () => number;
  readonly #everyMs: number;
  readonly #isWhole: (text: string) => boolean;
  #text: string | undefined;
  /** Of the file whose text is in `#text`; a file that was not taken over is looked at again. */
  #mark = "";
  #lookedAt = -Infinity;

  constructor(path: string, options: FreshFileOptions = {}) {
    this.path = path;
    this.#now = options.now ?? (() => performance.now());
    this.#everyMs = options.everyMs ?? 1000;
    this.#isWhole = options.isWhole ?? ((text) => text.trim() !== "");
  }

  /** The newest whole text of the file. Throws only while no whole text was ever read. */
  read(): string {
    if (this.#text === undefined || this.#now() - this.#lookedAt >= this.#everyMs) this.#look();
    if (this.#text === undefined) throw new Error(`${this.path} is empty or half written`);
    return this.#text;
  }

  #look(): void {
    this.#lookedAt = this.#now();
    try {
      const { mtimeMs, size, ino } = statSync(this.path);
      const mark = `${mtimeMs} ${size} ${ino}`;
      if (mark === this.#mark) return;
      const text = readFileSync(this.path, "utf8");
      if (!this.#isWhole(text)) return;
      this.#text = text;
      this.#mark = mark;
    } catch (error) {
      if (this.#text === undefined) throw error;
    }
  }
}

/** Whether `text` holds a certificate and none that is cut off. */
export function isWholePem(text: string): boolean {
  const begun = text.match(/-----BEGIN /g)?.length ?? 0;
  return begun > 0 && text.match(/-----END [A-Z0-9 ]+-----/g)?.length === begun;
}
