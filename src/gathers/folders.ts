/** The folder of one gather under WORK_PATH, named by its id: never by anything a client sent. */
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../errors.ts";

/** Where things of one gather are. */
export interface GatherFolder {
  /** `<WORK_PATH>/<id>`, with the output of oc and the archive. */
  path: string;
  /** What oc collects; its destination and its working folder, as from there its fallback goes into the archive too. */
  tree: string;
  /** oc's HOME. */
  home: string;
  /** oc's TMPDIR. */
  tmp: string;
  /** What oc prints. */
  spool: string;
}

/** Where things of a gather are, whether they exist or not. */
export function gatherFolder(workPath: string, id: number): GatherFolder {
  const path = join(workPath, String(id));
  const inner = (name: string) => join(path, name);
  return {
    path,
    tree: inner("tree"),
    home: inner("home"),
    tmp: inner("tmp"),
    spool: inner("spool"),
  };
}

/** Makes the folders of a gather that is about to start; those that exist stay as they are. */
export async function makeFolder(folder: GatherFolder): Promise<void> {
  await mkdir(folder.tree, { recursive: true, mode: 0o700 });
  const others = [folder.home, folder.tmp, folder.spool];
  await Promise.all(others.map((path) => mkdir(path, { recursive: true, mode: 0o700 })));
}

/** The ids of all folders under WORK_PATH that look like a gather's, ascending; none when there is no WORK_PATH yet. */
export async function folderIds(workPath: string): Promise<number[]> {
  const names = await readdir(workPath).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return [] as string[];
    throw error;
  });
  return names.filter((name) => /^[1-9]\d{0,14}$/.test(name)).map(Number).sort((a, b) => a - b);
}
