/** What the Forklift UI does, against the real service and an oc that behaves as recorded. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import type { FakeOc } from "../support/fake-oc.ts";
import type { Service } from "../support/service.ts";
import { openStage, type Stage } from "../support/stage.ts";
import type { GatherRecord } from "../../src/schema/record.ts";

describe("the UI's sequence", () => {
  let stage: Stage;
  let oc: FakeOc;
  let service: Service;

  before(async () => {
    stage = await openStage({ MUST_GATHER_IMAGE: "localhost/forklift-must-gather:latest" });
    ({ oc, service } = stage);
  });
  after(() => stage.close());

  test("POST, poll by name until completed, download by number", async () => {
    const reply = await service.fetch("must-gather", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ "custom-name": "plan:p1", command: "PLAN=p1 /usr/bin/targeted" }),
    });
    assert.equal(reply.status, 201);
    assert.equal(reply.headers.get("location"), "must-gather/1");
    const made = await reply.json() as GatherRecord;
    assert.equal(made.status, "new");
    assert.deepEqual(Object.keys(made).slice(0, 15), [
      "id",
      "created-at",
      "updated-at",
      "custom-name",
      "status",
      "image",
      "image-stream",
      "node-name",
      "command",
      "source-dir",
      "timeout",
      "server",
      "archive-size",
      "archive-name",
      "exec-output",
    ]);
    assert.ok(Object.values(made).slice(0, 15).every((value) => value !== null));

    const listed = await (await service.fetch("must-gather")).json() as GatherRecord[];
    assert.deepEqual(listed.map(({ id }) => id), [1]);
    assert.equal("transitions" in (listed[0] ?? {}), false);

    const record = await service.ended("plan:p1");
    assert.equal(record.status, "completed", record.message);
    assert.equal(record.id, 1);
    assert.equal(record.command, "PLAN=p1 /usr/bin/targeted");
    assert.equal(record["archive-name"], "must-gather-plan:p1.tar.gz");
    assert.equal(record.partial, false);
    assert.equal(record["exit-code"], 0);
    assert.equal(record.reason, "");
    assert.match(record["exec-output"], /^\n.*PLAN=\[p1\]/s);
    assert.deepEqual(record.leftovers, []);
    assert.deepEqual(record.transitions.map(({ to }) => to), [
      "inprogress.gathering.starting",
      "inprogress.gathering.collecting",
      "inprogress.copying.receiving",
      "inprogress.reaping",
      "inprogress.packing",
      "completed",
    ]);

    const data = await service.fetch(record["archive-url"]);
    const bytes = Buffer.from(await data.arrayBuffer());
    assert.equal(bytes.length, record["archive-size"]);
    assert.equal(data.headers.get("content-length"), String(bytes.length));
    assert.match(data.headers.get("content-disposition") ?? "", /must-gather-plan:p1\.tar\.gz/);
    const digest = createHash("sha256").update(bytes).digest("base64");
    assert.equal(record["archive-digest"], `sha-256=:${digest}:`);
    assert.deepEqual([...bytes.subarray(0, 2)], [0x1f, 0x8b]);
    assert.deepEqual(oc.running(), []);
  });

  test("the command reaches oc as one argument, and no value can be an option", () => {
    const [run] = oc.invocations(
      "adm",
      "must-gather",
      "--image=localhost/forklift-must-gather:latest",
    );
    assert.equal(run?.argv.at(-1), "PLAN=p1 /usr/bin/targeted");
    assert.equal(run?.argv.at(-2), "--");
  });

  test("a second POST while the first is live finds the first", async () => {
    oc.hold("before-copy");
    const request = { "custom-name": "vm:web (prod)", command: "VM=web (prod) /usr/bin/targeted" };
    const first = await service.start(request);
    const second = await service.start(request);
    assert.equal(second.id, first.id);
    const other = await service.start({ ...request, timeout: "5m" });
    assert.notEqual(other.id, first.id);
    oc.release("before-copy");
    assert.equal((await service.ended(first.id)).status, "completed");
    assert.equal((await service.ended(other.id)).status, "completed");
    const again = await service.start(request);
    assert.ok(again.id > other.id, "an ended one is not found again");
    await service.ended(again.id);
  });

  test("a name that is not encoded in the path is found, and the newest of a name", async () => {
    const { id } = await service.start({ "custom-name": "plan:100%" });
    const record = await (await service.fetch("must-gather/plan:100%")).json() as GatherRecord;
    assert.equal(record.id, id);
    await service.ended(id);
  });

  test("a record that has not changed is not sent again, and one can wait for a change", async () => {
    oc.hold("before-namespace");
    const { id } = await service.start({ "custom-name": "waits" });
    await oc.reached("before-namespace");
    await service.until(id, ({ state }) => state === "inprogress.gathering.starting");
    const first = await service.fetch(`must-gather/${id}`);
    const etag = first.headers.get("etag") ?? "";
    const known = { headers: { "if-none-match": etag } };
    assert.equal((await service.fetch(`must-gather/${id}`, known)).status, 304);
    const waiting = service.fetch(`must-gather/${id}`, {
      headers: { ...known.headers, prefer: "wait=20" },
    });
    oc.release("before-namespace");
    const changed = await waiting;
    assert.equal(changed.status, 200);
    assert.equal(changed.headers.get("preference-applied"), "wait=20");
    assert.notEqual(changed.headers.get("etag"), etag);
    await service.ended(id);
  });

  test("what an image leaves as a tree comes as a ZIP that Python reads", async () => {
    const { id } = await service.start({ image: "localhost/plain-must-gather:latest" });
    const record = await service.ended(id);
    assert.equal(record.status, "completed", record.message);
    assert.equal(record["archive-name"], "must-gather.zip");
    const data = Buffer.from(await (await service.fetch(record["archive-url"])).arrayBuffer());
    assert.equal(data.readUInt32LE(0), 0x04034b50);
  });
});
