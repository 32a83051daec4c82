import { stat } from "node:fs/promises";
import { type Entries, readEntries } from "./entries.ts";
import type { Outcome } from "./job.ts";
import { humanNumber, humanSize, printable } from "./text.ts";

/** How many entries of an archive are shown. */
const MOST_ENTRIES = 10;

/** What is printed of a gather that has ended: its archive, or with `json` its last record and the archive's path. */
export async function reportOf({ record, archive }: Outcome, json: boolean): Promise<string> {
  if (json) return `${JSON.stringify({ ...record, "local-file": archive ?? null }, null, 2)}\n`;
  if (archive === undefined) return "";
  const { size } = await stat(archive);
  const lines = [
    archive,
    `  size     ${humanSize(size)} (${humanNumber(size)} bytes)${
      record.partial ? ", partial" : ""
    }`,
    `  SHA-256  ${hexDigest(record["archive-digest"])}`,
  ];
  try {
    lines.push(...entryLines(await readEntries(archive, MOST_ENTRIES)));
  } catch (error) {
    lines.push(`  entries  cannot be listed: ${printable((error as Error).message)}`);
  }
  return `${lines.join("\n")}\n`;
}

function entryLines({ first, total }: Entries): string[] {
  const many = total === first.length
    ? `${total}`
    : `${total ?? "many"}, the first ${first.length}`;
  return [`  entries  ${many}:`, ...first.map((entry) => `    ${entry}`)];
}

/** As `sha256sum` prints it. */
function hexDigest(digest: string): string {
  return Buffer.from(digest.slice("sha-256=:".length, -1), "base64").toString("hex");
}
