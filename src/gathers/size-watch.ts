/** How large a folder that is being filled is. */
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Between two looks at a small folder: milliseconds. */
const INTERVAL_MS = 1000;

/** A look may take one part in this many of the time. */
const SHARE = 20;

/**
 * The bytes of all regular files in a folder, holes in them aside; links are not followed, and what vanishes or cannot be read counts
 * nothing.
 */
export async function folderSize(path: string, signal?: AbortSignal): Promise<number> {
  let bytes = 0;
  const folders = [path];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    if (signal?.aborted) break;
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const inner = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(inner);
      else if (entry.isFile()) bytes += await fileSize(inner);
    }
  }
  return bytes;
}

/** What `stat` counts blocks in, whatever those of the file system are. */
const BLOCK_BYTES = 512;

async function fileSize(path: string): Promise<number> {
  const { size, blocks } = await lstat(path).catch(() => ({ size: 0, blocks: 0 }));
  return Math.min(size, blocks * BLOCK_BYTES);
}

/** Tells the size of a folder whenever it has changed, until `signal` aborts. */
export function watchSize(path: string, signal: AbortSignal, tell: (bytes: number) => void): void {
  const watch = async () => {
    let last = -1;
    while (!signal.aborted) {
      const started = performance.now();
      const bytes = await folderSize(path, signal);
      if (bytes !== last && !signal.aborted) tell(bytes);
      last = bytes;
      const pause = Math.max(INTERVAL_MS, (performance.now() - started) * (SHARE - 1));
      await sleep(pause, undefined, { ref: false, signal }).catch(() => {});
    }
  };
  void watch();
}
