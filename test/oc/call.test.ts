import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { callOc } from "../../src/oc/call.ts";
import { testFolder } from "../support/folder.ts";

const env = { PATH: process.env.PATH ?? "" };

/** Calls a shell script as if it were oc. */
function call(script: string, more: { timeoutMs?: number; signal?: AbortSignal } = {}) {
  const options = { program: "/bin/sh", prefix: ["-c"], env, timeoutMs: 20_000, ...more };
  return callOc([script], options);
}

test("a call gives the exit code and both streams", async () => {
  assert.deepEqual(await call("echo out; echo err >&2; exit 3"), {
    code: 3,
    stdout: "out\n",
    stderr: "err\n",
  });
  assert.deepEqual(await call("exit 0"), { code: 0, stdout: "", stderr: "" });
});

test("a call gets the environment that it is given and no more", async () => {
  const { stdout } = await call("/usr/bin/env");
  assert.doesNotMatch(stdout, /^HOME=/m);
  assert.match(stdout, /^PATH=/m);
});

test("a call that takes too long is ended and says so, whoever else holds its output open", async () => {
  const started = performance.now();
  const answer = await call("sleep 5 & echo $! ; wait", { timeoutMs: 200 });
  assert.ok(performance.now() - started < 4000);
  assert.equal(answer.code, null);
  assert.equal(answer.stderr, "oc gave no answer within 0.2 s");
  process.kill(Number(answer.stdout), "SIGKILL");
});

test("a call that is stopped, or ended by a signal, says so", async () => {
  const stop = new AbortController();
  const stopped = call("echo started; exec sleep 20", { signal: stop.signal });
  stop.abort();
  assert.deepEqual((await stopped).stderr, "oc was stopped before it answered");
  assert.equal((await stopped).code, null);
  const killed = await call("kill -TERM $$");
  assert.deepEqual([killed.code, killed.stderr], [null, "oc was ended by SIGTERM"]);
});

test("a call that prints without end is ended", async () => {
  const answer = await call("yes");
  assert.equal(answer.code, null);
  assert.match(answer.stderr, /MAXBUFFER/);
  assert.ok(answer.stdout.length <= 2 ** 20);
});

test("a program that cannot be started says why", async (t) => {
  const folder = await testFolder(t);
  const file = join(folder, "oc");
  await writeFile(file, "#!/bin/sh\n");
  await chmod(file, 0o644);
  const options = { prefix: [], env, timeoutMs: 1000 };
  assert.deepEqual(await callOc(["version"], { program: join(folder, "none"), ...options }), {
    code: null,
    stdout: "",
    stderr: `Cannot start ${folder}/none: there is no such program`,
  });
  assert.equal(
    (await callOc(["version"], { program: file, ...options })).stderr,
    `Cannot start ${file}: it may not be run`,
  );
  const long = await callOc(["x".repeat(4 * 2 ** 20)], { program: "/bin/echo", ...options });
  assert.equal(long.code, null);
  assert.match(long.stderr, /E2BIG/);
});

test("no call shows what it was told in what it says", async () => {
  for (const script of ["exit 1 # s3cret", "sleep 20 # s3cret", "kill -9 $$ # s3cret"]) {
    assert.doesNotMatch(JSON.stringify(await call(script, { timeoutMs: 100 })), /s3cret/);
  }
});
