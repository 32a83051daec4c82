/** `/metrics` of the real service: what happens to it shows there, and nobody's name does. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type ApiServer, makeAuthority, startApiServer } from "../support/api-server.ts";
import { parseExposition } from "../support/exposition.ts";
import { createFakeOc, type FakeOc } from "../support/fake-oc.ts";
import { kubeconfig } from "../support/kubeconfig.ts";
import { exchange } from "../support/raw-http.ts";
import { makePlace, type Place, type Service, startService } from "../support/service.ts";
import { until } from "../support/until.ts";

const ADMIN = "sha256~admin-token-of-the-metrics-test";
const NAME = "plan:a-name-that-nobody-else-has";

describe("/metrics", () => {
  let place: Place;
  let api: ApiServer;
  let oc: FakeOc;
  let service: Service;

  before(async () => {
    place = await makePlace();
    const authority = await makeAuthority(join(place.folder, "ca"));
    api = await startApiServer(await authority.issue());
    api.users.set(ADMIN, { name: "kube:admin", admin: true });
    oc = await createFakeOc({ folder: place.folder, tokens: [ADMIN] });
    const path = join(place.folder, "kubeconfig");
    await writeFile(path, kubeconfig(api.url, authority.path));
    const env = { OC: oc.path, AUTH: "cluster-admin", KUBECONFIG: path, MAX_CONCURRENT: "1" };
    service = await startService(place, env);
  });
  after(async () => {
    await service.stop();
    await oc.close();
    await api.close();
    await place.remove();
  });

  const admin = (path: string, init: RequestInit = {}) =>
    service.fetch(path, { ...init, headers: { authorization: `Bearer ${ADMIN}` } });
  const start = async (query: string) => {
    const reply = await admin(`must-gather?${query}`, { method: "POST" });
    assert.equal(reply.status, 201);
    return await reply.json() as { id: number };
  };
  /** The sum of a series over the labels that are not given. */
  const value = async (name: string, labels: Record<string, string> = {}) => {
    const reply = await service.fetch("metrics");
    assert.equal(reply.status, 200);
    assert.equal(reply.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert.equal(reply.headers.get("cache-control"), "no-store");
    const families = [...parseExposition(await reply.text()).values()];
    return families.flatMap(({ samples }) => samples)
      .filter((sample) => sample.name === name)
      .filter((sample) =>
        Object.entries(labels).every(([key, text]) => sample.labels[key] === text)
      )
      .reduce((sum, sample) => sum + sample.value, 0);
  };
  const becomes = (expected: number, name: string, labels: Record<string, string> = {}) =>
    until(`${name} ${JSON.stringify(labels)} ${expected}`, async () => {
      return await value(name, labels) === expected;
    });

  test("asks no token, tells of a gather that runs and one that waits, and of both when they ended", async () => {
    oc.hold("during-gather");
    const { id } = await start(`custom-name=${encodeURIComponent(NAME)}`);
    await oc.reached("during-gather");
    const waiting = await start("");
    await becomes(1, "must_gather_queue_length");
    await becomes(1, "must_gather_gathers", { status: "inprogress" });
    await admin(`must-gather/${waiting.id}`, { method: "DELETE" });
    oc.release("during-gather");
    await becomes(1, "must_gather_gathers_ended_total", { status: "completed" });
    await becomes(1, "must_gather_gathers_ended_total", { reason: "cancelled" });
    await becomes(1, "must_gather_duration_seconds_count", { status: "completed" });
    await becomes(1, "must_gather_queue_wait_seconds_count");
    for (const phase of ["starting", "gathering", "copying", "packing"]) {
      assert.equal(await value("must_gather_phase_duration_seconds_count", { phase }), 1, phase);
    }
    const archive = await (await admin(`must-gather/${id}/data`)).arrayBuffer();
    await becomes(archive.byteLength, "must_gather_download_bytes_total");
    assert.equal(await value("must_gather_archive_bytes_total"), archive.byteLength);
    assert.ok(
      await value("must_gather_disk_used_bytes") <= await value("must_gather_disk_limit_bytes"),
    );
    const text = await (await service.fetch("metrics")).text();
    for (const secret of [ADMIN, NAME, "kube:admin", "must-gather-", `id=`]) {
      assert.ok(!text.includes(secret), secret);
    }
  });

  test("counts what the cluster was asked, what was kept of it, and what was refused", async () => {
    const before = api.asked.access;
    const questions = await value("must_gather_access_questions_total"); // a POST's preflight asks others
    await (await service.fetch("must-gather", { headers: { authorization: "Bearer nobody" } }))
      .text();
    assert.equal(api.asked.access, before + 1);
    await becomes(questions + 1, "must_gather_access_questions_total");
    await becomes(1, "must_gather_access_questions_total", { answer: "401" });
    await becomes(1, "must_gather_refusals_total", { status: "401" });
    assert.ok(await value("must_gather_access_cache_hits_total") > 0);
    await (await service.fetch("nothing/here")).text();
    await (await service.fetch("healthz", { method: "POST" })).text();
    await exchange(service.url, "nonsense\r\n\r\n");
    for (const status of ["400", "404", "405"]) {
      await becomes(1, "must_gather_refusals_total", { status });
    }
  });
});
