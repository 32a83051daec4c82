import { constants } from "node:fs";
import { type FileHandle, lstat, open } from "node:fs/promises";
import { FILE_LIMIT, LOG_LIMIT, reasonOf, type Source, type Taken } from "./collector.ts";

const PIECE = 64 * 1024;

/** A source that reads a file from its beginning, at most {@linkcode FILE_LIMIT} bytes. */
export function file(path: string): Source {
  return { how: `read ${path}`, take: () => readPart(path, FILE_LIMIT, "head") };
}

/** A source that reads the newest {@linkcode LOG_LIMIT} bytes of a log file. */
export function logFile(path: string): Source {
  return { how: `read the end of ${path}`, take: () => readPart(path, LOG_LIMIT, "tail") };
}

/**
 * Reads the first or the last `limit` bytes of a regular file. Rejects with the system's reason, also for what is no
 * regular file: a pipe or a device could block for ever.
 *
 * @param follow whether a symbolic link as the last part of the path is followed
 */
export async function readPart(
  path: string,
  limit: number,
  part: "head" | "tail",
  follow = true,
): Promise<Taken> {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (follow ? 0 : constants.O_NOFOLLOW);
  let handle: FileHandle | undefined;
  try {
    if (!follow && !(await lstat(path)).isFile()) throw new Error("not a regular file");
    handle = await open(path, flags); // Deno ignores O_NOFOLLOW, so it is asked for besides
    const stat = await handle.stat();
    if (!stat.isFile()) throw new Error("not a regular file");
    const from = part === "tail" ? Math.max(0, stat.size - limit) : 0;
    const pieces: Buffer[] = [];
    let bytes = 0;
    // To the end of what is read, not to stat's size: files of /proc say 0. One byte more tells whether there is more.
    while (bytes <= limit) {
      const piece = Buffer.alloc(Math.min(PIECE, limit + 1 - bytes));
      const { bytesRead } = await handle.read(piece, 0, piece.length, from + bytes);
      if (bytesRead === 0) break;
      pieces.push(piece.subarray(0, bytesRead));
      bytes += bytesRead;
    }
    const all = Buffer.concat(pieces).subarray(0, limit);
    if (from > 0) {
      const whole = all.subarray(all.indexOf(0x0a) + 1);
      return {
        text: whole.toString("utf8"),
        note: `cut: the newest ${limit} of ${stat.size} bytes`,
      };
    }
    const text = all.toString("utf8");
    return bytes > limit ? { text, note: `cut: the first ${limit} bytes` } : { text };
  } catch (error) {
    throw new Error(reasonOf(error));
  } finally {
    await handle?.close();
  }
}
