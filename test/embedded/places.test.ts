import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { resultFolder } from "../../src/embedded/destination.ts";
import { Place } from "./start.ts";

/** A user that nobody knows. */
const SOMEBODY = 12345;

async function inPlace(body: (place: Place) => Promise<void>): Promise<void> {
  const place = await Place.make();
  await chmod(place.root, 0o777);
  await chmod(place.temporary, 0o777);
  try {
    await body(place);
  } finally {
    await place.remove();
  }
}

/** No HOME; Deno needs to know where to keep what it compiled then. */
function homeless(place: Place): Record<string, string> {
  const { PATH, TMPDIR } = place.env();
  return { PATH: PATH ?? "", TMPDIR: TMPDIR ?? "", DENO_DIR: join(place.root, "deno") };
}

test("a user without a name and a home gathers what it may and tells what it may not", () =>
  inPlace(async (place) => {
    const line = ["adm", "must-gather", `--dest-dir=${place.destination}`];
    const { code, stderr } = await place.run(line, { env: homeless(place), user: SOMEBODY });
    assert.equal(stderr, "");
    assert.equal(code, 0);
    const result = await place.result();
    assert.match(await readFile(join(result, "system/id.txt"), "utf8"), /uid=\d+/);
    assert.ok((await readdir(result)).includes("not-collected.txt"));
  }));

test("a temporary folder that cannot be written to ends it with what to do, and nothing is written", () =>
  inPlace(async (place) => {
    const closed = join(place.root, "closed");
    await mkdir(closed);
    await chmod(closed, 0o555);
    const line = ["adm", "must-gather", `--dest-dir=${place.destination}`];
    const env = { ...homeless(place), TMPDIR: closed };
    const { code, stderr } = await place.run(line, { env, user: SOMEBODY });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^error: cannot make a temporary folder in .*closed: permission denied.*TMPDIR.*\n$/,
    );
    const absent = await place.gather([], { TMPDIR: "/no/such/folder" });
    assert.match(absent.stderr, /no such file or directory.*TMPDIR/);
    await assert.rejects(readdir(place.destination), { code: "ENOENT" });
  }));

test("a destination that cannot be made ends it in oc's form, and no temporary folder stays", () =>
  inPlace(async (place) => {
    await writeFile(join(place.root, "file"), "");
    const path = join(place.root, "file/below");
    const { code, stderr } = await place.run(["adm", "must-gather", `--dest-dir=${path}`]);
    assert.equal(code, 1);
    assert.equal(stderr, `error: mkdir ${path}: not a directory\n`);
    assert.deepEqual(await readdir(place.temporary), []);
  }));

test("a result on another file system is copied, links as links", () =>
  inPlace(async (place) => {
    // /dev/shm is one on Linux; elsewhere this is the plain move.
    const other = await Place.make();
    const shm = await readdir("/dev/shm").then(() => "/dev/shm", () => other.temporary);
    const script = "mkdir d; echo text > d/file; ln -s /etc/hosts d/link; mkfifo d/pipe";
    try {
      const env = { LOCAL_COMMANDS: "1", TMPDIR: shm };
      const { code, stderr } = await place.gather(["--", script], env);
      assert.equal(stderr, "");
      assert.equal(code, 0);
      const folder = join(await place.result(), "d");
      assert.equal(await readFile(join(folder, "file"), "utf8"), "text\n");
      const entries = await readdir(folder, { withFileTypes: true });
      assert.ok(entries.find(({ name }) => name === "link")?.isSymbolicLink());
    } finally {
      await other.remove();
    }
  }));

test("a link that stands where the result goes is not followed", () =>
  inPlace(async (place) => {
    const outside = join(place.root, "outside");
    await mkdir(outside);
    await mkdir(place.destination);
    await symlink(outside, join(place.destination, resultFolder(os.hostname())));
    const { code, stderr } = await place.gather(["--", "echo x > file"], { LOCAL_COMMANDS: "1" });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^error: unable to download output from pod must-gather-\w{5}: .* is a link: remove it\n$/,
    );
    assert.deepEqual(await readdir(outside), []);
  }));
