/** A service whose log nobody reads any more. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { GatherRecord } from "../../src/schema/record.ts";
import { CACHED } from "../support/caches.ts";
import { createFakeOc } from "../support/fake-oc.ts";
import { atEnd } from "../support/folder.ts";
import { programCommand } from "../support/self.ts";
import { makePlace } from "../support/service.ts";
import { until } from "../support/until.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

test("a service goes on when whoever read its log goes away, and ends in order", async (t) => {
  const place = await makePlace();
  atEnd(t, () => place.remove());
  const oc = await createFakeOc({ folder: place.folder });
  atEnd(t, () => oc.close());
  const [program, args] = programCommand(MAIN);
  const child = spawn(program, args, {
    env: { PATH: process.env.PATH ?? "", HOME: place.folder, ...CACHED, ...place.env, OC: oc.path },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const exit = once(child, "exit");
  let alive = true;
  void exit.then(() => alive = false);
  atEnd(t, () => alive && child.pid !== undefined && process.kill(child.pid, "SIGKILL"));

  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => said += text);
  const url = await until("it listens", () => /"url":"([^"]+)"/.exec(said)?.[1]) ?? "";
  child.stdout.destroy();

  const body = new URLSearchParams({ image: "localhost/instant:latest" });
  const started = await fetch(new URL("must-gather", url), { method: "POST", body });
  assert.equal(started.status, 201);
  await started.body?.cancel();
  await until("its gather ends", async () => {
    const reply = await fetch(new URL("must-gather/1", url));
    const { status } = await reply.json() as GatherRecord;
    return status === "completed" || status === "error";
  });
  process.kill(child.pid ?? 0, "SIGTERM");
  assert.deepEqual(await exit, [0, null]);
});
