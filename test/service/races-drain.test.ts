/** What a service that goes down still answers, and how long it waits for whom. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { GatherRecord } from "../../src/schema/record.ts";
import type { FakeOc } from "../support/fake-oc.ts";
import { exchange } from "../support/raw-http.ts";
import type { Service } from "../support/service.ts";
import { openStage, type Stage } from "../support/stage.ts";
import { until } from "../support/until.ts";
import { get, post } from "./hostile/case.ts";
import { beginDownload } from "./races/download.ts";
import { enlargeArchive } from "./races/trees.ts";

const SLOW = { image: "localhost/slow-must-gather:latest" };

describe("a service that is told to end", () => {
  let stage: Stage;
  let oc: FakeOc;
  let service: Service;
  let large: GatherRecord;

  /** One ended gather, whose archive is larger than what the system holds for a reader, is there for all tests. */
  before(async () => {
    stage = await openStage(settings("20s"), { speed: 200 });
    ({ oc, service } = stage);
    oc.hold("before-exit");
    const { id } = await service.start({});
    await oc.reached("before-exit");
    await enlargeArchive(join(stage.place.folder, "work", String(id), "tree"));
    oc.release("before-exit");
    large = await service.ended(id);
    assert.equal(large.status, "completed", large.message);
  });
  after(async () => {
    service.kill("SIGKILL");
    await stage.close();
  });

  const settings = (drainGrace: string) => ({
    MUST_GATHER_IMAGE: "localhost/instant:latest",
    DRAIN_GRACE: drainGrace,
  });
  /** Each test ends it: the one behind finds it started with what it needs. */
  const begin = async (drainGrace: string) =>
    service = await stage.startAgain(settings(drainGrace));

  const goesDown = () =>
    until("it goes down", () => service.log.some(({ event }) => event === "service goes down"));

  const send = (bytes: Uint8Array) => exchange(service.url, bytes);

  test("a POST gets 503 with Retry-After, what is there is told, a download ends whole, and what ran is stopped", async () => {
    const slow = { ...SLOW, "custom-name": "slow" };
    const { id } = await service.start(slow);
    await service.until(id, ({ state }) => state.endsWith("collecting"));
    const download = await beginDownload(service.url, large["archive-url"]);
    oc.hold("before-delete");
    service.kill("SIGTERM");
    await goesDown();
    await oc.reached("before-delete");

    // The second is told to stop already: it is not joined.
    for (const body of ['{"custom-name": "late"}', JSON.stringify(slow)]) {
      const refused = await send(post(body));
      assert.deepEqual(refused.statuses, [503], refused.body);
      assert.match(refused.headers["retry-after"] ?? "", /^\d+$/);
      assert.equal(refused.headers["content-type"], "application/problem+json");
    }
    const { statuses, body } = await send(get("/must-gather"));
    assert.deepEqual(statuses, [200]);
    assert.deepEqual(
      (JSON.parse(body) as GatherRecord[]).map(({ status }) => status),
      ["completed", "inprogress"],
    );
    assert.deepEqual((await send(get(`/must-gather/${id}/log`))).statuses, [200]);
    assert.deepEqual((await send(get("/healthz"))).statuses, [200]);
    assert.deepEqual((await send(get("/readyz"))).statuses, [503]);

    oc.release("before-delete");
    await until("oc ends", () => oc.running().length === 0);
    assert.deepEqual(
      await download.finish(),
      { length: large["archive-size"], digest: large["archive-digest"] },
    );
    assert.equal(await service.exit, 0);
    assert.deepEqual(oc.cluster.leftovers(), []);
    await begin("3s");
    assert.equal((await service.get(id)).reason, "interrupted");
    assert.equal((await service.fetch("must-gather/late")).status, 404);
  });

  test("a download that nobody reads on is waited for no longer than DRAIN_GRACE", async () => {
    const download = await beginDownload(service.url, large["archive-url"]);
    const started = performance.now();
    service.kill("SIGTERM");
    assert.equal(await service.exit, 0);
    const ms = performance.now() - started;
    assert.ok(ms > 1000 && ms < 4000, `${ms} ms`);
    assert.ok((await download.finish()).length < large["archive-size"], "what is cut looks cut");
  });

  test("a second SIGTERM waits for no download", async () => {
    await begin("60s");
    const download = await beginDownload(service.url, large["archive-url"]);
    service.kill("SIGTERM");
    await goesDown();
    const started = performance.now();
    service.kill("SIGTERM");
    assert.equal(await service.exit, 0);
    assert.ok(performance.now() - started < 10_000);
    assert.ok((await download.finish()).length < large["archive-size"]);
  });
});
