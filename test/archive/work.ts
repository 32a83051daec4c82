/** What the tests of packing share: a folder of their own, trees in it, and a reader of ZIPs that is not ours. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { pack } from "../../src/archive/pack/pack.ts";
import type { PackControl, Packed, PackRequest } from "../../src/archive/pack/pack.ts";
import { CACHED } from "../support/caches.ts";
import { asNobody } from "../support/nobody.ts";
import { PYTHON } from "../support/python.ts";
import { programCommand } from "../support/self.ts";

const run = promisify(execFile);
const MOST = 256 * 1024 * 1024;

/** A gather's folder with a tree in it; gone afterwards, whatever was put there. */
export async function inWork(body: (tree: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "archive-")));
  const tree = join(folder, "tree");
  try {
    await mkdir(tree);
    await body(tree, folder);
  } finally {
    await rm(folder, { recursive: true }).catch(async () => {
      await run("chmod", ["-R", "u+rwx", folder]);
      await run("rm", ["-rf", folder]); // also takes paths that node:fs cannot open
    });
  }
}

/** Writes files, their folders too: path below `tree` → content. */
export async function fill(tree: string, files: Record<string, string | Buffer>): Promise<void> {
  const folders = new Set(Object.keys(files).map((path) => dirname(join(tree, path))));
  for (const folder of folders) await mkdir(folder, { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    await writeFile(join(tree, path), content);
  }
}

const LONGEST_TEXT = 8 * 1024 * 1024;
/** Made as far as it was asked for. */
const allText = Buffer.alloc(LONGEST_TEXT);
let made = 0;
let lines = 0;

/** Bytes that deflate can do something with, and that differ everywhere; at most 8 MiB. Not to be written to. */
export function text(bytes: number): Buffer {
  assert.ok(bytes <= LONGEST_TEXT);
  for (; made < bytes; lines++) {
    const line = `line ${lines} of ${(lines * 40503) % 65521} says so\n`;
    // Byte by byte: no string is left behind, and with write() Deno takes three times as long.
    for (let i = 0; i < line.length; i++) allText[made++] = line.charCodeAt(i);
  }
  return allText.subarray(0, bytes);
}

/** Packs `tree` into `folder` with what a test does not say filled in. */
export function packed(
  tree: string,
  folder: string,
  request: Partial<PackRequest> = {},
  control: Partial<PackControl> = {},
): Promise<Packed | undefined> {
  const describe = () => ({ image: "quay.io/x/y" });
  return pack(
    {
      tree,
      folder,
      archiveFilename: "must-gather.tar.gz",
      describe,
      level: 1,
      threads: 2,
      ...request,
    },
    { signal: new AbortController().signal, ...control },
  );
}

/** {@link packed}, where an archive is expected. */
export async function archived(...args: Parameters<typeof packed>): Promise<Packed> {
  const result = await packed(...args);
  assert.ok(result);
  return result;
}

/** An entry as Python's zipfile reads it. */
export interface Entry {
  name: string;
  /** st_mode. */
  mode: number;
  /** As in the ZIP: 0 stored, 8 deflated. */
  method: number;
  /** Seconds of the extended timestamp. */
  mtime: number | null;
  data: Buffer;
}

const READER = `
import json, struct, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    out = sys.stdout.buffer
    for i in z.infolist():
        mtime, extra = None, i.extra
        while len(extra) >= 4:
            kind, size = struct.unpack("<HH", extra[:4])
            if kind == 0x5455: mtime = struct.unpack("<i", extra[5:9])[0]
            extra = extra[4 + size:]
        data = z.read(i)
        out.write(json.dumps({"name": i.filename, "mode": i.external_attr >> 16, "method": i.compress_type,
            "mtime": mtime, "size": len(data)}).encode() + b"\\n" + data)
`;

/** Runs a Python script on a file that prints items, each as a line of JSON with the `size` of the bytes behind it. */
export async function itemsOf<T extends { data: Buffer }>(
  script: string,
  file: string,
): Promise<T[]> {
  const { stdout } = await run(PYTHON, ["-c", script, file], {
    encoding: "buffer",
    maxBuffer: MOST,
  });
  const items: T[] = [];
  for (let at = 0; at < stdout.length;) {
    const end = stdout.indexOf("\n", at);
    const { size, ...item } = JSON.parse(stdout.toString("utf8", at, end)) as { size: number };
    at = end + 1 + size;
    items.push({ ...item, data: stdout.subarray(end + 1, at) } as unknown as T);
  }
  return items;
}

/** Tests a ZIP with unzip, and reads all of it with Python's zipfile, which checks its sums, in the order of its directory. */
export async function entriesOf(file: string): Promise<Entry[]> {
  const [items] = await Promise.all([
    itemsOf<Entry>(READER, file),
    run("unzip", ["-tqq", file], { maxBuffer: MOST }),
  ]);
  return items;
}

/** One of them, which must be there. */
export function entry(entries: Entry[], name: string): Entry {
  const found = entries.find((e) => e.name === name);
  assert.ok(found, `${name} is not in the archive: ${entries.map((e) => e.name).join(", ")}`);
  return found;
}

/** What `GATHER.json` says. */
export function gatherJson(entries: Entry[]): {
  whole: boolean;
  counts: Record<string, number>;
  incomplete: string[];
  skipped: { path: string; why: string }[];
  renamed: { name: string; was?: string; base64?: string }[];
} & Record<string, unknown> {
  return JSON.parse(entry(entries, "GATHER.json").data.toString());
}

/** Runs a Python script in `folder`: it can make what `node:fs` cannot, on either runtime. */
export async function python(folder: string, script: string): Promise<void> {
  await run(PYTHON, ["-c", script], { cwd: folder });
}

/** Whether the tests run as root: then the unprivileged cases run as `nobody`. */
export const isRoot = process.getuid?.() === 0;

const NOBODY = 65534;

/** What {@link act} is told to do, in a process of its own. */
export interface Act {
  action: "pack" | "remove";
  format?: "zip" | "tar.gz";
  /** What is packed is also copied there: out of the namespace that goes with the process. */
  copyTo?: string;
  tree: string;
  folder: string;
}

/** What came of it. */
export interface Acted {
  packed?: Packed;
  error?: { name: string; code?: string; message: string };
  /** What is in the folder afterwards, as that process sees it. */
  left: string[];
}

/** Does it as somebody without rights, or in a mount namespace of its own (`before` is a shell's word on what to mount). */
export async function act(task: Act, how: "unprivileged" | { before: string }): Promise<Acted> {
  const script = fileURLToPath(new URL("./act.ts", import.meta.url));
  const [program, args] = programCommand(script);
  const home = await mkdtemp(join(tmpdir(), "archive-home-"));
  await chmod(home, 0o777);
  const env = { PATH: process.env.PATH ?? "", HOME: home, TASK: JSON.stringify(task) };
  const [nobody = "", ...line] = asNobody(NOBODY, [program, ...args]);
  const child = how === "unprivileged" ? spawn(nobody, line, { env }) : spawn("unshare", [
    isRoot ? "-m" : "-rm",
    "sh",
    "-ec",
    `${how.before}; exec "$@"`,
    "sh",
    program,
    ...args,
  ], { env: { ...env, ...CACHED } });
  let out = "";
  let errors = "";
  child.stdout.on("data", (data: Buffer) => out += data);
  child.stderr.on("data", (data: Buffer) => errors += data);
  const code = await new Promise((resolve) => child.on("close", resolve));
  await rm(home, { recursive: true, force: true });
  assert.equal(code, 0, errors);
  return JSON.parse(out) as Acted;
}

/** Gives everything in `folder` to whom {@link act} runs as. */
export async function giveAway(folder: string): Promise<void> {
  if (isRoot) await run("chown", ["-hR", `${NOBODY}:${NOBODY}`, folder]);
}
