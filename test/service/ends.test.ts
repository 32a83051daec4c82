/** How gathers end that do not end well: asked to, out of time, or with their service. */
import assert from "node:assert/strict";
import { readdir, rename, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import { archived, fill, text } from "../archive/work.ts";
import type { FakeOc } from "../support/fake-oc.ts";
import { type Place, type Service, startService } from "../support/service.ts";
import { openStage, type Stage } from "../support/stage.ts";
import { until } from "../support/until.ts";

const SLOW = { image: "localhost/slow-must-gather:latest" };

describe("a gather that does not end by itself", () => {
  let stage: Stage;
  let place: Place;
  let oc: FakeOc;
  let service: Service;

  before(async () => {
    stage = await openStage({ MAX_CONCURRENT: "1", TIMEOUT_GRACE: "0s" });
    ({ place, oc, service } = stage);
  });
  after(() => stage.close());
  const collecting = async () => {
    const { id } = await service.start(SLOW);
    await service.until(id, ({ state }) => state.includes("collecting"));
    return id;
  };

  test("DELETE answers 202, and it is cancelled once its process group and its namespace are gone", async () => {
    const id = await collecting();
    const reply = await service.fetch(`must-gather/${id}`, { method: "DELETE" });
    assert.equal(reply.status, 202);
    const record = await service.ended(id);
    assert.equal(record.status, "error");
    assert.equal(record.reason, "cancelled");
    assert.deepEqual(oc.running(), []);
    assert.deepEqual(record.leftovers, []);
    const ended = await service.fetch(`must-gather/${id}`, { method: "DELETE" });
    assert.equal(ended.status, 200, "an ended one stays as it is");
  });

  test("a waiting one is cancelled at once and never starts", async () => {
    const first = await collecting();
    const runs = () => oc.invocations("adm", "must-gather").length;
    const before = runs();
    const second = await service.start({ ...SLOW, "custom-name": "second" });
    assert.equal((await service.get(second.id)).progress["queue-position"], 1);
    await service.fetch(`must-gather/${second.id}`, { method: "DELETE" });
    const record = await service.get(second.id);
    assert.equal(record.reason, "cancelled");
    assert.equal(record["started-at"], null);
    await service.fetch(`must-gather/${first}`, { method: "DELETE" });
    await service.ended(first);
    assert.equal(runs(), before);
  });

  test("the deadline holds for an oc that takes no signal, and what was collected is kept", async () => {
    oc.use("never-exits");
    const { id } = await service.start({ ...SLOW, timeout: "2s" });
    const record = await service.ended(id);
    oc.use(null);
    assert.equal(record.status, "error");
    assert.equal(record.reason, "timeout");
    assert.match(record.message, /timeout of 2s/);
    assert.deepEqual(oc.running(), []);
  });

  test("purging a live one cancels it, then removes its record and its files", async () => {
    const id = await collecting();
    assert.equal(
      (await service.fetch(`must-gather/${id}?purge=1`, { method: "DELETE" })).status,
      202,
    );
    for (;;) {
      const { status } = await service.fetch(`must-gather/${id}`);
      if (status === 404) break;
      assert.equal(status, 200);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await oc.until(() => oc.running().length === 0, "oc goes on");
    const next = await service.start({ image: "localhost/instant:latest" });
    assert.ok(next.id > id, "its id is not given again");
    await service.ended(next.id);
    assert.deepEqual(
      (await readdir(join(place.folder, "work"))).filter((name) => name === String(id)),
      [],
    );
  });

  test("two services do not share a journal", async () => {
    await assert.rejects(startService(place, { OC: oc.path }), /Another must-gather service uses/);
  });
});

describe("a gather whose service ends", () => {
  const env = { MAX_CONCURRENT: "1", DRAIN_GRACE: "10s" };
  let stage: Stage;
  let place: Place;
  let oc: FakeOc;
  /** Each test ends it and starts it again, for the next one too. */
  let service: Service;

  before(async () => {
    stage = await openStage(env);
    ({ place, oc, service } = stage);
  });
  after(() => stage.close());

  test("after SIGKILL everything is listed, what ran is interrupted, what waited runs, no process is left", async () => {
    const done = await service.start({ image: "localhost/instant:latest", "custom-name": "done" });
    const whole = await service.ended(done.id);
    assert.equal(whole.status, "completed", whole.message);
    const running = await service.start({ ...SLOW, "custom-name": "running" });
    await oc.entered("gathering");
    await service.until(running.id, ({ state }) => state.includes("collecting"));
    const waiting = await service.start({
      image: "localhost/instant:latest",
      "custom-name": "waiting",
    });
    service.kill("SIGKILL");
    await service.exit;

    service = await stage.startAgain(env);
    const listed = await (await service.fetch("must-gather")).json() as { id: number }[];
    assert.deepEqual(listed.map(({ id }) => id), [done.id, running.id, waiting.id]);
    const interrupted = await service.ended(running.id);
    assert.equal(interrupted.status, "error");
    assert.equal(interrupted.reason, "interrupted");
    const resumed = await service.ended(waiting.id);
    assert.equal(resumed.status, "completed", resumed.message);
    assert.deepEqual(oc.running(), []);
    await oc.until(() => oc.cluster.namespaces().length === 0, "a namespace stays");
    const archive = await service.fetch(`must-gather/${done.id}/data`);
    assert.equal((await archive.arrayBuffer()).byteLength, whole["archive-size"]);
    const again = await service.start({
      image: "localhost/instant:latest",
      "custom-name": "running",
    });
    assert.equal((await service.ended(again.id)).status, "completed");
  });

  test("a ZIP that files had gone into when the service was killed is completed at the next start", async () => {
    const { id } = await service.start(SLOW);
    await service.until(id, ({ state }) => state.includes("collecting"));
    service.kill("SIGKILL");
    await service.exit;
    const folder = join(place.folder, "work", String(id));
    const tree = join(folder, "tree");
    const names = Array.from({ length: 9 }, (_, i) => `n/${i}.log`);
    await fill(tree, Object.fromEntries(names.map((name) => [name, text(9000)])));
    await archived(tree, folder, { free: () => Promise.resolve(0) });
    // As if it had been killed when the first had gone, and in the midst of another.
    await truncate(join(folder, "archive.zip"), 5000);
    await rename(join(folder, "archive.zip"), join(folder, "archive.zip.part"));
    await writeFile(join(folder, "archive.zip.taken"), "2000");
    await fill(tree, Object.fromEntries(names.slice(1).map((name) => [name, text(9000)])));

    service = await stage.startAgain(env);
    const record = await service.ended(id);
    assert.deepEqual([record.status, record.reason], ["error", "interrupted"]);
    const archive = await service.fetch(record["archive-url"]);
    assert.equal((await archive.arrayBuffer()).byteLength, record["archive-size"]);
    const listed = await (await service.fetch(`must-gather/${id}/files?prefix=n/`)).json() as {
      files: { path: string; size: number }[];
    };
    assert.deepEqual(
      listed.files.map(({ path, size }) => [path, size]),
      names.map((name) => [name, 9000]),
    );
    const rest = async () => (await readdir(folder)).filter((name) => name.startsWith("archive"));
    await until("all but the archive is cleared away", async () => (await rest()).length === 1);
    assert.deepEqual(await rest(), ["archive.zip"]);
  });

  test("SIGTERM ends what runs, keeps what waits, and exits with 0", async () => {
    const running = await service.start({ ...SLOW, "custom-name": "running" });
    await service.until(running.id, ({ state }) => state.includes("collecting"));
    const waiting = await service.start({
      image: "localhost/instant:latest",
      "custom-name": "waiting",
    });
    assert.equal(await service.stop(), 0);
    // A deletion that was on its way when the service ended may take a moment longer.
    await oc.until(() => oc.running().length === 0, "a process of the gather goes on");
    service = await stage.startAgain(env);
    assert.equal((await service.get(running.id)).reason, "interrupted");
    const resumed = await service.ended(waiting.id);
    assert.equal(resumed.status, "completed", resumed.message);
  });
});

describe("a gather of oc 4.13, whose oc dies", () => {
  let stage: Stage;
  let oc: FakeOc;
  let service: Service;

  before(async () => {
    stage = await openStage({}, { release: "4.13" });
    ({ oc, service } = stage);
  });
  after(() => stage.close());

  test("an oc that dies at once and cleans nothing leaves nothing either", async () => {
    const { id } = await service.start(SLOW);
    await oc.entered("gathering");
    await service.until(id, ({ state }) => state.includes("collecting"));
    await service.fetch(`must-gather/${id}`, { method: "DELETE" });
    const record = await service.ended(id);
    assert.equal(record.reason, "cancelled");
    assert.deepEqual(record.leftovers, []);
    assert.deepEqual(oc.cluster.bindings(), []);
    await oc.until(() => oc.cluster.namespaces().length === 0, "the namespace stays");
  });

  test("what oc made is removed also when nobody had read its name before oc and the service were killed", async () => {
    oc.hold("before-namespace");
    const { id } = await service.start(SLOW);
    const pid = await oc.reached("before-namespace");
    service.kill("SIGSTOP"); // it reads nothing any more
    oc.release("before-namespace");
    await oc.until(() => oc.cluster.leftovers().length === 2, "oc makes nothing");
    process.kill(pid, "SIGKILL");
    service.kill("SIGKILL");
    await service.exit;
    assert.equal(oc.cluster.leftovers().length, 2, "a namespace and a binding stand");

    service = await stage.startAgain();
    const record = await service.ended(id);
    assert.deepEqual([record.reason, record.leftovers], ["interrupted", []]);
    assert.deepEqual(oc.cluster.leftovers(), []);
    assert.deepEqual(oc.cluster.bindings(), []);
  });
});
