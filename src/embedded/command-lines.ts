import { readdir } from "node:fs/promises";
import { type Context, FILE_LIMIT } from "./collector.ts";
import { readPart } from "./file.ts";
import { maskArguments } from "./mask.ts";

/** The most processes that are listed. */
const PROCESS_LIMIT = 20_000;

/** The most of one command line that is read and shown, in bytes. */
const LINE_LIMIT = 8 * 1024;

/**
 * The command lines of all processes with their secrets masked, one a line behind the process id.
 *
 * Read from `/proc`, where the arguments are still apart: of what `ps` prints nobody can tell where a secret with a blank
 * in it ends. Kernel threads have none and are left out. Rejects where there is no `/proc`.
 */
export async function commandLines(context: Context): Promise<string> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const lines: string[] = [];
  let length = 0;
  for (const id of ids.sort((a, b) => a - b).slice(0, PROCESS_LIMIT)) {
    if (context.signal.aborted || length > FILE_LIMIT) break;
    try {
      const { text } = await readPart(`/proc/${id}/cmdline`, LINE_LIMIT, "head");
      if (text === "") continue;
      const args = text.replace(/\0$/, "").split("\0");
      const line = `${String(id).padStart(7)} ${maskArguments(args)}\n`;
      lines.push(line);
      length += line.length;
    } catch { /* it ended in between, or is hidden from this user */ }
  }
  return lines.join("");
}
