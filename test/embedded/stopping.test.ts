import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import os from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { resultFolder } from "../../src/embedded/destination.ts";
import { gone, Place } from "./start.ts";

/** A place where `uname` never ends, and tells its process id in the file that is given. */
async function slowPlace(): Promise<Place> {
  const place = await Place.make();
  await place.program("uname", `echo $$ > ${place.root}/pid; exec sleep 60`);
  return place;
}

async function slowProgram(place: Place): Promise<number> {
  return Number(await readFile(join(place.root, "pid"), "utf8"));
}

function start(place: Place, ...args: string[]) {
  return place.start(["adm", "must-gather", `--dest-dir=${place.destination}`, ...args]);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} ends the gather as it ends that of oc 4.22, and what there is by then is kept`, async () => {
    const place = await slowPlace();
    try {
      const started = start(place);
      await started.printed("not gathered: logs/dnf.log");
      const at = performance.now();
      process.kill(started.pid, signal);
      assert.deepEqual(await started.ended, { code: 1, signal: null });
      assert.ok(performance.now() - at < 20_000); // uname sleeps for sixty
      const out = started.stdout();
      assert.match(
        out,
        /OUT \S+ waiting for gather to complete\n.*OUT \S+ gather never finished: context canceled\n/,
      );
      assert.match(out, /OUT \S+ kept so far: \d+ of 65 files in /);
      assert.match(
        started.stderr(),
        /^error: gather never finished for pod must-gather-[a-z0-9]{5}: context canceled\n$/,
      );
      const result = await place.result();
      assert.ok((await readFile(join(result, "system/date.txt"), "utf8")).length > 0);
      assert.match(
        await readFile(join(result, "not-collected.txt"), "utf8"),
        /^system\/uname.txt .*\n {2}uname -a: context canceled$/m,
      );
      assert.match(await readFile(join(place.destination, "must-gather.logs"), "utf8"), /canceled/);
      assert.deepEqual(await readdir(place.temporary), []);
      await gone(await slowProgram(place));
    } finally {
      await place.remove();
    }
  });
}

test("a second signal ends it at once", async () => {
  const place = await Place.make();
  try {
    // Where a result stands already, a new one is copied into it file by file: that takes long enough.
    const result = join(place.destination, resultFolder(os.hostname()));
    await mkdir(result, { recursive: true });
    await writeFile(join(result, "former"), "");
    const words = ["--", "seq 1 3000 | xargs touch; echo ready; sleep 60"];
    const line = ["adm", "must-gather", `--dest-dir=${place.destination}`, ...words];
    const started = place.start(line, { env: place.env({ LOCAL_COMMANDS: "1" }) });
    await started.printed("ready");
    process.kill(started.pid, "SIGTERM");
    await started.printed("gather never finished: context canceled");
    process.kill(started.pid, "SIGINT");
    assert.deepEqual(await started.ended, { code: null, signal: "SIGINT" });
  } finally {
    await place.remove();
  }
});

test("at its timeout the gather ends, says so as oc does, and what there is by then is kept", async () => {
  const place = await slowPlace();
  try {
    const started = start(place, "--timeout=1500ms");
    const { code } = await started.ended;
    assert.equal(code, 1);
    assert.match(started.stdout(), /gather never finished: context deadline exceeded\n/);
    assert.match(started.stdout(), /Reprinting Machine State:\n/);
    assert.match(
      started.stderr(),
      /^error: gather never finished for pod must-gather-\w{5}: context deadline exceeded\n$/,
    );
    assert.ok((await place.files()).length > 10);
    await gone(await slowProgram(place));
  } finally {
    await place.remove();
  }
});

test("a timeout that is zero or negative is over before anything starts", async () => {
  const place = await Place.make();
  try {
    const { code, stdout } = await place.gather(["--timeout=-5s"]);
    assert.equal(code, 1);
    assert.match(stdout, /gather never finished: context deadline exceeded\n/);
    assert.doesNotMatch(stdout, / POD /);
  } finally {
    await place.remove();
  }
});

test("it ends when nobody reads its output any more, and keeps what there is", async () => {
  const place = await slowPlace();
  // A line comes after the pipe was closed, and the gather is not through by then.
  await place.program("uname", `echo $$ > ${place.root}/pid; exec sleep 60`);
  await place.program(
    "vmstat",
    `while [ ! -e ${place.root}/closed ]; do sleep 0.05; done; exec echo stand-in`,
  );
  try {
    const started = start(place);
    await started.printed("gathering resources/vmstat.txt");
    started.closeStdout();
    await writeFile(join(place.root, "closed"), "");
    const { code } = await started.ended;
    assert.equal(code, 141); // as a shell tells of SIGPIPE
    assert.ok((await place.files()).length > 5);
    assert.deepEqual(await readdir(place.temporary), []);
    await gone(await slowProgram(place));
  } finally {
    await place.remove();
  }
});
