/** The list of an archive on disk, beside it: one line of JSON for the archive and one for each thing in it. */
import { constants } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { bytesOfFile, PIECE } from "../bytes.ts";
import { codeOf } from "../../errors.ts";
import { closeFd, openFd, writeFully } from "../fd.ts";
import { ItemList } from "./item-list.ts";
import type { Item } from "./items.ts";
import { linesOf } from "./lines.ts";

const NAME = "contents.jsonl";

/** Another number whenever the form is another, or a list holds other things: then it is made again. */
const VERSION = 2;

interface Head {
  version: number;
  digest: string;
  items: number;
}

const never = new AbortController().signal;

/** Reads the list that is kept in a folder; undefined when there is none, or not that of the archive with this digest. */
export async function readList(folder: string, digest: string): Promise<ItemList | undefined> {
  const path = join(folder, NAME);
  try {
    const { size } = await stat(path);
    const items = new ItemList();
    let head: Head | undefined;
    for await (const line of linesOf(bytesOfFile(path, 0, size, never))) {
      const value: unknown = JSON.parse(line.toString("utf8"));
      if (head) items.add(value as Item);
      else {
        head = value as Head;
        if (head.version !== VERSION || head.digest !== digest) return undefined;
      }
    }
    return head?.items === items.length ? items : undefined;
  } catch {
    return undefined; // there is none, or it was cut: it is made again
  }
}

/** Keeps a list in a folder. Where there is no room for it, or no folder any more, it is not kept. */
export async function writeList(
  folder: string,
  digest: string,
  items: ItemList,
): Promise<void> {
  const path = join(folder, NAME);
  const temporary = `${path}.part`;
  const flags = constants.O_CREAT | constants.O_TRUNC | constants.O_WRONLY | constants.O_NOFOLLOW;
  try {
    const fd = await openFd(temporary, flags, 0o600);
    try {
      const head: Head = { version: VERSION, digest, items: items.length };
      let text = `${JSON.stringify(head)}\n`;
      let position = 0;
      const flush = async () => {
        const piece = Buffer.from(text);
        text = "";
        await writeFully(fd, piece, position);
        position += piece.length;
      };
      for (const item of items) {
        text += `${JSON.stringify(item)}\n`;
        if (text.length > PIECE) await flush();
      }
      await flush();
    } finally {
      await closeFd(fd);
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    if (!["ENOSPC", "EDQUOT", "ENOENT"].includes(codeOf(error))) throw error;
  }
}
