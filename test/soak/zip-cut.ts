/** A ZIP for which files are removed as they go in, cut by SIGKILL at random places of it, and completed. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, randomFillSync } from "node:crypto";
import { once } from "node:events";
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  stat,
  symlink,
  utimes,
} from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { archived, entriesOf, entry, fill, gatherJson, inWork, text } from "../archive/work.ts";
import { CACHED } from "../support/caches.ts";
import { Random } from "../support/random.ts";
import { programCommand } from "../support/self.ts";
import type { Row } from "./table.ts";

const PACKER = fileURLToPath(new URL("./zip-cut-packer.ts", import.meta.url));

/** Longer than any packing takes here: a process that hangs fails the test, milliseconds. */
const PATIENCE_MS = 60_000;

/** What an archive must say of a file or a link. */
interface Original {
  digest: string;
  mode: number;
  seconds: number;
}

/**
 * Packs trees in processes of their own that are told there is little room, kills each when its ZIP has reached a length drawn from
 * `seed`, some of them a second time, and completes the ZIPs here. Rejects, naming the round, where something of a tree is not in
 * its archive as it was.
 */
export async function zipCut(
  { rounds, seed }: { rounds: number; seed: number },
): Promise<Row[]> {
  const random = new Random(seed);
  const tally = { kills: 0, before: 0, after: 0, whole: 0, removed: 0 };
  let expected = 4_000_000;
  for (let round = 0; round < rounds; round++) {
    const name = `seed ${seed}, round ${round}`;
    await inWork(async (tree, folder) => {
      await makeTree(tree, random);
      const originals = await originalsOf(tree);
      const kills = random.chance(0.3) ? 2 : 1;
      const free = Math.floor(random.between(0, 3e6));
      for (let kill = 0; kill < kills; kill++) {
        const done = await packUntil(tree, folder, random.between(0, expected * 1.1), free);
        tally.kills++;
        if (done) tally.whole++;
      }
      const gone = originals.size - (await originalsOf(tree)).size;
      tally.removed += gone;
      if (gone === 0) tally.before++;
      else tally.after++;
      const packed = await archived(tree, folder, { level: 1, free: () => Promise.resolve(free) });
      expected = packed.size;
      assert.equal(packed.whole, true, name);
      await check(packed.file, originals, name);
    });
  }
  return [
    [
      "ZIPs cut by SIGKILL at a random length and completed",
      `${rounds}, with ${tally.kills} kills`,
    ],
    ["… before any file was removed, after some were", `${tally.before}, ${tally.after}`],
    ["… files that were in the ZIP alone", String(tally.removed)],
    ["… packed to the end before the kill came", String(tally.whole)],
    ["… files that were lost or changed", "0"],
  ];
}

const MODES = [0o600, 0o644, 0o640, 0o755, 0o400];

async function makeTree(tree: string, random: Random): Promise<void> {
  const files: Record<string, Buffer> = {};
  const noise = randomFillSync(Buffer.alloc(2_000_000));
  for (let i = 0; i < 40; i++) {
    const size = Math.floor(random.next() ** 3 * 300_000);
    const content = random.chance(0.5) ? text(size) : noise.subarray(0, size);
    files[`image/namespaces/n${i % 3}/some\\x2d${i}.yaml`] = content;
  }
  files["image/logs/large.log"] = text(3_000_000);
  files["image/logs/noise.bin"] = noise.subarray(0, Math.floor(random.between(600_000, 1_600_000)));
  files["image/logs/others.zip"] = others();
  files["image/.name.aBcDeF"] = text(1000);
  files["image/empty"] = Buffer.alloc(0);
  files["GATHER.json"] = Buffer.from("the image's own");
  await fill(tree, files);
  await mkdir(join(tree, "image/folder"));
  await symlink("../large.log", join(tree, "image/logs/link"));
  for (const path of Object.keys(files)) {
    const seconds = Math.floor(random.between(1.6e9, 1.7e9));
    await utimes(join(tree, path), seconds, seconds);
    await chmod(join(tree, path), random.pick(MODES) ?? 0o600);
  }
}

/** Another's ZIP, longer than what is compressed in one piece: were its headers taken for ours, its entry would be in the archive. */
function others(): Buffer {
  const header = Buffer.alloc(30 + 8);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(20, 4);
  header.writeUInt16LE(8, 26);
  header.write("INJECTED", 30);
  return Buffer.concat(Array.from({ length: 40_000 }, () => header));
}

async function originalsOf(tree: string): Promise<Map<string, Original>> {
  const found = new Map<string, Original>();
  for (const each of await readdir(tree, { recursive: true, withFileTypes: true })) {
    if (each.isDirectory()) continue;
    const path = join(each.parentPath, each.name);
    const content = each.isSymbolicLink() ? await readlink(path) : await readFile(path);
    const { mode, mtimeMs } = await lstat(path);
    const name = path.slice(tree.length + 1).replaceAll("\\", "%5C").replace(/^GATHER/, "%47ATHER");
    found.set(name, { digest: sha(content), mode, seconds: Math.floor(mtimeMs / 1000) });
  }
  return found;
}

function sha(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Packs in a process of its own and kills it when the ZIP has this length; true where it was done before. */
async function packUntil(
  tree: string,
  folder: string,
  length: number,
  free: number,
): Promise<boolean> {
  const [program, args] = programCommand(PACKER);
  const child = spawn(program, [...args, tree, folder, String(free)], {
    env: { PATH: process.env.PATH ?? "", HOME: folder, ...CACHED },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (data: Buffer) => errors += data);
  let running = true;
  const closed = once(child, "close").finally(() => running = false);
  const deadline = performance.now() + PATIENCE_MS;
  const part = join(folder, "archive.zip.part");
  const lengthNow = () => stat(part).then(({ size }) => size, () => 0);
  while (running && await lengthNow() < length) {
    if (performance.now() > deadline) length = 0;
    await sleep(1);
  }
  if (running && child.pid !== undefined) process.kill(child.pid, "SIGKILL");
  await closed;
  assert.equal(errors, "");
  assert.ok(performance.now() < deadline, `packing hangs at ${await lengthNow()} bytes`);
  return child.signalCode !== "SIGKILL";
}

async function check(
  file: string,
  originals: ReadonlyMap<string, Original>,
  round: string,
): Promise<void> {
  const entries = await entriesOf(file);
  const names = entries.map(({ name }) => name).filter((name) => !name.endsWith("/"));
  assert.deepEqual(names.toSorted(), [...originals.keys(), "GATHER.json"].toSorted(), round);
  for (const [name, { digest, mode, seconds }] of originals) {
    const { data, mode: kept, mtime } = entry(entries, name);
    assert.deepEqual([name, sha(data), kept, mtime], [name, digest, mode, seconds], round);
  }
  const { incomplete, whole } = gatherJson(entries);
  assert.deepEqual([incomplete, whole], [["image/.name.aBcDeF"], true], round);
}
