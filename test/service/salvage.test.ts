/** What is kept of gathers that are stopped, and that nothing of them stays in the cluster. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import type { GatherRecord } from "../../src/schema/record.ts";
import type { FakeOc } from "../support/fake-oc.ts";
import { PYTHON } from "../support/python.ts";
import type { Service } from "../support/service.ts";
import { openStage, type Stage } from "../support/stage.ts";

const SLOW = { image: "localhost/slow-must-gather:latest" };

/** The names in the archive of a gather. */
async function names(service: Service, record: GatherRecord): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "mg-zip-"));
  try {
    const file = join(folder, "a.zip");
    const data = await service.fetch(record["archive-url"]);
    await writeFile(file, Buffer.from(await data.arrayBuffer()));
    const list = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); " +
      "assert z.testzip() is None; print('\\n'.join(z.namelist()))";
    const { stdout } = await promisify(execFile)(PYTHON, ["-c", list, file]);
    return stdout.trim().split("\n");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

for (const release of ["4.13", "4.18", "4.22"] as const) {
  describe(`a gather with oc ${release} that is stopped`, () => {
    let stage: Stage;
    let oc: FakeOc;
    let service: Service;

    before(async () => {
      stage = await openStage({ TIMEOUT_GRACE: "0s" }, { release });
      ({ oc, service } = stage);
    });
    after(() => stage.close());
    /** Starts the service again, for the tests behind too. */
    const nextLife = async (env: Record<string, string> = {}) =>
      service = await stage.startAgain(env);
    const collecting = async () => {
      const { id } = await service.start(SLOW);
      await service.until(id, ({ state }) => state.endsWith("collecting"));
      return id;
    };

    test("with DELETE ?keep=1 brings what the pods have so far", async () => {
      const id = await collecting();
      const reply = await service.fetch(`must-gather/${id}?keep=1`, { method: "DELETE" });
      assert.equal(reply.status, 202);
      const record = await service.ended(id);
      assert.equal(record.status, "error");
      assert.equal(record.reason, "cancelled");
      assert.equal(record.partial, true);
      assert.ok(
        (await names(service, record)).some((name) => name.startsWith("salvaged-must-gather-")),
      );
      assert.ok(record.transitions.some(({ to }) => to === "inprogress.salvaging"));
      assert.deepEqual(oc.running(), []);
      await oc.until(() => oc.cluster.namespaces().length === 0, "the namespace stays");
      assert.deepEqual(oc.cluster.bindings(), []);
    });

    if (release === "4.18") {
      test("the deadline brings what the pods have so far", async () => {
        const { id } = await service.start({ ...SLOW, timeout: "3s" });
        const record = await service.ended(id);
        assert.equal(record.reason, "timeout");
        assert.equal(record.partial, true);
        assert.match(record.message, /archive holds what was collected/);
        assert.ok(
          (await names(service, record)).some((name) => name.startsWith("salvaged-must-gather-")),
        );
      });

      test("a pod that cannot be reached is named", async () => {
        oc.execAs("unreachable");
        const id = await collecting();
        await service.fetch(`must-gather/${id}?keep=1`, { method: "DELETE" });
        const record = await service.ended(id);
        oc.execAs(null);
        assert.equal(record.reason, "cancelled");
        assert.match(record.message, /must-gather-[a-z0-9]{5}/);
        await oc.until(() => oc.cluster.namespaces().length === 0, "the namespace stays");
      });
    }

    if (release === "4.13") {
      test("what cannot be deleted at first is tried again until it is gone", async () => {
        oc.fail("delete clusterrolebinding", "server-error", 2);
        const id = await collecting();
        await service.fetch(`must-gather/${id}`, { method: "DELETE" });
        const record = await service.ended(id);
        assert.deepEqual(record.leftovers, []);
        assert.deepEqual(oc.cluster.bindings(), []);
      });

      test("after a crash the next life deletes what is left, also when oc had died", async () => {
        oc.fail("delete clusterrolebinding", "server-error");
        oc.fail("delete namespace", "server-error");
        const id = await collecting();
        await service.fetch(`must-gather/${id}`, { method: "DELETE" });
        await service.until(id, ({ state }) => state === "inprogress.reaping");
        const file = join(stage.place.folder, "journal", `${id}.json`);
        await oc.until(
          () => JSON.parse(readFileSync(file, "utf8")).state === "inprogress.reaping",
          "the journal does not know that it reaps",
        );
        service.kill("SIGKILL");
        await service.exit;
        assert.equal(oc.cluster.bindings().length, 1);
        oc.mend();
        await nextLife({ DRAIN_GRACE: "20s", STOP_GRACE: "5s" });
        const record = await service.ended(id);
        assert.equal(record.reason, "cancelled", "the reason it had stays");
        assert.deepEqual(record.leftovers, []);
        assert.deepEqual(oc.cluster.bindings(), []);
      });

      test("SIGTERM deletes binding and namespace at once, and a second one hurries", async () => {
        oc.use("never-exits");
        const id = await collecting();
        service.kill("SIGTERM");
        await oc.until(() => oc.cluster.bindings().length === 0, "the binding stays");
        const refused = await service.fetch("must-gather", { method: "POST" }).then(
          (reply) => [reply.status, reply.headers.get("retry-after")],
          () => ["closed"],
        );
        assert.ok(refused[0] === "closed" || (refused[0] === 503 && refused[1] !== null));
        service.kill("SIGTERM");
        assert.equal(await service.exit, 0);
        assert.deepEqual(oc.running(), []);
        await nextLife();
        assert.equal((await service.ended(id)).reason, "interrupted");
      });
    }

    if (release === "4.22") {
      test("an oc whose start was not yet written down is ended by the next life", async () => {
        oc.hold("before-namespace");
        const { id } = await service.start(SLOW);
        await oc.reached("before-namespace");
        service.kill("SIGKILL");
        await service.exit;
        oc.release("before-namespace");
        const file = join(stage.place.folder, "journal", `${id}.json`);
        const entry = JSON.parse(readFileSync(file, "utf8"));
        await writeFile(file, JSON.stringify({ ...entry, process: null }));
        await nextLife();
        assert.equal((await service.ended(id)).reason, "interrupted");
        assert.deepEqual(oc.running(), []);
      });
    }
  });
}
