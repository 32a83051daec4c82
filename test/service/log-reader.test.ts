/** A service whose log nobody reads any more. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import type { GatherRecord } from "../../src/schema/record.ts";
import { createFakeOc } from "../support/fake-oc.ts";
import { atEnd } from "../support/folder.ts";
import { makePlace, watchService } from "../support/service.ts";
import { until } from "../support/until.ts";

test("a service goes on when whoever read its log goes away, and ends in order", async (t) => {
  const place = await makePlace();
  atEnd(t, () => place.remove());
  const oc = await createFakeOc({ folder: place.folder });
  atEnd(t, () => oc.close());

  const service = watchService(t, place, { OC: oc.path });
  const url = await until("it listens", () => /"url":"([^"]+)"/.exec(service.said())?.[1]) ?? "";
  service.stdout.destroy();

  const body = new URLSearchParams({ image: "localhost/instant:latest" });
  const started = await fetch(new URL("must-gather", url), { method: "POST", body });
  assert.equal(started.status, 201);
  await started.body?.cancel();
  await until("its gather ends", async () => {
    const reply = await fetch(new URL("must-gather/1", url));
    const { status } = await reply.json() as GatherRecord;
    return status === "completed" || status === "error";
  });
  process.kill(service.pid, "SIGTERM");
  assert.equal(await service.exit, 0);
});
