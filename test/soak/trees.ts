/** Gathers what no image should make, and looks whether the archive is one that others read, with nothing from outside in it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import StreamZip from "node-stream-zip";
import type { GatherRecord } from "../../src/schema/record.ts";
import { createFakeOc, type FakeOc } from "../support/fake-oc.ts";
import { PYTHON } from "../support/python.ts";
import { makePlace, type Place, type Service, startService } from "../support/service.ts";
import { until } from "../support/until.ts";
import { checkDownload } from "./archives.ts";
import { COLLECTING, COPYING, makeStandIn } from "./stand-in.ts";
import { type Row, seconds, size } from "./table.ts";
import { cpuMs, forgetPeak, peakBytes } from "./use.ts";

const run = promisify(execFile);
const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** What stands in the file outside that must not be in any archive. */
const SECRET = `secret-${randomUUID()}`;

/** Archives that an image makes itself and that lie, as `liars.py` knows them. */
const LIARS = ["text", "noise", "cut", "bitten", "traps", "bomb", "tail", "link"] as const;

/** Reads a ZIP whole and prints its names; fails on a bad entry, a name that leads out, and on the secret. */
const READ_ZIP = `
import sys, zipfile
path, secret = sys.argv[1:]
with zipfile.ZipFile(path) as archive:
    for info in archive.infolist():
        assert not info.filename.startswith("/") and "\\\\" not in info.filename, info.filename
        assert ".." not in info.filename.split("/"), info.filename
        with archive.open(info) as file:
            before = b""
            while piece := file.read(1 << 20):
                assert secret.encode() not in before + piece, info.filename
                before = piece[-100:]
    print("\\n".join(archive.namelist()))
`;

/** How much there is of it. */
export interface TreeSizes {
  files: number;
  sparseBytes: number;
}

/** In the tree that changes: of its logs, and of the noise at its end, as large in the archive as it is. Bytes. */
const LOG_BYTES = 5_000_000;
const NOISE_BYTES = 10_000_000;

/** While the last file of the tree that changes is packed nothing changes any more: bytes of the archive. */
const STILL_BYTES = 7_000_000;

/** A service, and what may not get into its archives. */
export interface TreeStage {
  place: Place;
  oc: FakeOc;
  service: Service;
  outside: string;
}

/** Starts a service whose oc brings such trees. */
export async function openTrees(sizes: TreeSizes): Promise<TreeStage> {
  const place = await makePlace();
  const outside = join(place.folder, "outside");
  const secret = join(outside, "secret.txt");
  await mkdir(outside);
  await writeFile(secret, SECRET.repeat(100));
  const oc = await createFakeOc({ folder: place.folder, speed: 60 });
  const begin = `${COLLECTING}\n${COPYING}\n`;
  const images = {
    hostile: `${begin}python3 '${script("hostile_tree.py")}' "$dest" '${secret}' ` +
      `${sizes.files} ${sizes.sparseBytes}`,
    changing: `${begin}mkdir -p "$dest/folder" "$dest/vanishing"\n` +
      `seq -f "a line of a log, %.0f" 1000000 | head -c ${LOG_BYTES} >"$dest/a-large.log"\n` +
      `for n in $(seq 200); do echo $n >"$dest/vanishing/$n"; echo $n >"$dest/folder/$n"; done\n` +
      `cp "$dest/a-large.log" "$dest/shrinks.log"; cp "$dest/a-large.log" "$dest/grows.log"\n` +
      `echo file >"$dest/swapped"; head -c ${NOISE_BYTES} /dev/urandom >"$dest/z-noise"`,
    ...Object.fromEntries(LIARS.map((kind) => [
      kind,
      `${begin}python3 '${script("liars.py")}' ${kind} "$dest/must-gather.tar.gz" '${secret}'`,
    ])),
  };
  const OC = await makeStandIn(place.folder, oc.path, images);
  return { place, oc, outside, service: await startService(place, { OC, MAX_CONCURRENT: "4" }) };
}

export async function closeTrees({ service, oc, place }: TreeStage): Promise<void> {
  await service.stop();
  await oc.close();
  await run("chmod", ["-R", "u+rwx", place.folder]).catch(() => {}); // where a tree was left behind
  await place.remove();
}

async function gather(
  stage: TreeStage,
  image: string,
  meanwhile?: (folder: string, over: () => boolean) => Promise<void>,
): Promise<GatherRecord> {
  const { service, place } = stage;
  const { id } = await service.start({ image: `localhost/${image}` });
  let isOver = false;
  const folder = join(place.folder, "work", String(id));
  const change = meanwhile?.(join(folder, "tree"), () => isOver);
  try {
    for (;;) {
      const record = await service.get(id);
      if (record.status === "completed" || record.status === "error") {
        await until(
          "its tree is gone",
          async () => isOver = !(await readdir(folder)).includes("tree"),
        );
        return record;
      }
      await sleep(100);
    }
  } finally {
    isOver = true;
    await change;
  }
}

/** Has the archive read by everyone; resolves to the names in it. */
async function readByAll(stage: TreeStage, record: GatherRecord): Promise<string[]> {
  assert.equal(record.status, "completed", record.message);
  await checkDownload(stage.service, record);
  const file = join(stage.place.folder, "work", String(record.id), "archive.zip");
  const most = { maxBuffer: 64 * 2 ** 20, env: { ...process.env, LC_ALL: "C.UTF-8" } };
  await run("unzip", ["-tqq", file], most);
  await run("7z", ["t", file], most);
  await run("bsdtar", ["-tf", file], most);
  const { stdout } = await run(PYTHON, ["-c", READ_ZIP, file, SECRET], most);
  const names = stdout.trimEnd().split("\n");
  const zip = new StreamZip.async({ file });
  try {
    assert.equal(await zip.entriesCount, names.length);
  } finally {
    await zip.close();
  }
  return names;
}

