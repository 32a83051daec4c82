/** A service that is told to stop before it serves. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { CACHED } from "../support/caches.ts";
import { atEnd } from "../support/folder.ts";
import { programCommand } from "../support/self.ts";
import { makePlace } from "../support/service.ts";
import { until } from "../support/until.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

test("SIGTERM while oc is asked for its flags ends the service at once and in order", async (t) => {
  const place = await makePlace();
  atEnd(t, () => place.remove());
  const oc = join(place.folder, "oc");
  await writeFile(oc, `#!/bin/sh\ntouch ${place.folder}/asked\nexec sleep 60\n`, { mode: 0o755 });
  const [program, args] = programCommand(MAIN);
  const child = spawn(program, args, {
    env: { PATH: process.env.PATH ?? "", HOME: place.folder, ...CACHED, ...place.env, OC: oc },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const exit = once(child, "exit");
  let alive = true;
  void exit.then(() => alive = false);
  atEnd(t, () => alive && child.pid !== undefined && process.kill(child.pid, "SIGKILL"));
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => said += text);

  await until("oc is asked", async () => (await readdir(place.folder)).includes("asked"));
  assert.ok((await readdir(join(place.folder, "journal"))).includes("owner.sock"));
  process.kill(child.pid ?? 0, "SIGTERM");
  assert.deepEqual(await exit, [0, null]);
  assert.ok(!(await readdir(join(place.folder, "journal"))).includes("owner.sock"), "it is free");
  assert.deepEqual(
    said.trimEnd().split("\n").map((line) => (JSON.parse(line) as { event: string }).event),
    ["service stopped"],
  );
});
