/** Removing a gather while somebody reads it, while it ends, and while the cluster is still looked after. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Hono } from "hono";
import { Links } from "../../src/routes/links.ts";
import { type CallerVariables, withoutAuthentication } from "../../src/auth/middleware.ts";
import { removeOldGathers } from "../../src/gathers/removal.ts";
import { Tally } from "../../src/metrics/tally.ts";
import { archiveRoutes } from "../../src/routes/archive.ts";
import type { GatherRecord } from "../../src/schema/record.ts";
import { createServer } from "../../src/server.ts";
import { endedEntry, stageRegistry } from "../gathers/stage.ts";
import type { FakeOc } from "../support/fake-oc.ts";
import { testFolder } from "../support/folder.ts";
import { exchange, open, replyOn } from "../support/raw-http.ts";
import type { Place, Service } from "../support/service.ts";
import { openStage, type Stage } from "../support/stage.ts";
import { until } from "../support/until.ts";
import { get, request } from "./hostile/case.ts";
import { atOnce } from "./races/at-once.ts";
import { beginDownload, type Download } from "./races/download.ts";
import { enlargeArchive, LARGE_BYTES } from "./races/trees.ts";

const INSTANT = "localhost/instant:latest";
const PLAIN = "localhost/plain-must-gather:latest";

const remove = (id: number, query = "") => request("DELETE", `/must-gather/${id}${query}`);
const status = (reply?: { statuses: readonly number[] }) => reply?.statuses[0] ?? 0;

const isThere = (path: string) => stat(path).then(() => true, () => false);

/** An ended gather whose archive is larger than what the system holds for a reader. */
async function largeGather(oc: FakeOc, service: Service, place: Place): Promise<GatherRecord> {
  oc.hold("before-exit");
  const { id } = await service.start({});
  await oc.reached("before-exit");
  await enlargeArchive(join(place.folder, "work", String(id), "tree"));
  oc.release("before-exit");
  const record = await service.ended(id);
  assert.equal(record.status, "completed", record.message);
  assert.ok(record["archive-size"] >= LARGE_BYTES);
  return record;
}

async function isWhole(download: Download, record: GatherRecord): Promise<void> {
  assert.deepEqual([download.status, download.length], [200, record["archive-size"]]);
  const { length, digest } = await download.finish();
  assert.deepEqual([length, digest], [record["archive-size"], record["archive-digest"]]);
}

