import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createClient } from "../src/client.ts";
import type { GatherRecord } from "../src/schema/record.ts";
import type { Service } from "./support/service.ts";
import { openStage, type Stage } from "./support/stage.ts";

describe("the typed client", () => {
  let stage: Stage;
  let service: Service;

  before(async () => {
    stage = await openStage();
    ({ service } = stage);
  });
  after(() => stage.close());

  test("starts, finds, lists, looks into, links and removes a gather", async () => {
    const { healthz, "must-gather": gathers } = createClient(service.url);
    const { name } = await (await healthz.$get()).json();
    assert.equal(name, "must-gather-service");

    const json = { "image": "localhost/plain-must-gather:latest", "custom-name": "plan:typed" };
    const header = { "Idempotency-Key": "one" };
    const started = await gathers.$post({ json, header });
    assert.equal(started.status, 201);
    const { id }: GatherRecord = await started.json();
    const again = await gathers.$post({ json, header });
    assert.equal(again.status, 200);
    await again.body?.cancel();
    await service.ended(id);

    const param = { id: String(id) };
    const one = gathers[":id"];
    const found = await one.$get({ param: { id: encodeURIComponent("plan:typed") } });
    if (found.status !== 200) throw new Error(`${found.status}`);
    const record = await found.json();
    assert.deepEqual([record.id, record.status], [id, "completed"], record.message);
    const list = await gathers.$get({ query: { status: "completed", limit: "1" } });
    assert.deepEqual((await list.json()).map((each) => each.id), [id]);
    const { files } = await (await one.files.$get({ param })).json();
    assert.ok(files.some(({ path }) => path === "GATHER.json"));
    const { url } = await (await one.link.$post({ param })).json();
    const archive = await (await fetch(new URL(url, service.url))).arrayBuffer();
    assert.equal(archive.byteLength, record["archive-size"]);
    const gone = await one.$delete({ param, query: { purge: "1" } });
    assert.equal(gone.status, 204);
    const missing = await one.$get({ param });
    assert.equal(Number(missing.status), 404);
    await missing.body?.cancel();
  });

  test("has the routes' own types", () => {
    const { "must-gather": gathers } = createClient("https://proxy.example/prefix/");
    // Each of these is sent nowhere: what is wrong with it shows when types are checked.
    const wrong = [
      // @ts-expect-error: a duration is a text
      () => gathers.$post({ json: { timeout: 20 } }),
      // @ts-expect-error: there is no fifth status
      () => gathers.$get({ query: { status: "cancelled" } }),
      // @ts-expect-error: no such route
      () => gathers.nothing.$get(),
      // @ts-expect-error: which one?
      () => gathers[":id"].$get(),
    ];
    assert.equal(wrong.length, 4);
  });

  test("keeps the path that a proxy has the service under", () => {
    const { "must-gather": gathers, healthz } = createClient("https://proxy.example/prefix/");
    assert.equal(healthz.$url().href, "https://proxy.example/prefix/healthz");
    const { href } = gathers[":id"].data.$url({ param: { id: "7" } });
    assert.equal(href, "https://proxy.example/prefix/must-gather/7/data");
    const list = gathers.$url({ query: { limit: "100" } });
    assert.equal(list.href, "https://proxy.example/prefix/must-gather?limit=100");
  });
});