/** Everything at once, in one tree. */
export async function hostileTree(stage: TreeStage, sizes: TreeSizes): Promise<void> {
  const record = await gather(stage, "hostile");
  const names = await readByAll(stage, record);
  const inImage = names.filter((name) => name.includes("-sha256-"));
  assert.ok(inImage.filter((name) => /\/many\/\d+$/.test(name)).length === sizes.files, "files");
  for (
    const end of [
      "/link-to-secret",
      "/sparse",
      "/mode-000",
      "/closed/inside",
      "/names/back%5Cslash",
    ]
  ) {
    assert.ok(names.some((name) => name.endsWith(end)), `${end} is not in the archive`);
  }
  assert.equal(names.filter((name) => name.endsWith("/bottom.txt")).length, 2, "the deep folders");
  const { skipped } = await readGatherJson(stage, record);
  for (const why of ["fifo", "socket", "longer than the system opens"]) {
    assert.ok(
      skipped.some((left) => left.why.includes(why)),
      `GATHER.json does not tell of ${why}`,
    );
  }
  assert.ok(!names.some((name) => /\/(?:fifo|socket|zero|disk)$/.test(name)), "what is no file");
}

async function readGatherJson(
  { place }: TreeStage,
  { id }: GatherRecord,
): Promise<{ skipped: { path: string; why: string }[]; incomplete: string[] }> {
  const zip = new StreamZip.async({ file: join(place.folder, "work", String(id), "archive.zip") });
  try {
    return JSON.parse((await zip.entryData("GATHER.json")).toString());
  } finally {
    await zip.close();
  }
}

/** Files that grow, shrink and vanish, and folders that become links out, while they are packed. */
export async function changingTree(stage: TreeStage): Promise<void> {
  const record = await gather(stage, "changing", (tree, over) => change(stage, tree, over));
  const names = await readByAll(stage, record);
  assert.ok(names.some((name) => name.endsWith("/a-large.log")));
  const { skipped, incomplete } = await readGatherJson(stage, record);
  assert.ok(skipped.length + incomplete.length > 0, "no change was met");
}

async function change({ outside }: TreeStage, tree: string, isOver: () => boolean): Promise<void> {
  for (let n = 0; !isOver(); n++) {
    // What is not there yet, or no more, changes nothing.
    const image = (await readdir(tree).catch(() => [])).find((name) => name.includes("-sha256-"));
    const written = await stat(join(tree, "..", "archive.zip.part")).catch(() => undefined);
    if (written && written.size > STILL_BYTES) return;
    await sleep(5);
    if (image === undefined) continue;
    const at = (name: string) => join(tree, image, name);
    await rename(at("folder"), at("folder.away")).catch(() => {});
    await symlink(outside, at("folder")).catch(() => {});
    await rename(at("swapped"), at("swapped.away")).catch(() => {});
    await symlink(join(outside, "secret.txt"), at("swapped")).catch(() => {});
    await truncate(at("grows.log"), LOG_BYTES + n * 10_000).catch(() => {});
    await truncate(at("shrinks.log"), Math.max(0, LOG_BYTES - n * 100_000)).catch(() => {});
    await rm(at(`vanishing/${n % 200 + 1}`), { force: true }).catch(() => {});
    await sleep(2);
    await rm(at("folder"), { force: true }).catch(() => {});
    await rename(at("folder.away"), at("folder")).catch(() => {});
    await rm(at("swapped"), { force: true }).catch(() => {});
    await rename(at("swapped.away"), at("swapped")).catch(() => {});
  }
}

/** Archives that lie: offered as they are or not at all, and nothing of what lies outside is. */
export async function lyingArchives(stage: TreeStage): Promise<void> {
  const { service } = stage;
  await Promise.all(LIARS.map(async (kind) => {
    const record = await gather(stage, kind);
    assert.match(record.status, /^(?:completed|error)$/);
    for (const path of [`must-gather/${record.id}/data`, `must-gather/${record.id}/files`]) {
      const reply = await service.fetch(path);
      const body = Buffer.from(await reply.arrayBuffer());
      assert.ok(reply.status < 500, `${kind}: ${path} ${reply.status}`);
      assert.ok(!body.includes(SECRET), `${kind}: ${path} holds the secret`);
    }
    if (record["archive-url"] !== "") await checkDownload(service, record);
  }));
  assert.equal((await service.fetch("readyz")).status, 200);
}

/** Runs all of it; the figures for people. */
export async function runTrees(sizes: TreeSizes): Promise<Row[]> {
  const changing = size(3 * LOG_BYTES + NOISE_BYTES);
  const acts = {
    [`a hostile tree, with ${sizes.files} files and ${size(sizes.sparseBytes)} sparse`]:
      hostileTree,
    [`a tree of ${changing} that changes while it is packed`]: changingTree,
    [`${LIARS.length} archives that lie`]: lyingArchives,
  };
  const stage = await openTrees(sizes);
  const rows: Row[] = [];
  try {
    for (const [what, act] of Object.entries(acts)) {
      const [started, cpu] = [performance.now(), await cpuMs(stage.service.pid)];
      await forgetPeak(stage.service.pid);
      await act(stage, sizes);
      const figures = [
        `all read it, ${seconds(performance.now() - started)} in all`,
        `CPU of the service ${seconds(await cpuMs(stage.service.pid) - cpu)}`,
        `memory at most ${size(await peakBytes(stage.service.pid))}`,
      ];
      rows.push([what, figures.join("; ")]);
    }
    return rows;
  } finally {
    await closeTrees(stage);
  }
}
