/** A service that is told to stop before it serves. */
import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { atEnd } from "../support/folder.ts";
import { makePlace, watchService } from "../support/service.ts";
import { until } from "../support/until.ts";

test("SIGTERM while oc is asked for its flags ends the service at once and in order", async (t) => {
  const place = await makePlace();
  atEnd(t, () => place.remove());
  const oc = join(place.folder, "oc");
  await writeFile(oc, `#!/bin/sh\ntouch ${place.folder}/asked\nexec sleep 60\n`, { mode: 0o755 });
  const service = watchService(t, place, { OC: oc });

  await until("oc is asked", async () => (await readdir(place.folder)).includes("asked"));
  assert.ok((await readdir(join(place.folder, "journal"))).includes("owner.sock"));
  process.kill(service.pid, "SIGTERM");
  assert.equal(await service.exit, 0);
  assert.ok(!(await readdir(join(place.folder, "journal"))).includes("owner.sock"), "it is free");
  assert.deepEqual(
    service.said().trimEnd().split("\n").map((line) =>
      (JSON.parse(line) as { event: string }).event
    ),
    ["service stopped"],
  );
});
