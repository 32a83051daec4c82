import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import {
  files,
  gather,
  leaked,
  midCopy,
  open,
  plainly,
  recorded,
  recordedTree,
  start,
  tree,
} from "./harness.ts";
import { RELEASES } from "./release.ts";

for (const release of RELEASES) {
  test(`oc ${release} takes SIGINT and SIGTERM while gathering as recorded`, async (t) => {
    await Promise.all((["SIGINT", "SIGTERM"] as const).map(async (signal) => {
      const { oc, dest } = await open(t, { release });
      const was = recorded(release, signal === "SIGINT" ? "sigint" : "sigterm");
      const { pid, ended, text } = start(oc, gather("localhost/slow-must-gather:latest", dest));
      await oc.until(() => text.stdout.includes("slow line 10\n"), "no line 10");
      process.kill(pid, signal);
      const is = await ended;
      assert.deepEqual([is.code, is.signal], [was.code, was.signal]);
      assert.deepEqual(tree(dest), recordedTree(was));
      assert.equal(oc.cluster.leftovers().length, leaked(was) ? 2 : 0);
      assert.deepEqual(oc.signals().map(({ signal }) => signal), [signal]);
      assert.deepEqual(
        plainly(is.stderr.split("\n"), dest),
        plainly(was.stderr.map(({ text }) => text), dest),
      );
      const own = (lines: string[]) => plainly(lines, dest).filter((line) => / OUT /.test(line));
      assert.deepEqual(own(is.stdout.split("\n")), own(was.stdout.map(({ text }) => text)));
    }));
  });

  test(`oc ${release} dies of SIGPIPE when its stdout is closed, and leaks`, async (t) => {
    const { oc, dest } = await open(t, { release });
    const was = recorded(release, "close-stdout");
    const { child, gone } = start(oc, gather("localhost/slow-must-gather:latest", dest));
    await oc.entered("gathering");
    child.stdout.destroy();
    const { code, signal } = await gone;
    assert.deepEqual([code, signal], [null, was.signal]);
    assert.equal(oc.cluster.leftovers().length, 2);
    assert.deepEqual(tree(dest), recordedTree(was));
  });

  test(`oc ${release} that met a line of 70,000 characters hangs until a signal ends it`, async (t) => {
    const { oc, dest } = await open(t, { release });
    const { pid, gone, text } = start(oc, gather("localhost/longline-must-gather:latest", dest));
    await oc.until(() => text.stdout.includes(" before\n"), "no line");
    process.kill(pid, "SIGINT");
    if (release === "4.22") {
      await oc.until(() => oc.signals().length === 1, "no signal");
      process.kill(pid, "SIGTERM");
    }
    assert.equal((await gone).signal, release === "4.22" ? "SIGTERM" : "SIGINT");
    assert.equal(oc.cluster.leftovers().length, 2);
  });
}

for (const release of ["4.13", "4.18"] as const) {
  test(`oc ${release} dies of any signal while copying, and its rsync goes on as an orphan`, async (t) => {
    await Promise.all((["SIGTERM", "SIGINT", "SIGKILL"] as const).map(async (signal) => {
      const { oc, dest } = await open(t, { release });
      const { pid, gone } = await midCopy(oc, dest);
      assert.deepEqual(files(dest), [".blob2.RANDOM", "blob1"]);
      process.kill(pid, signal);
      assert.equal((await gone).signal, signal);
      assert.equal(oc.running().length, 1);
      assert.equal(oc.cluster.leftovers().length, 2);
      oc.release("during-copy");
      await oc.until(() => oc.running().length === 0, "the orphan never ends");
      assert.deepEqual(files(dest), ["blob1", "blob2", "blob3", "blob4"]);
      assert.equal(tree(dest).some((line) => line.endsWith("event-filter.html")), false);
    }));
  });

  test(`the rsync of oc ${release} goes with the group, and takes its temporary file along`, async (t) => {
    const { oc, dest } = await open(t, { release });
    const { pid, gone } = await midCopy(oc, dest);
    process.kill(-pid, "SIGTERM");
    assert.equal((await gone).signal, "SIGTERM");
    await oc.until(() => oc.running().length === 0, "the orphan never ends");
    assert.deepEqual(files(dest), ["blob1"]);
  });
}

