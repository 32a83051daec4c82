/**
 * Pipes for gathers to come. To start another process costs a service of 80 MB as much as all else of a short gather, and only the
 * program `mkfifo` makes pipes: so it makes them for several gathers at a time.
 */
import { lstatSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../errors.ts";
import { makeFifos, makePipes, MKFIFO, pipesIn } from "./pipes.ts";

/** For so many gathers pipes are made at once: 32 pipes in 16 folders, which take no room but their names. */
export const STOCKED = 16;

/** Folders with pipes in them, each for one gather. */
export class PipeStock {
  readonly #folder: string;
  readonly #mkfifo: string;
  #stocked: string[] = [];
  #filling: Promise<void> | undefined;
  #isClosed = false;

  /** @param folder where they wait: nobody else's, and on the file system of the gathers. It is made when it is needed */
  constructor(folder: string, mkfifo = MKFIFO) {
    this.#folder = folder;
    this.#mkfifo = mkfifo;
  }

  /**
   * Puts pipes into a folder, anew where there were some. Where the system makes none (no `mkfifo`, a file system without) there are
   * none: oc runs without. Rejects when there is no room for the folder.
   */
  async take(folder: string): Promise<void> {
    if (this.#stocked.length === 0) await (this.#filling ??= this.#fill());
    const stocked = this.#stocked.pop();
    if (stocked !== undefined && await isMoved(stocked, folder)) return;
    this.#stocked = []; // whoever took or broke one has not left the others alone
    await makePipes(folder, this.#mkfifo);
  }

  /** Removes what an earlier life of the service left, or this one leaves; from then on no more are kept. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#filling;
    await this.#empty();
  }

  /** Never rejects: then there are none. */
  async #fill(): Promise<void> {
    try {
      await this.#empty();
      if (this.#isClosed) return;
      const folders = Array.from({ length: STOCKED }, (_, n) => join(this.#folder, String(n)));
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      for (const folder of folders) await mkdir(folder, { mode: 0o700 });
      const pipes = folders.map(pipesIn).flatMap(({ stdout, stderr }) => [stdout, stderr]);
      if (await makeFifos(pipes, this.#mkfifo)) {
        this.#stocked = folders;
      } else {
        await this.#empty();
      }
    } catch {
      await this.#empty();
    } finally {
      this.#filling = undefined;
    }
  }

  async #empty(): Promise<void> {
    this.#stocked = [];
    await rm(this.#folder, { recursive: true, force: true }).catch(() => {}); // made anew, or told by the next
  }
}

/** Gives a folder of the stock its name; false where that cannot be, or something else than two pipes is in it. */
async function isMoved(stocked: string, folder: string): Promise<boolean> {
  try {
    await rename(stocked, folder).catch(async (error) => {
      if (codeOf(error) !== "ENOTEMPTY" && codeOf(error) !== "EEXIST") throw error;
      await rm(folder, { recursive: true, force: true });
      await rename(stocked, folder);
    });
    const { stdout, stderr } = pipesIn(folder);
    return lstatSync(stdout).isFIFO() && lstatSync(stderr).isFIFO();
  } catch {
    return false;
  }
}
