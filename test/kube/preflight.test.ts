import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Asker } from "../../src/kube/asker.ts";
import { preflight } from "../../src/kube/preflight.ts";
import { Problem } from "../../src/problem.ts";
import type { ApiServer } from "../support/api-server.ts";
import { ADMIN, PATIENT_MS, SERVICE, stageApi, VIEWER } from "./stage.ts";

interface Stage {
  api: ApiServer;
  askers: { of: (server: string, token: string | undefined) => Asker | undefined };
}

/** What the preflight says: `""` where nothing is against it. */
async function refusal(
  { askers }: Stage,
  token: string | undefined,
  { timeoutMs = PATIENT_MS, proxied = false } = {},
): Promise<{ status: number; detail: string } | undefined> {
  const asker = askers.of("", token);
  assert.ok(asker);
  try {
    await preflight(asker, { timeoutMs, proxied });
    return undefined;
  } catch (error) {
    assert.ok(error instanceof Problem, String(error));
    return { status: error.status, detail: error.detail };
  }
}

const staged = async (t: TestContext): Promise<Stage> => await stageApi(t);

test("who may create what oc creates is let through, with two small questions", async (t) => {
  const stage = await staged(t);
  assert.equal(await refusal(stage, ADMIN), undefined);
  assert.equal(stage.api.asked.access, 2);
});

test("who may not is refused with 403 that names what", async (t) => {
  const stage = await staged(t);
  assert.deepEqual(await refusal(stage, VIEWER), {
    status: 403,
    detail: "This token's user may not create namespaces and clusterrolebindings, " +
      "which oc adm must-gather does: ask for the ClusterRole cluster-admin",
  });
  stage.api.users.set("half", { name: "half", admin: false, may: { namespaces: true } });
  assert.match((await refusal(stage, "half"))?.detail ?? "", /may not create clusterrolebindings,/);
  stage.api.users.set(SERVICE, { name: "the service", admin: false });
  assert.match(
    (await refusal(stage, undefined))?.detail ?? "",
    /^The service's own credentials may/,
  );
});

test("a token that the cluster does not know is 401, what the service shows 403", async (t) => {
  const stage = await staged(t);
  assert.equal((await refusal(stage, "unknown"))?.status, 401);
  stage.api.users.delete(SERVICE);
  const service = await refusal(stage, undefined);
  assert.equal(service?.status, 403);
  assert.match(service?.detail ?? "", /does not know the service's own credentials/);
});

test("503 where nobody listens, unless oc goes through a proxy", async (t) => {
  const stage = await staged(t);
  await stage.api.close();
  assert.equal((await refusal(stage, ADMIN))?.status, 503);
  assert.equal(await refusal(stage, ADMIN, { proxied: true }), undefined);
});

test("what is not told, or not in time, is left to oc", async (t) => {
  const stage = await staged(t);
  for (const mood of ["500", "429", "broken", "cut", "huge", "hang-up"] as const) {
    stage.api.mood = mood;
    assert.equal(await refusal(stage, ADMIN), undefined, mood);
  }
  stage.api.mood = "hold";
  const started = performance.now();
  assert.equal(await refusal(stage, ADMIN, { timeoutMs: 200 }), undefined);
  assert.ok(performance.now() - started < 2_000);
});
