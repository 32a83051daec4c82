import { randomFillSync } from "node:crypto";
import { constants } from "node:fs";
import { isNoRoom } from "../errors.ts";
import { closeFd, openFd, removeFile, writeFully } from "../fd.ts";

const CREATE = constants.O_CREAT | constants.O_TRUNC | constants.O_WRONLY;

/** Written at a time, bytes. */
const PIECE = 1 << 20;

/**
 * Takes `bytes` of room on the disk in a file of this name, so that they are there when {@link giveRoom} gives them back; where
 * there are not so many, none are taken. Rejects as open(2) and write(2) do otherwise.
 */
export async function takeRoom(file: string, bytes: number): Promise<void> {
  const fd = await openFd(file, CREATE, 0o600);
  try {
    const noise = randomFillSync(Buffer.allocUnsafeSlow(Math.min(PIECE, bytes))); // zeros take no room where the file system compresses
    for (let done = 0; done < bytes; done += PIECE) {
      await writeFully(fd, noise.subarray(0, Math.min(PIECE, bytes - done)), done);
    }
  } catch (error) {
    await giveRoom(file);
    if (!isNoRoom(error)) throw error;
  } finally {
    await closeFd(fd);
  }
}

/** Gives it back; nothing there is success. */
export async function giveRoom(file: string): Promise<void> {
  await removeFile(file);
}
