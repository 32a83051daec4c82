/** A ZIP for which files are removed as they go in, cut by SIGKILL at random places of it, and completed. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createHash, randomFillSync } from "node:crypto";
import { once } from "node:events";
import { type Dirent, statSync } from "node:fs";
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  symlink,
  utimes,
} from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { archived, fill, inWork, text } from "../archive/work.ts";
import { CACHED } from "../support/caches.ts";
import { PYTHON } from "../support/python.ts";
import { Random } from "../support/random.ts";
import { programCommand } from "../support/self.ts";
import type { Row } from "./table.ts";

const run = promisify(execFile);
const PACKER = fileURLToPath(new URL("./zip-cut-packer.ts", import.meta.url));

/** Longer than any packing takes here: a process that hangs fails the test, milliseconds. */
const PATIENCE_MS = 60_000;

/** What an archive must say of a file or a link. */
interface Original {
  digest: string;
  mode: number;
  seconds: number;
}

/** A tree's, completed. */
interface Archive {
  round: string;
  file: string;
  originals: ReadonlyMap<string, Original>;
}

/** So many archives are read by one program, which takes longer to start than to read one. Of 3 MB each. */
const READ_AT_ONCE = 20;

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
  let expected = 2_500_000;
  const cut = async (round: string, file: string): Promise<Archive> => {
    let originals = new Map<string, Original>();
    await inWork(async (tree, folder) => {
      await makeTree(tree, random);
      originals = await originalsOf(tree);
      const kills = random.chance(0.3) ? 2 : 1;
      const free = Math.floor(random.between(0, 2e6));
      for (let kill = 0; kill < kills; kill++) {
        const done = await packUntil(tree, folder, random.between(0, expected * 1.1), free);
        tally.kills++;
        if (done) tally.whole++;
      }
      const gone = originals.size - (await filesIn(tree)).length;
      tally.removed += gone;
      if (gone === 0) tally.before++;
      else tally.after++;
      const packed = await archived(tree, folder, { level: 1, free: () => Promise.resolve(free) });
      expected = packed.size;
      assert.equal(packed.whole, true, round);
      await rename(packed.file, file);
    });
    return { round, file, originals };
  };
  for (let round = 0; round < rounds;) {
    await inWork(async (_tree, folder) => {
      const archives: Archive[] = [];
      for (; round < rounds && archives.length < READ_AT_ONCE; round++) {
        archives.push(await cut(`seed ${seed}, round ${round}`, join(folder, `${round}.zip`)));
      }
      await check(archives, folder);
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

const HEADER = Buffer.alloc(30 + 8);
HEADER.writeUInt32LE(0x04034b50, 0);
HEADER.writeUInt16LE(20, 4);
HEADER.writeUInt16LE(8, 26);
HEADER.write("INJECTED", 30);

/** Another's ZIP, longer than what is compressed in one piece: were its headers taken for ours, its entry would be in the archive. */
const OTHERS = Buffer.alloc(20_000 * HEADER.length, HEADER);

const NOISE = randomFillSync(Buffer.alloc(1_100_000));

async function makeTree(tree: string, random: Random): Promise<void> {
  const files: Record<string, Buffer> = {};
  for (let i = 0; i < 40; i++) {
    const size = Math.floor(random.next() ** 3 * 200_000);
    const content = random.chance(0.5) ? text(size) : NOISE.subarray(0, size);
    files[`image/namespaces/n${i % 3}/some\\x2d${i}.yaml`] = content;
  }
  files["image/logs/large.log"] = text(1_600_000);
  files["image/logs/noise.bin"] = NOISE.subarray(0, Math.floor(random.between(600_000, 1_100_000)));
  files["image/logs/others.zip"] = OTHERS;
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

/** Files and links. */
async function filesIn(tree: string): Promise<Dirent[]> {
  const all = await readdir(tree, { recursive: true, withFileTypes: true });
  return all.filter((each) => !each.isDirectory());
}

async function originalsOf(tree: string): Promise<Map<string, Original>> {
  const found = new Map<string, Original>();
  for (const each of await filesIn(tree)) {
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
  const lengthNow = () => statSync(part, { throwIfNoEntry: false })?.size ?? 0;
  while (running && lengthNow() < length) {
    if (performance.now() > deadline) length = 0;
    await sleep(1);
  }
  if (running && child.pid !== undefined) process.kill(child.pid, "SIGKILL");
  await closed;
  assert.equal(errors, "");
  assert.ok(performance.now() < deadline, `packing hangs at ${lengthNow()} bytes`);
  return child.signalCode !== "SIGKILL";
}

/** Prints of each entry of the ZIPs that are its arguments what must be as it was, a line of JSON for each ZIP. */
const READER = `
import hashlib, json, struct, sys, zipfile
for path in sys.argv[1:]:
    found = {}
    with zipfile.ZipFile(path) as z:
        told = json.loads(z.read("GATHER.json"))
        names = [name for name in z.namelist() if not name.endswith("/")]
        for i in z.infolist():
            if i.filename not in names or i.filename == "GATHER.json": continue
            seconds, extra = None, i.extra
            while len(extra) >= 4:
                kind, size = struct.unpack("<HH", extra[:4])
                if kind == 0x5455: seconds = struct.unpack("<i", extra[5:9])[0]
                extra = extra[4 + size:]
            digest = hashlib.sha256(z.read(i)).hexdigest()
            found[i.filename] = {"digest": digest, "mode": i.external_attr >> 16, "seconds": seconds}
    print(json.dumps({"names": names, "found": found, "told": told}))
`;

/** Has unzip test the archives, which are all that `folder` holds of ZIPs, and Python read them. */
async function check(archives: readonly Archive[], folder: string): Promise<void> {
  const [{ stdout }] = await Promise.all([
    run(PYTHON, ["-c", READER, ...archives.map(({ file }) => file)]),
    run("unzip", ["-tqq", join(folder, "*.zip")]),
  ]);
  const read = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  for (const [i, { originals, round }] of archives.entries()) {
    const { names, found, told } = read[i];
    assert.deepEqual(names.toSorted(), [...originals.keys(), "GATHER.json"].toSorted(), round);
    assert.deepEqual(found, Object.fromEntries(originals), round);
    assert.deepEqual([told.incomplete, told.whole], [["image/.name.aBcDeF"], true], round);
  }
}
