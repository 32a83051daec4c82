/** What meets what: every order of two things that a client, oc and the service do at once has an end the contract allows. */
import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import type { GatherRecord } from "../../src/schema/record.ts";
import type { FakeOc } from "../support/fake-oc.ts";
import { exchange } from "../support/raw-http.ts";
import type { Place, Service } from "../support/service.ts";
import { openStage, type Stage } from "../support/stage.ts";
import { until } from "../support/until.ts";
import { get, post, request } from "./hostile/case.ts";
import { atOnce } from "./races/at-once.ts";
import { enlargeTree, SOON_BYTES } from "./races/trees.ts";

const INSTANT = "localhost/instant:latest";
const PLAIN = "localhost/plain-must-gather:latest";
const SLOW = "localhost/slow-must-gather:latest";

const remove = (id: number, query = "") => request("DELETE", `/must-gather/${id}${query}`);
const status = (reply?: { statuses: readonly number[] }) => reply?.statuses[0] ?? 0;
const isLive = ({ status }: GatherRecord) => status === "new" || status === "inprogress";

describe("one slot, and an oc that cleans up when it is told to stop", () => {
  let stage: Stage;
  let place: Place;
  let oc: FakeOc;
  let service: Service;

  before(async () => {
    stage = await openStage({
      MUST_GATHER_IMAGE: INSTANT,
      MAX_CONCURRENT: "1",
      STOP_GRACE: "20s", // a second signal would be one too many
      WORK_LIMIT: "100Gi",
    }, { speed: 200 });
    ({ place, oc, service } = stage);
  });
  afterEach(async () => {
    // Whether the cluster is clean is asked 10 s after each end, so an oc may run for a moment.
    await oc.until(() => oc.running().length === 0, "an oc goes on");
    await oc.until(() => oc.cluster.namespaces().length === 0, "a namespace stays");
    assert.deepEqual(oc.cluster.bindings(), []);
    assert.deepEqual(service.log.filter(({ level }) => level === "error"), []);
  });
  after(() => stage.close());

  const send = (bytes: Uint8Array) => exchange(service.url, bytes);

  /** A gather whose oc waits at a gate. */
  async function heldAt(
    gate: Parameters<FakeOc["hold"]>[0],
    body: Record<string, unknown> = {},
  ): Promise<{ id: number; pid: number }> {
    oc.hold(gate);
    const { id } = await service.start(body);
    return { id, pid: await oc.reached(gate) };
  }

  const signalsTo = (pid: number) => oc.signals().filter((each) => each.pid === pid);
  const isGone = (pid: number) => oc.until(() => !oc.running().includes(pid), "oc goes on");

  describe("cancel against completion", () => {
    test("told to stop with all done but its exit, it is cancelled, though oc exits with 0", async () => {
      const { id, pid } = await heldAt("before-exit");
      assert.equal(status(await send(remove(id))), 202);
      await oc.until(() => signalsTo(pid).length === 1, "it was not told");
      oc.release("before-exit");
      const record = await service.ended(id);
      assert.deepEqual([record.status, record.reason], ["error", "cancelled"]);
      assert.equal(record["exit-code"], 0);
      assert.equal(record.partial, true);
      assert.equal(status(await send(get(`/must-gather/${id}/data`))), 200);
    });

    test("told to stop after its end, nothing changes", async () => {
      const { id } = await service.start({});
      const record = await service.ended(id);
      assert.equal(record.status, "completed", record.message);
      for (const query of ["", "?keep=1"]) {
        const reply = await send(remove(id, query));
        assert.equal(status(reply), 200);
        assert.deepEqual(JSON.parse(reply.body), await service.get(id));
        assert.deepEqual(JSON.parse(reply.body), record);
      }
    });

    test("its end and the order to stop come together: what the reply says is what becomes of it", async () => {
      const { id, pid } = await heldAt("before-exit");
      const [reply] = await atOnce(service, [remove(id)], async () => {
        oc.release("before-exit");
        await isGone(pid);
      });
      const record = await service.ended(id);
      const expected = status(reply) === 202 ? ["error", "cancelled"] : ["completed", ""];
      assert.ok([200, 202].includes(status(reply)), `${status(reply)}`);
      assert.deepEqual([record.status, record.reason], expected);
    });
  });

  describe("cancel against start", () => {
    test("told to stop before oc has made anything, it makes nothing", async () => {
      const { id } = await heldAt("start");
      assert.equal(status(await send(remove(id))), 202);
      const record = await service.ended(id);
      oc.release("start");
      assert.deepEqual([record.status, record.reason], ["error", "cancelled"]);
      assert.equal(record["archive-url"], "");
      assert.doesNotMatch(record["exec-output"], /namespace/);
    });

    test("its turn and the order to stop come together: it is cancelled, whether it has started or not", async () => {
      const first = await heldAt("before-exit");
      const image = "localhost/instant:second";
      const second = await service.start({ image });
      const [reply] = await atOnce(service, [remove(second.id)], async () => {
        oc.release("before-exit");
        await isGone(first.pid);
      });
      assert.equal(status(reply), 202);
      const record = await service.ended(second.id);
      assert.deepEqual([record.status, record.reason], ["error", "cancelled"]);
      const runs = oc.invocations("adm", "must-gather", `--image=${image}`).length;
      assert.ok(runs <= (record["started-at"] === null ? 0 : 1), `${runs} runs`);
      assert.equal((await service.ended(first.id)).status, "completed");
    });

    test("a POST and the DELETE of its id come together: it is cancelled, or was not there yet", async () => {
      const { id } = await service.start({});
      await service.ended(id);
      const [made, removed] = await atOnce(service, [post("{}"), remove(id + 1)]);
      assert.equal(status(made), 201);
      const record = await service.ended(id + 1);
      if (status(removed) === 404) assert.equal(record.status, "completed", record.message);
      else assert.deepEqual([status(removed), record.reason], [202, "cancelled"]);
    });
  });

  describe("two DELETEs", () => {
    test("one keeps what is on disk", async () => {
      const { id, pid } = await heldAt("during-copy", { image: PLAIN });
      assert.equal(status(await send(remove(id))), 202);
      await oc.until(() => signalsTo(pid).length > 0, "it was not told");
      oc.release("during-copy");
      const record = await service.ended(id);
      assert.deepEqual([record.reason, record.partial], ["cancelled", true]);
      assert.equal(status(await send(get(`/must-gather/${id}/data`))), 200);
      assert.equal(signalsTo(pid).length, 1);
    });

    test("two at once are one signal, and nothing is packed", async () => {
      const { id, pid } = await heldAt("during-copy", { image: PLAIN });
      const replies = await atOnce(service, [remove(id), remove(id)]);
      assert.deepEqual(replies.map(status), [202, 202]);
      await oc.until(() => signalsTo(pid).length > 0, "it was not told");
      oc.release("during-copy");
      const record = await service.ended(id);
      assert.deepEqual([record.status, record.reason], ["error", "cancelled"]);
      assert.equal(record["archive-url"], "");
      assert.ok(!record.transitions.some(({ to }) => to.includes("packing")));
      assert.equal(status(await send(get(`/must-gather/${id}/data`))), 404);
      assert.equal(signalsTo(pid).length, 1);
    });

    test("the second of ?keep changes nothing, while salvaging and while oc stops", async () => {
      const { id, pid } = await heldAt("during-copy", { image: PLAIN });
      oc.hold("exec");
      assert.equal(status(await send(remove(id, "?keep=1"))), 202);
      await oc.reached("exec");
      assert.equal(status(await send(remove(id, "?keep=1"))), 202);
      assert.equal((await service.get(id)).state, "inprogress.salvaging");
      assert.deepEqual(signalsTo(pid), []);
      oc.release("exec");
      await oc.until(() => signalsTo(pid).length === 1, "it was not told");
      assert.equal(status(await send(remove(id, "?keep=1"))), 202);
      oc.release("during-copy");
      const record = await service.ended(id);
      assert.deepEqual([record.reason, record.partial], ["cancelled", true]);
      assert.notEqual(record["archive-url"], "");
    });

    test("one without ?keep ends the salvage that one with it began", async () => {
      const { id } = await service.start({ image: SLOW });
      await service.until(id, ({ state }) => state.endsWith("collecting"));
      oc.hold("exec");
      assert.equal(status(await send(remove(id, "?keep=1"))), 202);
      const exec = await oc.reached("exec");
      assert.equal(status(await send(remove(id))), 202);
      await isGone(exec);
      const record = await service.ended(id);
      oc.release("exec");
      assert.deepEqual([record.status, record.reason], ["error", "cancelled"]);
      assert.deepEqual(
        record.transitions.map(({ to }) => to).slice(-4, -1),
        ["inprogress.stopping", "inprogress.reaping", "inprogress.packing"],
      );
    });

    test("while it packs, one finishes with what is in", async () => {
      const { id } = await packing();
      assert.equal(status(await send(remove(id))), 202);
      const record = await service.ended(id);
      assert.deepEqual([record.status, record.reason], ["error", "cancelled"]);
      assert.equal(record.partial, true);
      const data = await service.fetch(record["archive-url"]);
      assert.equal((await data.arrayBuffer()).byteLength, record["archive-size"]);
      const { files } = await (await service.fetch(`must-gather/${id}/files?prefix=zzz/`))
        .json() as { files: { path: string }[] };
      assert.deepEqual(files.map(({ path }) => path), ["zzz/soon.bin"]);
    });

    test("while it packs, two end it without an archive, and nothing half-written stays", async () => {
      const { id } = await packing();
      const replies = await atOnce(service, [remove(id), remove(id)]);
      assert.deepEqual(replies.map(status), [202, 202]);
      const record = await service.ended(id);
      assert.deepEqual([record.status, record.reason], ["error", "cancelled"]);
      assert.equal(record["archive-url"], "");
      await until("only the log stays", async () => {
        const names = await readdir(join(place.folder, "work", String(id)));
        return names.every((name) => name.startsWith("exec.log"));
      });
    });

    /** A gather in the middle of being packed: with all but one file in, which takes far longer than the test. */
    async function packing(): Promise<{ id: number }> {
      const { id } = await heldAt("before-exit", { image: PLAIN });
      await enlargeTree(join(place.folder, "work", String(id), "tree"));
      oc.release("before-exit");
      const part = join(place.folder, "work", String(id), "archive.zip.part");
      await until("the first of them is in", async () => {
        const { size } = await stat(part).catch(() => ({ size: 0 }));
        return size >= SOON_BYTES;
      });
      assert.equal((await service.get(id)).state, "inprogress.packing");
      return { id };
    }
  });

  describe("the same POST again", () => {
    const NAMED = '{"custom-name": "plan:twice"}';
    const idOf = ({ body }: { body: string }) => (JSON.parse(body) as { id: number }).id;

    test("five of one custom name at once are one gather", async () => {
      const replies = await atOnce(service, Array(5).fill(post(NAMED)));
      assert.deepEqual(replies.map(status).sort(), [200, 200, 200, 200, 201]);
      assert.equal(new Set(replies.map(idOf)).size, 1);
      await onlyRan(replies.map(idOf));
    });

    test("five of one Idempotency-Key at once are one gather, and another body is refused", async () => {
      const key = ["Idempotency-Key: at-once"];
      const same = Array.from({ length: 5 }, () => post("{}", key));
      const replies = await atOnce(service, same);
      assert.deepEqual(replies.map(status).sort(), [200, 200, 200, 200, 201]);
      assert.equal(new Set(replies.map(idOf)).size, 1);
      assert.equal(status(await send(post('{"timeout": "5m"}', key))), 422);
      await onlyRan(replies.map(idOf));
    });

    test("two bodies with one Idempotency-Key at once are one gather and one refusal", async () => {
      const key = ["Idempotency-Key: two-bodies"];
      const replies = await atOnce(service, [post("{}", key), post('{"timeout": "5m"}', key)]);
      assert.deepEqual(replies.map(status).sort(), [201, 422]);
      await onlyRan(replies.filter((reply) => status(reply) === 201).map(idOf));
    });

    test("behind a DELETE it is another gather, though the first has not ended", async () => {
      const first = await heldAt("before-delete", { "custom-name": "plan:again", "image": PLAIN });
      assert.equal(status(await send(remove(first.id))), 202);
      const again = await service.start({ "custom-name": "plan:again", "image": PLAIN });
      assert.ok(again.id > first.id);
      assert.ok(isLive(await service.get(first.id)));
      oc.release("before-delete");
      assert.equal((await service.ended(first.id)).reason, "cancelled");
      const record = await service.ended(again.id);
      assert.equal(record.status, "completed", record.message);
    });

    async function onlyRan(ids: number[]): Promise<void> {
      const [id = 0] = ids;
      assert.equal((await service.ended(id)).status, "completed");
      assert.equal(status(await send(get(`/must-gather/${id + 1}`))), 404);
    }
  });
});
