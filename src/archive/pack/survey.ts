import type { Left, Tree, TreeEntry } from "./tree.ts";

/** What oc itself leaves in the destination, whatever was gathered. */
const OCS_OWN = new Set(["timestamp", "event-filter.html", "must-gather.logs", "gather.logs"]);

/** In the destination or in the folder of an image; deeper ones are the image's. */
function isShallow(name: string): boolean {
  return name.split("/", 3).length <= 2;
}

function baseName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

function isOcsOwn(entry: TreeEntry | Left): boolean {
  return entry.kind === "file" && isShallow(entry.name) && OCS_OWN.has(baseName(entry.name));
}

/** Whether this is something that somebody wanted gathered: a regular file, not empty, not oc's own. */
export function isData(entry: TreeEntry | Left): boolean {
  return entry.kind === "file" && entry.size > 0 && !isOcsOwn(entry);
}

/** What a record of a ZIP's directory takes besides the name, at most: its fixed part and the extra fields we write. Bytes. */
const RECORD = 46 + 28 + 9;

/** What a tree holds, before anything is done with it. */
export interface Survey {
  /** Files that {@link isData}. */
  data: number;
  /** All of that lies in what oc's fallback `oc adm inspect` makes. */
  onlyFallback: boolean;
  /** Bytes of all regular files. */
  bytes: number;
  /** At most what a ZIP's directory of all entries takes: bytes. */
  directory: number;
  /** The archive that the image made, where it stands alone. */
  image: TreeEntry | undefined;
}

/**
 * Walks `tree` once and counts. `archiveFilename` is what an image calls an archive of its own; it stands alone when there
 * is nothing beside it but oc's own four files and folders: no link, no empty file, no second archive. Rejects with the
 * signal's reason when it is aborted, and as {@link Tree.walk} does.
 */
export async function survey(
  tree: Tree,
  archiveFilename: string,
  signal: AbortSignal,
): Promise<Survey> {
  const own: TreeEntry[] = [];
  let data = 0;
  let fallback = 0;
  let bytes = 0;
  let directory = 0;
  let others = 0;
  for await (const entry of tree.walk()) {
    signal.throwIfAborted();
    directory += RECORD + Buffer.byteLength(entry.name);
    if (entry.kind === "file") bytes += entry.size;
    if (isData(entry)) {
      data++;
      if (entry.name.startsWith("inspect.local.") && entry.name.includes("/")) fallback++;
    }
    if (entry.kind === "file" && isArchive(entry, archiveFilename)) own.push(entry);
    else if (entry.kind !== "folder" && !isOcsOwn(entry)) others++;
  }
  const image = own.length === 1 && others === 0 ? own[0] : undefined;
  return { data, onlyFallback: data > 0 && data === fallback, bytes, directory, image };
}

function isArchive(entry: TreeEntry, archiveFilename: string): boolean {
  return isShallow(entry.name) && entry.size > 0 &&
    baseName(entry.name) === archiveFilename;
}
