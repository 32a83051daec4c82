import { opendir } from "node:fs/promises";
import { componentName } from "../names.ts";
import { fsPath, rawPath, rawText } from "../paths.ts";
import type { RawPath } from "../paths.ts";

/** Names read and sorted at a time: 1,024 are sorted in well under a millisecond. */
const RUN = 1024;

/** Between the key that sorts and the name on disk, where they differ. No file name holds a NUL. */
const SEPARATOR = "\0";

/** One name of a folder: as it is on disk, and as the archive calls it there. */
export interface Listed {
  raw: RawPath;
  component: string;
}

/**
 * Lists a folder in the byte order of the archive's names, in which a folder counts with its `/` (then a walk comes out
 * sorted as a whole). `below` is its path below the tree, `""` or ending in `/`. Stops after `most` names. Reads in runs
 * that are sorted one by one and merged as they are asked for, so that 70,000 names in one folder never hold the event
 * loop up. Rejects as opendir(3) and readdir(3) do.
 */
export async function listFolder(
  path: RawPath,
  below: RawPath,
  most: number,
): Promise<Iterator<Listed, undefined>> {
  const runs: string[][] = [];
  let run: string[] = [];
  let count = 0;
  // Deno takes no encoding here and gives text; a name that is no UTF-8 then comes out wrong and cannot be opened.
  const folder = await opendir(fsPath(path), { encoding: "buffer" as "utf8", bufferSize: RUN });
  for await (const found of folder) {
    if (count++ === most) break;
    const raw = rawPath(found.name);
    const component = componentName(Buffer.from(raw, "latin1"), below + raw);
    const key = rawPath(component) + (found.isDirectory() ? "/" : "");
    run.push(key === raw ? key : key + SEPARATOR + raw);
    if (run.length === RUN) {
      runs.push(run.sort());
      run = [];
    }
  }
  runs.push(run.sort());
  return merge(runs);
}

function* merge(runs: string[][]): Generator<Listed, undefined> {
  const heads = runs.filter((run) => run.length > 0).map((run) => ({ run, at: 0 }));
  while (heads.length > 0) {
    let first = 0;
    for (let i = 1; i < heads.length; i++) {
      if (head(heads, i) < head(heads, first)) first = i;
    }
    const found = head(heads, first);
    const chosen = heads[first];
    if (chosen && ++chosen.at === chosen.run.length) heads.splice(first, 1);
    yield read(found);
  }
  return undefined;
}

function head(heads: { run: string[]; at: number }[], i: number): string {
  const { run, at } = heads[i] ?? { run: [], at: 0 };
  return run[at] ?? "";
}

function read(found: string): Listed {
  const cut = found.indexOf(SEPARATOR);
  if (cut < 0) return { raw: found, component: rawText(found) };
  const key = rawText(found.slice(0, cut));
  return { raw: found.slice(cut + 1), component: key.endsWith("/") ? key.slice(0, -1) : key };
}
