/** Files without a name: nothing of them is left when they are closed, or the process ends. */
import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Bytes } from "../bytes.ts";
import { closeFd, openFd, writeFully } from "../fd.ts";

/** An open file. */
export interface Scratch {
  fd: number;
  /** Bytes. */
  size: number;
}

/** Writes bytes into a new file in `folder` that has no name any more. Rejects as the bytes or the file system do. */
export async function toScratch(folder: string, bytes: Bytes): Promise<Scratch> {
  const path = join(folder, `.scratch-${randomUUID()}`);
  const fd = await openFd(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o600);
  try {
    await rm(path, { force: true });
    let size = 0;
    for await (const piece of bytes) {
      await writeFully(fd, piece, size);
      size += piece.length;
    }
    return { fd, size };
  } catch (error) {
    await closeFd(fd);
    throw error;
  }
}
