import { Buffer } from "node:buffer";
import fs from "node:fs";
import path from "node:path";
import { bytesOf, type Entry } from "./content.ts";
import type { Recording } from "./recording.ts";
import { type Release, stampsOutput } from "./release.ts";

/** Bytes of the page that oc leaves for looking at events (recorded). */
const EVENT_FILTER_SIZE = 3336;

/** The folder that oc writes on the machine where it runs. */
export class Destination {
  readonly folder: string;
  readonly #stamped: boolean;
  readonly #early: string[] = [];
  readonly #begun = process.hrtime.bigint();
  #open = false;
  #finished = false;

  constructor(folder: string, release: Release) {
    this.folder = path.resolve(folder);
    this.#stamped = stampsOutput(release);
  }

  /** Makes the folder with `timestamp` in it. Throws what the file system throws. */
  open(): void {
    makeFolder(this.folder);
    this.#open = true;
    this.#timestamp("timestamp");
    this.log(this.#early.splice(0).join(""));
  }

  /** Keeps one line of oc's own for `must-gather.logs`, as oc does from 4.16. */
  log(text: string): void {
    if (!this.#stamped) return;
    if (this.#open) {
      fullDiskAside(() => fs.appendFileSync(path.join(this.folder, "must-gather.logs"), text));
    } else this.#early.push(text);
  }

  /** Makes the folder of one image, with the pod's lines in `gather.logs` from 4.16. Returns its path. */
  imageFolder(image: string, lines: string): string {
    const folder = path.join(this.folder, folderName(image));
    fs.mkdirSync(folder, { recursive: true });
    if (this.#stamped) {
      fs.writeFileSync(path.join(folder, "gather.logs"), lines);
      fs.chmodSync(path.join(folder, "gather.logs"), 0o755);
    }
    return folder;
  }

  /** Writes what oc writes last, once: the second line of `timestamp`, and `event-filter.html`. */
  finish(): void {
    if (!this.#open || this.#finished) return;
    this.#finished = true;
    fullDiskAside(() => {
      this.#timestamp("timestamp");
      eventFilter(path.join(this.folder, "event-filter.html"));
    });
  }

  /** Writes what the fallback `oc adm inspect` left in this recording, into a folder of this name. */
  inspect(recording: Recording, name: string): void {
    const own = recording.tree.filter((entry) => entry.path.startsWith("inspect.local."));
    for (const { mode, size, path: recorded } of own) {
      const file = path.join(this.folder, recorded.replace(/^inspect\.local\.\d+/, name));
      if (mode.startsWith("d")) fs.mkdirSync(file, { recursive: true });
      else if (file.endsWith("event-filter.html")) eventFilter(file);
      else fs.writeFileSync(file, `kind: ClusterOperator\n# ${"-".repeat(size)}`.slice(0, size));
      if (mode.startsWith("-rwx")) fs.chmodSync(file, 0o755);
    }
  }

  #timestamp(name: string): void {
    const nanoseconds = String(process.hrtime.bigint() % 1_000_000n).padStart(6, "0");
    const now = new Date().toISOString().replace("T", " ").replace("Z", nanoseconds);
    const since = Number(process.hrtime.bigint() - this.#begun) / 1e9;
    fs.appendFileSync(path.join(this.folder, name), `${now} +0000 UTC m=+${since.toFixed(9)}\n`);
  }
}

/** Does what oc does beside its work: a full disk, or a folder that is gone, does not end it there. */
function fullDiskAside(write: () => void): void {
  try {
    write();
  } catch { /* the copy itself tells of it */ }
}

/** Makes a folder and those above it, one by one: `recursive` never returns below /proc (Node 20 and 24). */
function makeFolder(folder: string): void {
  if (fs.existsSync(folder)) return;
  makeFolder(path.dirname(folder));
  fs.mkdirSync(folder);
}

/** Writes one gathered file, or link, into a folder; the folders between are made as needed. */
export function writeEntry(folder: string, entry: Entry): void {
  const file = path.join(folder, entry.path);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  if (entry.link !== undefined) return fs.symlinkSync(entry.link, file);
  const fd = fs.openSync(file, "w", 0o644);
  try {
    for (const chunk of bytesOf(entry)) fs.writeSync(fd, chunk);
    fs.fchmodSync(fd, 0o644);
  } finally {
    fs.closeSync(fd);
  }
}

function eventFilter(file: string): void {
  const page =
    "<!DOCTYPE html>\n<html>\n<head><title>events</title></head>\n<body>\n</body>\n</html>\n";
  fs.writeFileSync(file, page.padEnd(EVENT_FILTER_SIZE, "\n"));
}

/** Digests of the images that were recorded: they stand in the names of their folders. */
const DIGESTS: Record<string, string> = {
  forklift: "705733550e7183cf4a471d537068820ba26ba2590685e7b6cbcf3cca34fca333",
  plain: "b2f05a7da9b4e30076f093646a611f96e1fb6596a5081366d34c1ca03762fcd7",
  slow: "c01712cc0ae2cf2e96f37a50c36e4ff46a64df5080c892f8eea6088769e9356e",
  fail: "ba4196eff7af7f77e3633e761116e3b0bb67740bab742f0695dab687a4ca0d38",
  big: "c346241db7697a4f2316a385948ca052dfc03e749ef19354959b636c2fabcc55",
  fsetsid: "7eb192306c8580277fe97f6c1f165a58166bcc9d545b177994ec1fd7b393d345",
};

/** The name of an image's folder: as recorded, or with a digest made up from the image's name. */
function folderName(image: string): string {
  const repository = image.replace(/(@.*|:[^/:]*)$/, "");
  const known = /^localhost\/(\w+)-must-gather$/.exec(repository)?.[1] ?? "";
  const digest = DIGESTS[known] ?? Buffer.from(image).toString("hex").slice(-64).padStart(64, "0");
  return `${repository.replace(/[^A-Za-z0-9]/g, "-")}-sha256-${digest}`;
}
