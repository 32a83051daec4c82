/** What is in an archive. */
import type { ZipPlace } from "../zip/entry.ts";
import { Turns } from "../turns.ts";
import { ItemList } from "./item-list.ts";

/** One thing in an archive. */
export interface Item {
  /** Where it is, with `/` between folders; what is in an archive in the archive stands behind `!/`. */
  path: string;
  type: "file" | "folder" | "link" | "archive";
  /** Bytes; 0 for folders and links. */
  size: number;
  /** Bytes in the archive, where it is packed by itself. */
  packed: number | null;
  /** Milliseconds since 1970. */
  modified: number | null;
  /** Where it, or the archive that it is in, is in a ZIP. */
  place: ZipPlace | null;
  /** Where its content begins in the tar, unpacked, and ends; then where in the tar that this is, … */
  way: readonly number[];
}

/**
 * What is directly in a folder or in an archive, sorted by path; `""` is the archive itself. Folders that no entry names are
 * there too. What is deeper is jumped over.
 */
export async function childrenOf(items: ItemList, folder: string): Promise<ItemList> {
  const isArchive = items.find(folder)?.type === "archive";
  const prefix = folder === "" ? "" : `${folder}${isArchive ? "!/" : "/"}`;
  const children = new ItemList();
  const turns = new Turns();
  for (let i = items.placeOf(prefix); i < items.length;) {
    if (turns.isOver) await turns.next();
    const item = items.at(i);
    if (!item.path.startsWith(prefix)) break;
    const slash = item.path.indexOf("/", prefix.length);
    if (slash === -1) {
      if (item.path !== prefix) children.add(item);
      i++;
      continue;
    }
    const path = item.path.slice(0, slash);
    const isInside = path.endsWith("!") && items.find(path.slice(0, -1))?.type === "archive";
    if (!isInside && !items.find(path)) children.add(folderOf(path, item));
    i = items.placeOf(`${path}0`); // the character behind "/"
  }
  await children.sort();
  return children;
}

function folderOf(path: string, { modified }: Item): Item {
  return { path, type: "folder", size: 0, packed: null, modified, place: null, way: [] };
}