test("oc 4.22 finishes its copy after a signal, cleans up and exits with 0", async (t) => {
  await Promise.all((["SIGTERM", "SIGINT"] as const).map(async (signal) => {
    const { oc, dest } = await open(t);
    const { pid, ended } = await midCopy(oc, dest);
    process.kill(pid, signal);
    await oc.until(() => oc.signals().length === 1, "no signal");
    oc.release("during-copy");
    const { code, stdout } = await ended;
    assert.equal(code, 0);
    assert.deepEqual(files(dest), ["blob1", "blob2", "blob3", "blob4"]);
    assert.deepEqual(oc.cluster.leftovers(), []);
    assert.equal(stdout.includes("Reprinting"), false);
  }));
});

test("oc 4.22 copies again what its rsync left when the whole group was told to stop", async (t) => {
  const { oc, dest } = await open(t);
  const { pid, ended } = await midCopy(oc, dest);
  process.kill(-pid, "SIGTERM");
  await oc.until(
    () => oc.events().filter(({ type }) => type === "child").length === 2,
    "no second rsync",
  );
  oc.release("during-copy");
  const { code, stdout, stderr } = await ended;
  assert.equal(code, 0);
  assert.equal(stdout.match(/receiving incremental file list/g)?.length, 2);
  assert.equal(stdout.match(/ blob2\n/g)?.length, 2);
  assert.match(stderr, /^rsync error: received SIGINT, SIGTERM, or SIGHUP \(code 20\)/);
  assert.deepEqual(files(dest), ["blob1", "blob2", "blob3", "blob4"]);
});

test("oc 4.22 dies of a second signal while copying, and leaks", async (t) => {
  const { oc, dest } = await open(t);
  const { pid, gone } = await midCopy(oc, dest);
  process.kill(pid, "SIGTERM");
  await oc.until(() => oc.signals().length === 1, "no signal");
  process.kill(pid, "SIGTERM");
  assert.equal((await gone).signal, "SIGTERM");
  assert.equal(oc.cluster.leftovers().length, 2);
  assert.equal(oc.running().length, 1);
});

test("oc 4.13 dies of SIGINT before its pod runs, and leaks", async (t) => {
  const { oc, dest } = await open(t, { release: "4.13", speed: 1 });
  const { pid, gone } = start(oc, gather("localhost/slow-must-gather:latest", dest));
  await oc.entered("waiting");
  process.kill(pid, "SIGINT");
  assert.equal((await gone).signal, recorded("4.13", "sigint-before-pod").signal);
  assert.equal(oc.cluster.leftovers().length, 2);
  assert.deepEqual(tree(dest), ["- timestamp"]);
});

test("oc 4.22 cleans up when it is told to stop before its pod runs", async (t) => {
  const { oc, dest } = await open(t, { speed: 1 });
  const { pid, ended } = start(oc, gather("localhost/slow-must-gather:latest", dest));
  await oc.entered("waiting");
  process.kill(pid, "SIGTERM");
  const { code, stderr } = await ended;
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^error: gather did not start for pod must-gather-\w{5}: context canceled$/m,
  );
  assert.deepEqual(oc.cluster.leftovers(), []);
});

test("a gather whose namespace somebody else deletes comes to an end", async (t) => {
  await Promise.all(RELEASES.map(async (release) => {
    const { oc, dest } = await open(t, { release });
    const { ended } = start(oc, gather("localhost/slow-must-gather:latest", dest));
    await oc.entered("gathering");
    oc.cluster.deleteNamespace(oc.cluster.pods()[0]?.namespace ?? "");
    const { code, stderr } = await ended;
    assert.equal(code, 1);
    assert.match(stderr, /^error: gather never finished for pod .* not found$/m);
  }));
});

test("an oc that never exits heeds nothing but SIGKILL", async (t) => {
  const { oc, dest } = await open(t);
  const { pid, gone } = start(oc, gather("localhost/never-exits", dest));
  await oc.entered("gathering");
  for (const signal of ["SIGINT", "SIGTERM", "SIGTERM"]) process.kill(pid, signal);
  await oc.until(() => oc.signals().length >= 2, "no signal");
  assert.deepEqual(oc.running(), [pid]);
  process.kill(pid, "SIGKILL");
  assert.equal((await gone).signal, "SIGKILL");
});

test("without rsync a killed oc leaves what it buffered in its TMPDIR", async (t) => {
  const { oc, folder, dest } = await open(t, { release: "4.13", speed: 1000 });
  const temporary = path.join(folder, "tmp");
  fs.mkdirSync(temporary);
  oc.hold("during-copy");
  const argv = gather("localhost/nolocal-must-gather", dest);
  const { pid, gone } = start(oc, argv, { env: { TMPDIR: temporary } });
  await oc.reached("during-copy");
  process.kill(pid, "SIGKILL");
  await gone;
  assert.match(fs.readdirSync(temporary).join(), /^rsync\d+$/);
});