describe("removing a gather", () => {
  let stage: Stage;
  let place: Place;
  let oc: FakeOc;
  let service: Service;
  /** Both have ended before all others: whether the cluster is clean is looked at 10 s later, which the other tests fill. */
  let forgotten: GatherRecord;
  let tended: GatherRecord;

  before(async () => {
    stage = await openStage({ MUST_GATHER_IMAGE: INSTANT }, { speed: 200 });
    ({ place, oc, service } = stage);
    forgotten = await service.ended((await service.start({})).id);
    tended = await service.ended((await service.start({})).id);
    oc.hold("get-namespace");
    assert.equal(status(await send(remove(forgotten.id, "?purge=1"))), 204);
  });
  after(() => stage.close());

  const send = (bytes: Uint8Array) => exchange(service.url, bytes);
  const folderOf = (id: number) => join(place.folder, "work", String(id));
  const isRemoved = async (id: number) => {
    assert.equal(status(await send(get(`/must-gather/${id}`))), 404);
    await until("its folder goes", async () => !await isThere(folderOf(id)));
  };

  test("purged while it is downloaded, the download is whole", async () => {
    const record = await largeGather(oc, service, place);
    const download = await beginDownload(service.url, record["archive-url"]);
    assert.equal(status(await send(remove(record.id, "?purge=1"))), 204);
    await isRemoved(record.id);
    assert.equal(status(await send(get(`/${record["archive-url"]}`))), 404);
    await isWhole(download, record);
  });

  test("purged twice at once, it is gone once", async () => {
    const { id } = await service.ended((await service.start({})).id);
    const replies = await atOnce(service, [remove(id, "?purge=1"), remove(id, "?purge=1")]);
    assert.equal(status(replies[0]), 204);
    assert.ok([204, 404].includes(status(replies[1])));
    await isRemoved(id);
  });

  test("purged in the moment of its end, nothing of it stays", async () => {
    for (let round = 0; round < 2; round++) {
      const { id } = await service.start({ image: PLAIN });
      let known = "";
      for (let ended = false; !ended;) {
        const reply = await service.fetch(`must-gather/${id}`, {
          headers: { "prefer": "wait=20", "if-none-match": known },
        });
        known = reply.headers.get("etag") ?? "";
        ended = (await reply.json() as GatherRecord).status === "completed";
      }
      assert.equal(status(await send(remove(id, "?purge=1"))), 204);
      await isRemoved(id);
    }
    assert.deepEqual(service.log.filter(({ level }) => level === "error"), []);
  });

  test("purged while somebody waits for its change, the answer is that it is gone", async () => {
    const { id } = await service.ended((await service.start({})).id);
    // Its record changes once more when its output is closed, which is when who follows it is let go.
    await (await service.fetch(`must-gather/${id}/log?follow=1`)).text();
    const etag = (await service.fetch(`must-gather/${id}`)).headers.get("etag") ?? "";
    const waiting = await open(service.url);
    waiting.write(get(`/must-gather/${id}`, ["Prefer: wait=20", `If-None-Match: ${etag}`]));
    // Connections are taken in, and read, in their order: that before was read.
    assert.equal(status(await send(get("/healthz"))), 200);
    assert.equal(status(await send(remove(id, "?purge=1"))), 204);
    assert.deepEqual((await replyOn(waiting)).statuses, [404]);
  });

  test("purged while its output is followed, the output ends, and then it is gone", async () => {
    oc.hold("before-copy");
    const { id } = await service.start({ image: PLAIN });
    await oc.reached("before-copy");
    const following = await service.fetch(`must-gather/${id}/log?follow=1`);
    assert.equal(status(await send(remove(id, "?purge=1"))), 202);
    oc.release("before-copy");
    assert.match(await following.text(), /^\[must-gather .* Using must-gather plug-in image.*\n/);
    await until("it is gone", async () => status(await send(get(`/must-gather/${id}`))) === 404);
    await isRemoved(id);
  });

  test("purged while the cluster is looked after, it does not come back, and neither does its folder", async () => {
    await oc.reached("get-namespace", 20_000);
    assert.equal(status(await send(remove(tended.id, "?purge=1"))), 204);
    await isRemoved(tended.id);
    await mkdir(join(folderOf(tended.id), "home", ".kube"), { recursive: true }); // as an oc does that runs on
    oc.release("get-namespace");
    await until("oc ends", () => oc.running().length === 0);
    for (const { id } of [tended, forgotten]) await isRemoved(id);
    assert.deepEqual(
      (await readdir(join(place.folder, "journal"))).filter((name) => /^[12]\b/.test(name)),
      [],
    );
    const namespace = /namespace\/(\S+) deleted/.exec(forgotten["exec-output"])?.[1] ?? "";
    assert.match(namespace, /^openshift-must-gather-/);
    assert.deepEqual(oc.invocations("get", "namespace", namespace), []);
  });
});

describe("removing a gather of a service that is started again", () => {
  let stage: Stage;
  let place: Place;
  let oc: FakeOc;
  let service: Service;
  let large: GatherRecord;

  before(async () => {
    stage = await openStage({ MUST_GATHER_IMAGE: INSTANT }, { speed: 200 });
    ({ place, oc, service } = stage);
    large = await largeGather(oc, service, place);
  });
  after(() => stage.close());

  test("purged while it runs, it goes though the service is killed before its end", async () => {
    oc.hold("before-copy");
    const { id } = await service.start({ image: PLAIN });
    await oc.reached("before-copy");
    oc.hold("delete-namespace");
    const asked = await service.fetch(`must-gather/${id}?purge=1`, { method: "DELETE" });
    assert.equal(asked.status, 202);
    service.kill("SIGKILL");
    await service.exit;
    oc.release("delete-namespace");
    // With settings for the next test.
    const env = { MUST_GATHER_IMAGE: INSTANT, EVICT: "oldest", WORK_LIMIT: "10Mi" };
    service = await stage.startAgain(env);
    await until(
      "it is gone",
      async () => (await service.fetch(`must-gather/${id}`)).status === 404,
    );
    assert.deepEqual(oc.running(), []);
    assert.deepEqual(oc.cluster.leftovers(), []);
    oc.release("before-copy");
  });

  test("evicted to make room while it is downloaded, it is read whole and its record stays", async () => {
    const download = await beginDownload(service.url, large["archive-url"]);
    const { id } = await service.start({});
    assert.equal((await service.get(large.id))["archive-url"], "");
    await until("the file goes", async () => {
      const names = await readdir(join(place.folder, "work", String(large.id)));
      return names.every((name) => !name.startsWith("archive"));
    });
    await isWhole(download, large);
    assert.equal((await service.ended(id)).status, "completed");
  });
});

// Not in the suite: on Deno, what a test inside one leaves to its end is not done.
test("a gather that grows too old while it is downloaded is read whole", async (t) => {
  const { registry, log } = await stageRegistry(t);
  const workPath = await testFolder(t);
  const data = Buffer.alloc(LARGE_BYTES, "archive");
  const digest = `sha-256=:${createHash("sha256").update(data).digest("base64")}:`;
  await mkdir(join(workPath, "1"));
  await writeFile(join(workPath, "1", "archive.zip"), data);
  registry.add(
    endedEntry(1, {
      archive: {
        name: "must-gather.zip",
        file: "archive.zip",
        size: data.length,
        digest,
        partial: false,
        verdict: null,
      },
    }),
  );
  const over = new AbortController();
  const deps = {
    registry,
    links: new Links(1000),
    workPath,
    log,
    tally: new Tally(),
    ending: over.signal,
  };
  const app = new Hono<CallerVariables>()
    .use(withoutAuthentication())
    .route("/", archiveRoutes(deps));
  const server = createServer({
    host: "127.0.0.1",
    port: 0,
    tls: undefined,
    fetch: app.fetch,
    log,
  });
  const { port } = await server.listen();
  try {
    const download = await beginDownload(`http://127.0.0.1:${port}/`, "must-gather/1/data");
    removeOldGathers(registry, workPath, 0, log, over.signal);
    await until(
      "it expires",
      async () => !registry.get(1) && !await isThere(join(workPath, "1")),
    );
    assert.deepEqual(await download.finish(), { length: data.length, digest });
  } finally {
    over.abort();
    await server.close(AbortSignal.abort());
  }
});
