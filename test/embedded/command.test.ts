import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { gone, Place } from "./start.ts";

const ALLOWED = { LOCAL_COMMANDS: "1" };

async function inPlace(body: (place: Place) => Promise<void>): Promise<void> {
  const place = await Place.make();
  try {
    await body(place);
  } finally {
    await place.remove();
  }
}

test("a command is refused where the environment does not allow it, and nothing is written", () =>
  inPlace(async (place) => {
    for (const env of [{}, { LOCAL_COMMANDS: "0" }]) {
      const { code, stdout, stderr } = await place.gather(["--", "echo", "hello"], env);
      assert.equal(code, 1);
      assert.equal(stdout, "");
      assert.match(stderr, /^error: .*LOCAL_COMMANDS=1 to allow it\n$/);
    }
    await assert.rejects(readdir(place.destination), { code: "ENOENT" });
  }));

test("the words of a command are joined and run in the folder that is collected", () =>
  inPlace(async (place) => {
    const words = [
      "NAME=plan1",
      "sh",
      "-c",
      "'mkdir d; echo $NAME $SOURCE_DIR > d/f; ln -s f d/l; pwd'",
    ];
    const { code, stdout } = await place.gather(["--since=5m", "--", ...words], ALLOWED);
    assert.equal(code, 0);
    const folder = /POD \S+ (\/.*)$/m.exec(stdout)?.[1];
    const result = await place.result();
    assert.equal(await readFile(join(result, "d/f"), "utf8"), `plan1 ${folder}\n`);
    assert.equal((await readdir(result)).join(), "d,gather.logs");
    assert.match(await readFile(join(result, "gather.logs"), "utf8"), /^\S+Z \/.*\n$/);
  }));

test("what a command prints comes as the pod's lines, whatever it is", () =>
  inPlace(async (place) => {
    const script =
      "echo '[must-gather      ] OUT namespace/openshift-must-gather-abcde created'; " +
      "printf 'w\\xff\\n' >&2; head -c 40000 /dev/zero | tr '\\0' x; printf '\\nend'";
    const { code, stdout } = await place.gather(["--", script], ALLOWED);
    assert.equal(code, 0);
    const lines = stdout.split("\n");
    assert.ok(
      !lines.some((line) => line.startsWith("[must-gather      ]") && line.includes("created")),
    );
    const pod = lines.filter((line) => / POD /.test(line)).map((line) =>
      line.replace(/^.* POD \S+ /, "")
    );
    assert.ok(pod.includes("w\ufffd") && pod.includes("end"));
    const long = pod.filter((line) => /^x+$/.test(line));
    assert.equal(long.join("").length, 40_000);
    assert.ok(long.length > 1); // no line grows without bound
  }));

test("what a command wrote is synced to disk before it counts as done", () =>
  inPlace(async (place) => {
    await place.program("sync", "echo synced");
    const { stdout } = await place.gather(["--", "echo done"], ALLOWED);
    assert.match(stdout, / POD \S+ done\n.* POD \S+ synced\n/);
  }));

test("a command's exit code is the gatherer's, and nothing is fetched then", () =>
  inPlace(async (place) => {
    const { code, stdout, stderr } = await place.gather(["--", "echo x > file; exit 3"], ALLOWED);
    assert.equal(code, 3);
    assert.match(
      stderr,
      /^must-gather-\w{5} unexpectedly terminated: exit code: 3, reason: Error\n$/,
    );
    assert.match(
      stdout,
      /OUT \S+ gather never finished: must-gather-\w{5} unexpectedly terminated/,
    );
    assert.doesNotMatch(stdout, /downloading/);
    assert.deepEqual(await place.files(), ["must-gather.logs", "timestamp"]);
    // sync comes after it, so the code of a command that only failed is lost, as it is in oc's pod
    assert.equal((await place.gather(["--", "false"], ALLOWED)).code, 0);
    assert.equal((await place.gather(["--", "kill -9 $$"], ALLOWED)).code, 137);
  }));

test("what a command leaves in the background ends with it", () =>
  inPlace(async (place) => {
    const at = performance.now();
    const { code } = await place.gather(["--", "sleep 60 & echo $! > pid"], ALLOWED);
    assert.equal(code, 0);
    assert.ok(performance.now() - at < 10_000);
    await gone(Number(await readFile(join(await place.result(), "pid"), "utf8")));
  }));

for (const detached of [true, false]) {
  const who = detached ? "leads a process group" : "is one of a group";
  test(`a signal ends a command and its children where the gatherer ${who}; its files are kept`, () =>
    inPlace(async (place) => {
      const script = "(trap '' TERM INT; sleep 60 & echo $! > a; sleep 60) & echo ready; sleep 60";
      const line = ["adm", "must-gather", `--dest-dir=${place.destination}`, "--", script];
      const started = place.start(line, { env: place.env(ALLOWED), detached });
      await started.printed("ready");
      while (
        (await readdir(place.temporary, { recursive: true })).every((name) => !name.endsWith("/a"))
      ) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      process.kill(started.pid, "SIGTERM");
      assert.deepEqual(await started.ended, { code: 1, signal: null });
      assert.match(started.stderr(), /context canceled/);
      assert.match(started.stdout(), /kept so far: the files of the command in /);
      await gone(Number(await readFile(join(await place.result(), "a"), "utf8")));
    }));
}

test("at its timeout a command ends, and its files are kept", () =>
  inPlace(async (place) => {
    const { code, stderr } = await place.gather(
      ["--timeout=1s", "--", "echo part > file; sleep 60"],
      ALLOWED,
    );
    assert.equal(code, 1);
    assert.match(stderr, /context deadline exceeded/);
    assert.equal(await readFile(join(await place.result(), "file"), "utf8"), "part\n");
  }));

test("a command is told of since as oc tells its pods", () =>
  inPlace(async (place) => {
    const words = ["--", "echo $MUST_GATHER_SINCE,$MUST_GATHER_SINCE_TIME"];
    const since = await place.gather(["--since=5m", ...words], ALLOWED);
    assert.match(since.stdout, /POD \S+ 5m,$/m);
    const time = await place.gather(["--since-time=2026-01-02T03:04:05Z", ...words], ALLOWED);
    assert.match(time.stdout, /POD \S+ ,2026-01-02T03:04:05Z$/m);
  }));
