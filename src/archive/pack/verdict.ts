/** What reading an archive back finds. */
import type { Bytes } from "../bytes.ts";

/** See the record's `verdict`: counts of the archive's own entries; archives in it count as one file. */
export interface Verdict {
  entries: number;
  files: number;
  /** Of all files, unpacked. */
  bytes: number;
  "empty-files": number;
  /** Files with nothing but what oc or kubectl says when it cannot have something; the first 20 by name. */
  "error-files": { count: number; paths: string[] };
  /** Folders that every must-gather image makes and one here did not. */
  missing: string[];
}

/** A file of more bytes is more than an error: messages of the API server that we saw have some 200. */
const LONGEST_ERROR = 4096;

/** Paths that are named, their length in characters (a tar's may have thousands), and image folders that are looked after. */
const NAMED = 20;
const LONGEST_NAMED = 1000;
const MOST_FOLDERS = 100;

/** What the API server's clients begin a line of failure with. */
const ERROR = /^(?:Error from server|error: |Error: |Unable to connect to the server)/;

/** What an image that gathers as openshift/must-gather does leaves at least, and the file by which it says that it is one. */
const EXPECTED = ["cluster-scoped-resources", "namespaces"];
const MARK = "version";

/** An entry, as far as it matters here. */
export interface Seen {
  path: string;
  type: "file" | "folder" | "link" | "archive";
  /** Bytes of a file. */
  size: number;
}

/** Sees all of an archive go by, and judges it. */
export class Judge {
  readonly #verdict: Verdict = {
    "entries": 0,
    "files": 0,
    "bytes": 0,
    "empty-files": 0,
    "error-files": { count: 0, paths: [] },
    "missing": [],
  };
  /** By folder of an image: what of the above is in it. */
  readonly #folders = new Map<string, Set<string>>();

  /** Whether it is worth it to give the content of a file of so many bytes. */
  static wants(size: number): boolean {
    return size > 0 && size <= LONGEST_ERROR;
  }

  /** `content` is the whole file where {@linkcode Judge.wants} says so. */
  see({ path, type, size }: Seen, content: Buffer | undefined): void {
    const verdict = this.#verdict;
    verdict.entries++;
    this.#noteFolder(path);
    if (type === "folder" || type === "link") return;
    verdict.files++;
    verdict.bytes += size;
    if (size === 0) verdict["empty-files"]++;
    if (!content || !isError(content)) return;
    const errors = verdict["error-files"];
    errors.count++;
    if (errors.paths.length < NAMED && path.length <= LONGEST_NAMED) errors.paths.push(path);
  }

  /** As {@linkcode see}, of a content that comes in pieces. */
  async look(seen: Seen, content: Bytes): Promise<void> {
    if (seen.type !== "file" || !Judge.wants(seen.size)) return this.see(seen, undefined);
    const pieces: Buffer[] = [];
    for await (const piece of content) pieces.push(piece);
    this.see(seen, Buffer.concat(pieces));
  }

  /** @param isTree of images' folders, as oc brings them; an archive that an image made itself may hold what it likes */
  verdict(isTree: boolean): Verdict {
    const missing: string[] = [];
    for (const [folder, has] of isTree ? this.#folders : []) {
      for (const name of EXPECTED) if (!has.has(name)) missing.push(`${folder}/${name}`);
    }
    this.#verdict["error-files"].paths.sort();
    return { ...this.#verdict, missing: missing.sort() };
  }

  #noteFolder(path: string): void {
    const [folder = "", name = ""] = path.split("/", 2);
    if (name !== MARK && !EXPECTED.includes(name)) return;
    if (folder.startsWith("inspect.local.")) return; // oc's own fallback
    const has = this.#folders.get(folder);
    if (has) has.add(name);
    else if (this.#folders.size < MOST_FOLDERS) this.#folders.set(folder, new Set([name]));
  }
}

function isError(content: Buffer): boolean {
  const lines = content.toString("utf8").split("\n").map((line) => line.trim());
  const full = lines.filter((line) => line !== "");
  return full.length > 0 && full.every((line) => ERROR.test(line));
}
