/** One file of the journal, for lowdb: written whole under another name, then renamed; a newer state is never overwritten. */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Adapter } from "lowdb";

/** A JSON file. One `write()` at a time; `writeNow()` whenever. */
export class JournalFile<T> implements Adapter<T> {
  readonly #path: string;
  #writes = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** As {@linkcode readNow}, for lowdb. */
  async read(): Promise<T> {
    return this.readNow();
  }

  /**
   * Gives what is in the file. Throws the system's error, and a SyntaxError where it is no JSON. Holds everything else up
   * meanwhile: one by one through libuv's pool, the files of a long journal take twice the CPU.
   */
  readNow(): T {
    return JSON.parse(readFileSync(this.#path, "utf8")) as T;
  }

  /** Writes the state that `data` has now. Rejects with the system's error. */
  async write(data: T): Promise<void> {
    const mine = ++this.#writes;
    const temporary = this.#temporary("");
    await writeFile(temporary, JSON.stringify(data));
    // In one turn: what `writeNow` has written meanwhile stays.
    if (mine === this.#writes) renameSync(temporary, this.#path);
    else rmSync(temporary, { force: true });
  }

  /** Writes before it returns. Throws the system's error. */
  writeNow(data: T): void {
    const temporary = this.#temporary(".now");
    try {
      writeFileSync(temporary, JSON.stringify(data));
      renameSync(temporary, this.#path);
      this.#writes++;
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  }

  /** Boot removes these. */
  #temporary(what: string): string {
    return join(dirname(this.#path), `.${basename(this.#path, ".json")}${what}.json.tmp`);
  }
}
