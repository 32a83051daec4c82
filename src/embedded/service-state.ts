import { lstat, opendir } from "node:fs/promises";
import { get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { type Context, reasonOf } from "./collector.ts";
import { readPart } from "./file.ts";
import { maskSecrets } from "./mask.ts";

/** The most entries that one listing names, and how deep it goes. */
const ENTRY_LIMIT = 5000;
const DEPTH_LIMIT = 4;

/** Journal records are small; what is larger than this, in bytes, or older than the newest so many, is not copied. */
const RECORD_LIMIT = 64 * 1024;
const RECORDS = 200;

/** How long the service's own routes are waited for, in milliseconds. */
const ANSWER_TIMEOUT = 2000;

type Entry = Readonly<{ path: string; kind: string; bytes: number; modified: Date }>;

/** The folder that a variable of the environment names. Throws when it names none. */
function folderOf(context: Context, variable: string): string {
  const folder = context.env[variable];
  if (!folder) throw new Error(`${variable} is not set`);
  return folder;
}

/** Walks a folder, names in order; links are told as links and never followed. */
async function walk(
  root: string,
  signal: AbortSignal,
): Promise<{ entries: Entry[]; more: boolean }> {
  const entries: Entry[] = [];
  let more = false;
  const visit = async (folder: string, depth: number): Promise<void> => {
    const names: string[] = [];
    for await (const entry of await opendir(join(root, folder))) {
      if (names.length >= ENTRY_LIMIT) {
        more = true;
        break;
      }
      names.push(entry.name);
    }
    for (const name of names.sort()) {
      if (signal.aborted || entries.length >= ENTRY_LIMIT) {
        more = true;
        return;
      }
      const path = join(folder, name);
      try {
        const stat = await lstat(join(root, path));
        const kind = stat.isDirectory()
          ? "folder"
          : stat.isFile()
          ? "file"
          : stat.isSymbolicLink()
          ? "link"
          : "other";
        entries.push({ path, kind, bytes: stat.size, modified: stat.mtime });
        if (kind !== "folder") continue;
        if (depth < DEPTH_LIMIT) await visit(path, depth + 1);
        else more = true;
      } catch (error) {
        entries.push({
          path: `${path} (${reasonOf(error)})`,
          kind: "unreadable",
          bytes: 0,
          modified: new Date(0),
        });
      }
    }
  };
  try {
    await visit("", 1);
  } catch (error) {
    throw new Error(`${root}: ${reasonOf(error)}`);
  }
  return { entries, more };
}

/** A listing of the folder that `variable` names: time, kind, size and path of each entry, four folders deep. */
export async function listing(context: Context, variable: string): Promise<string> {
  const root = folderOf(context, variable);
  const { entries, more } = await walk(root, context.signal);
  const lines = entries.map(({ modified, kind, bytes, path }) =>
    `${modified.toISOString()} ${kind.padEnd(10)} ${String(bytes).padStart(14)} ${
      JSON.stringify(path)
    }\n`
  );
  const end = more ? "(there is more: the listing is bounded)\n" : "";
  return `# ${root}\n${lines.join("")}${end}`;
}

/** Copies the newest small records of the service's journal to `service/journal/`, and tells which it left out. */
export async function journalRecords(context: Context): Promise<string> {
  const root = folderOf(context, "JOURNAL_PATH");
  const { entries } = await walk(root, context.signal);
  const records = entries.filter(({ kind, path }) => kind === "file" && path.endsWith(".json"))
    .sort((a, b) => b.modified.getTime() - a.modified.getTime());
  const told: string[] = [];
  let copied = 0;
  for (const { path, bytes } of records) {
    const name = JSON.stringify(path);
    if (copied >= RECORDS || context.signal.aborted) break;
    if (!/^[\w.@+-]+(?:\/[\w.@+-]+)*$/.test(path)) told.push(`${name}: left out: an odd name\n`);
    else if (bytes > RECORD_LIMIT) told.push(`${name}: left out: ${bytes} bytes\n`);
    else {
      try {
        const { text } = await readPart(join(root, path), RECORD_LIMIT, "head", false);
        await context.write(`service/journal/${path}`, maskSecrets(text));
        copied += 1;
        told.push(`${name}: copied\n`);
      } catch (error) {
        told.push(`${name}: left out: ${reasonOf(error)}\n`);
      }
    }
  }
  return `# ${copied} of ${records.length} records copied, the newest first\n${told.join("")}`;
}

/** The most of an answer that is read, in bytes. */
const ANSWER_LIMIT = 1024 * 1024;

/** What the service that PORT names answers on this machine at `path`. Rejects when it does not. */
export async function answer(context: Context, path: string): Promise<string> {
  const port = context.env.PORT;
  if (!port) throw new Error("PORT is not set");
  const host = /^:?\d+$/.test(port) ? `127.0.0.1:${port.replace(":", "")}` : port;
  try {
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(ANSWER_TIMEOUT)]);
    // Not fetch(): on Deno that asks the proxy of the environment.
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(`http://${host}${path}`, { signal, agent: false }, resolve).once("error", reject);
    });
    const pieces: Buffer[] = [];
    let bytes = 0;
    for await (const piece of response as AsyncIterable<Buffer>) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes > ANSWER_LIMIT) break;
    }
    const type = response.headers["content-type"] ?? "";
    return `HTTP ${response.statusCode} ${type}\n\n${Buffer.concat(pieces).toString("utf8")}\n`;
  } catch (error) {
    throw new Error(`no answer from ${host}: ${reasonOf(error)}`);
  }
}
