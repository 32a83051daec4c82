import type { WholeEntry } from "../zip/local-headers.ts";
import type { Inside } from "./take-up.ts";
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

/** As much of an entry as tells what it is. */
export type Kind = Pick<TreeEntry, "kind" | "name" | "size">;

function isOcsOwn(entry: Kind | Left): boolean {
  return entry.kind === "file" && isShallow(entry.name) && OCS_OWN.has(baseName(entry.name));
}

/** Whether this is something that somebody wanted gathered: a regular file, not empty, not oc's own. */
export function isData(entry: Kind | Left): boolean {
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
  /** Bytes of all regular files that are not in the archive yet. */
  bytes: number;
  /** At most what a ZIP's directory of all entries takes: bytes. */
  directory: number;
  /** The archive that the image made, where it stands alone. */
  image: TreeEntry | undefined;
}

/**
 * Walks `tree` once and counts. `archiveFilename` is what an image calls an archive of its own; it stands alone when there
 * is nothing beside it but oc's own four files and folders: no link, no empty file, no second archive.
 *
 * What is `inside` of an archive already counts with the tree, and gets from it what its header does not say; then there is no
 * archive that stands alone. Rejects with the signal's reason when it is aborted, and as {@link Tree.walk} does.
 */
export async function survey(
  tree: Tree,
  archiveFilename: string,
  signal: AbortSignal,
  inside?: Inside,
): Promise<Survey> {
  const own: TreeEntry[] = [];
  let data = 0;
  let fallback = 0;
  let bytes = 0;
  let directory = 0;
  let others = 0;
  const count = (entry: Kind | Left) => {
    directory += RECORD + Buffer.byteLength(entry.name);
    if (!isData(entry)) return;
    data++;
    if (entry.name.startsWith("inspect.local.") && entry.name.includes("/")) fallback++;
  };
  for await (const entry of tree.walk()) {
    signal.throwIfAborted();
    const packed = inside?.entries.get(entry.name);
    if (packed) {
      if (packed.head.mode === 0 && entry.kind !== "left") packed.head.mode = entry.mode;
      continue;
    }
    count(entry);
    if (entry.kind === "file") bytes += entry.size;
    if (entry.kind === "file" && isArchive(entry, archiveFilename)) own.push(entry);
    else if (entry.kind !== "folder" && !isOcsOwn(entry)) others++;
  }
  for (const entry of inside?.entries.values() ?? []) {
    if (entry.head.mode === 0) {
      entry.head.mode = entry.head.name.at(-1) === 0x2f ? 0o40755 : 0o100644;
    }
    count(kindOf(entry));
  }
  const image = own.length === 1 && others === 0 && !inside ? own[0] : undefined;
  return { data, onlyFallback: data > 0 && data === fallback, bytes, directory, image };
}

function isArchive(entry: TreeEntry, archiveFilename: string): boolean {
  return isShallow(entry.name) && entry.size > 0 &&
    baseName(entry.name) === archiveFilename;
}

/** What an entry of a ZIP is. One whose file is gone was a file: nothing else is removed. */
export function kindOf({ head, sums }: WholeEntry): Kind {
  const name = head.name.toString("utf8");
  if (name.endsWith("/")) return { kind: "folder", name, size: 0 };
  return { kind: (head.mode >>> 12) === 0o12 ? "link" : "file", name, size: sums.size };
}
