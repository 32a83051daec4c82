import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { Plans } from "../../src/forklift/plans.ts";
import { listTargets } from "../../src/forklift/targets.ts";
import type { Entry } from "../../src/gathers/entry.ts";
import { Held } from "../../src/gathers/held.ts";
import { entry, request } from "../gathers/stage.ts";
import { ADMIN, stageApi, VIEWER } from "../kube/stage.ts";
import { type Item, plan, PLANS_PATH } from "../support/api-lists.ts";

const UID = "0f3c1b1e-0000-4000-8000-000000000001";

async function stage(t: TestContext, plans?: readonly Item[]) {
  const { api, askers } = await stageApi(t);
  if (plans) api.lists.items.set(PLANS_PATH, plans);
  const known = new Plans();
  const list = (token = ADMIN, entries: readonly Entry[] = []) => {
    const asker = askers.of("", token);
    assert.ok(asker);
    const gathers = entries.map((each) => new Held(each, 1, () => each));
    return listTargets(asker, known, gathers);
  };
  return { api, list };
}

const gathered = (id: number, command: string, more: Partial<Entry> & { name?: string } = {}) => {
  const { name = "", ...rest } = more;
  return entry(id, { request: request({ command, customName: name }), ...rest });
};
const last = (id: number, status = "new") => ({
  "id": id,
  "status": status,
  "created-at": "2026-01-02T03:04:05.000Z",
});

test("plans and their VMs are listed with what they are and when they were gathered last", async (t) => {
  const { list } = await stage(t, [
    plan("shop/web", {
      uid: UID,
      target: "vms",
      conditions: ["Ready", "Succeeded"],
      vms: [{ id: "vm-17", name: "Web (prod)" }, { id: "vm-18", name: "Odd_One" }],
      migrated: [{ id: "vm-17", newName: "web-prod", phase: "Completed" }],
    }),
    plan("mtv/archived", { conditions: ["Ready"], spec: { archived: true } }),
    plan("mtv/broken"),
  ]);
  const entries = [
    gathered(1, "NS=shop PLAN=web /usr/bin/targeted"),
    gathered(2, "PLAN=web /usr/bin/targeted", { status: "completed", name: `plan:web:${UID}` }),
    gathered(3, "VM=vm-17 /usr/bin/targeted", {
      resolved: { command: "NS=vms VM=web-prod /usr/bin/targeted", commandLine: "" },
    }),
    gathered(4, "NS=elsewhere PLAN=web /usr/bin/targeted"),
    gathered(5, "PLAN=broken /usr/bin/targeted"), // nobody knows which one that was
  ];
  assert.deepEqual(await list(ADMIN, entries), {
    plans: [
      {
        "name": "archived",
        "namespace": "mtv",
        "uid": "uid-of-mtv/archived",
        "status": "Archived",
        "target-namespace": "vms",
        "vms": 0,
        "last-gather": null,
      },
      {
        "name": "broken",
        "namespace": "mtv",
        "uid": "uid-of-mtv/broken",
        "status": "Not ready",
        "target-namespace": "vms",
        "vms": 0,
        "last-gather": null,
      },
      {
        "name": "web",
        "namespace": "shop",
        "uid": UID,
        "status": "Succeeded",
        "target-namespace": "vms",
        "vms": 2,
        "last-gather": last(2, "completed"),
      },
    ],
    vms: [
      {
        "name": "Odd_One",
        "namespace": "",
        "source-name": "Odd_One",
        "source-id": "vm-18",
        "plan": "shop/web",
        "status": "Planned",
        "last-gather": null,
      },
      {
        "name": "web-prod",
        "namespace": "vms",
        "source-name": "Web (prod)",
        "source-id": "vm-17",
        "plan": "shop/web",
        "status": "Completed",
        "last-gather": last(3),
      },
    ],
    reason: "",
  });
});

test("a VM of several plans is listed once", async (t) => {
  const vms = [{ id: "vm-1", name: "web" }];
  const { list } = await stage(t, [
    plan("mtv/a", { vms }),
    plan("mtv/b", { vms, migrated: [{ id: "vm-1", phase: "CopyDisks" }] }),
    plan("mtv/c", { vms }),
    plan("mtv/d", { vms, target: "other" }),
  ]);
  const listed = await list();
  assert.deepEqual(listed.vms.map((vm) => [vm.namespace, vm.plan, vm.status]), [
    ["other", "mtv/d", "Planned"],
    ["vms", "mtv/b", "CopyDisks"],
  ]);
});

test("one caller's list is kept for the next questions, and another's is another", async (t) => {
  const { api, list } = await stage(t, [plan("mtv/a")]);
  await Promise.all([list(), list(), list()]);
  await list();
  assert.equal(api.lists.asked.length, 1);
  await list(VIEWER);
  assert.deepEqual(api.lists.asked.map(({ token }) => token), [ADMIN, VIEWER]);
});

test("where Forklift is not installed, or not to be seen, the list is empty and says so", async (t) => {
  const none = await stage(t);
  assert.deepEqual(await none.list(), {
    plans: [],
    vms: [],
    reason: "Forklift is not installed in this cluster",
  });
  const hidden = await stage(t, [plan("mtv/a")]);
  hidden.api.lists.moods.set(PLANS_PATH, "403");
  assert.equal(
    (await hidden.list()).reason,
    "These credentials may not list plans in all namespaces",
  );
  assert.deepEqual((await hidden.list("unknown")).plans, []);
});

test("of a list that is lost halfway the part that was read is shown, with the reason", async (t) => {
  const { api, list } = await stage(t, Array.from({ length: 600 }, (_, n) => plan(`mtv/p-${n}`)));
  api.lists.moods.set(PLANS_PATH, "expired");
  const { plans, reason } = await list();
  assert.equal(plans.length, 250);
  assert.equal(reason, "The cluster did not answer with a list of plans");
});

test("5,000 plans and VMs are listed, and how many more there are is not hidden", async (t) => {
  const { list } = await stage(
    t,
    Array.from({ length: 5_001 }, (_, n) => plan(`mtv/p-${n}`, { vms: [{ name: `vm-${n}` }] })),
  );
  const { plans, vms, reason } = await list();
  assert.deepEqual([plans.length, vms.length], [5_000, 5_000]);
  assert.match(reason, /^Only the first 5000 plans and VMs are listed/);
});
