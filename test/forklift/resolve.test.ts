import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { needsResolving, type Resolution, resolve } from "../../src/forklift/resolve.ts";
import { type PlanBounds, Plans } from "../../src/forklift/plans.ts";
import type { Asker } from "../../src/kube/asker.ts";
import { type Command, commandAsSent, commandLine } from "../../src/oc/command.ts";
import { type Item, plan, PLANS_PATH, virtualMachine, VMS_PATH } from "../support/api-lists.ts";
import type { ApiServer } from "../support/api-server.ts";
import { ADMIN, PATIENT_MS, stageApi } from "../kube/stage.ts";

interface Stage {
  api: ApiServer;
  asker: Asker;
  /** Resolves a command as a request brings it. */
  ask: (command: Command, customName?: string, timeoutMs?: number) => Promise<Resolution>;
}

/** A cluster with these plans and VMs; without a list of a kind that is not installed. */
async function stage(
  t: TestContext,
  plans?: readonly Item[],
  vms?: readonly Item[],
  bounds?: PlanBounds,
): Promise<Stage> {
  const { api, askers } = await stageApi(t);
  if (plans) api.lists.items.set(PLANS_PATH, plans);
  if (vms) api.lists.items.set(VMS_PATH, vms);
  const asker = askers.of("", ADMIN);
  assert.ok(asker);
  const ask: Stage["ask"] = (command, customName = "", timeoutMs = PATIENT_MS) =>
    resolve({ ...asSent(command), customName }, { asker, plans: new Plans(bounds), timeoutMs });
  return { api, asker, ask };
}

const asSent = (command: Command) => ({
  command: commandAsSent(command),
  commandLine: commandLine(command),
});

const PLAN = (name: string) => `PLAN=${name} /usr/bin/targeted`;
const VM = (name: string) => `VM=${name} /usr/bin/targeted`;

test("a plan that is there once gets its namespace, with one question and the caller's own token", async (t) => {
  const { ask, api } = await stage(t, [plan("shop/web"), plan("shop/other"), plan("mtv/third")]);
  const { resolved, note } = await ask(PLAN("web"));
  assert.equal(note, "");
  assert.deepEqual(resolved, {
    command: "NS=shop PLAN=web /usr/bin/targeted",
    commandLine: "NS=shop PLAN=web /usr/bin/targeted",
  });
  assert.deepEqual(api.lists.asked.map(({ path, token }) => [path, token]), [[PLANS_PATH, ADMIN]]);
});

test("a plan that is nowhere, or in two places, stays as sent, and the places are told", async (t) => {
  const { ask } = await stage(t, [plan("shop/web"), plan("mtv/web")]);
  const none = await ask(PLAN("gone"));
  assert.equal(none.resolved, undefined);
  assert.match(none.note, /^No plan gone was found in any namespace, so the command ran as sent/);
  const two = await ask(PLAN("web"));
  assert.equal(two.resolved, undefined);
  assert.match(two.note, /^2 plans may be meant by web: shop\/web, mtv\/web;.*send NS=<namespace>/);
});

test("the uid in the custom name chooses among plans of one name", async (t) => {
  const uid = "0f3c1b1e-0000-4000-8000-000000000001";
  const { ask } = await stage(t, [plan("shop/web"), plan("mtv/web", { uid })]);
  const { resolved } = await ask(PLAN("web"), `plan:web:${uid}`);
  assert.equal(resolved?.command, "NS=mtv PLAN=web /usr/bin/targeted");
  const other = "0f3c1b1e-0000-4000-8000-000000000002";
  assert.match((await ask(PLAN("web"), `plan:web:${other}`)).note, /^2 plans may be meant/);
});

test("a name that no plan can have is not asked for", async (t) => {
  const { ask, api } = await stage(t, [plan("shop/web")]);
  for (const name of ["My Plan", "web,metadata.namespace=x", "a".repeat(254), "web=1"]) {
    assert.match((await ask(PLAN(name))).note, /^No plan /);
  }
  assert.deepEqual(api.lists.asked, []);
});

test("a VM is found by its Kubernetes name, in one namespace", async (t) => {
  const { ask } = await stage(t, [], [virtualMachine("vms/web-1"), virtualMachine("vms/db")]);
  assert.equal((await ask(VM("web-1"))).resolved?.command, "NS=vms VM=web-1 /usr/bin/targeted");
  assert.match((await ask(VM("web-2"))).note, /^No VM web-2 was found/);
});

test("a VM is found by its vSphere name or id through the plan's list, under the name the cluster has for it", async (t) => {
  const vms = [{ id: "vm-17", name: "Web (prod)" }, { id: "vm-18", name: "/dc/vm/shop/db" }, {
    id: "vm-19",
    name: "Mail_1",
    targetName: "mail",
  }];
  const migrated = [{ id: "vm-17", name: "Web (prod)", newName: "web-prod", phase: "Completed" }, {
    id: "vm-18",
    name: "/dc/vm/shop/db",
    newName: "db",
  }];
  const { ask } = await stage(t, [plan("mtv/move", { target: "shop", vms, migrated })], []);
  const expected: [string, string][] = [
    ["Web (prod)", "web-prod"],
    ["vm-17", "web-prod"],
    ["web-prod", "web-prod"],
    ["vm-18", "db"],
    ["db", "db"],
    ["Mail_1", "mail"],
    ["vm-19", "mail"],
  ];
  for (const [asked, name] of expected) {
    const { resolved, note } = await ask(VM(asked));
    assert.equal(resolved?.commandLine, `NS=shop VM=${name} /usr/bin/targeted`, note);
  }
});

test("a VM whose new name no plan tells is found by Forklift's label", async (t) => {
  const vms = [{ id: "vm-17", name: "Web (prod)" }];
  const { ask } = await stage(
    t,
    [plan("mtv/move", { target: "shop", vms })],
    [
      virtualMachine("shop/web-prod-x1", "vm-17"),
      virtualMachine("shop/other", "vm-18"),
      virtualMachine("elsewhere/of-another-vcenter", "vm-17"),
    ],
  );
  assert.equal(
    (await ask(VM("Web (prod)"))).resolved?.command,
    "NS=shop VM=web-prod-x1 /usr/bin/targeted",
  );
  assert.match(
    (await ask(VM("vm-17"))).note,
    /^2 VMs may be meant by vm-17: shop\/web-prod-x1, elsewhere\/of-another-vcenter/,
  );
});

test("for a VM that Forklift labelled with the id that was asked for no plans are read", async (t) => {
  const { ask, api } = await stage(
    t,
    [plan("mtv/move", { vms: [{ id: "vm-17", name: "web" }] })],
    [virtualMachine("shop/web", "vm-17"), virtualMachine("shop/db", "vm-18")],
  );
  assert.equal((await ask(VM("vm-17"))).resolved?.command, "NS=shop VM=web /usr/bin/targeted");
  assert.ok(api.lists.asked.every(({ path }) => path === VMS_PATH));
});

test("a VM that is there goes before one that a plan of old days only names", async (t) => {
  const vms = [{ id: "vm-1", name: "web" }];
  const { ask } = await stage(
    t,
    [plan("mtv/old", { target: "gone", vms }), plan("mtv/new", { target: "shop", vms })],
    [virtualMachine("shop/web")],
  );
  assert.equal((await ask(VM("web"))).resolved?.command, "NS=shop VM=web /usr/bin/targeted");
});

test("several VMs of one name stay as sent, unless the custom name says whose plan is meant", async (t) => {
  const uid = "0f3c1b1e-0000-4000-8000-000000000001";
  const vms = [{ id: "vm-1", name: "web" }];
  const { ask } = await stage(
    t,
    [plan("mtv/a", { target: "one", vms }), plan("mtv/b", { target: "two", vms, uid })],
    [virtualMachine("one/web"), virtualMachine("two/web")],
  );
  const { resolved, note } = await ask(VM("web"));
  assert.equal(resolved, undefined);
  assert.match(note, /^2 VMs may be meant by web: one\/web, two\/web/);
  assert.equal(
    (await ask(VM("web"), `plan:b:${uid}`)).resolved?.command,
    "NS=two VM=web /usr/bin/targeted",
  );
});

test("a plan and one of its VMs both get the cluster's names", async (t) => {
  const vms = [{ id: "vm-17", name: "Web (prod)" }];
  const migrated = [{ id: "vm-17", newName: "web-prod" }];
  const { ask } = await stage(t, [plan("mtv/move", { target: "shop", vms, migrated })]);
  assert.equal(
    (await ask("VM=vm-17 PLAN=move /usr/bin/targeted")).resolved?.command,
    "NS=mtv PLAN=move VM=web-prod /usr/bin/targeted",
  );
});

test("VMs are found without KubeVirt through plans, and without Forklift by their names", async (t) => {
  const vms = [{ id: "vm-17", name: "web" }];
  const plansOnly = await stage(t, [plan("mtv/move", { target: "shop", vms })]);
  assert.equal(
    (await plansOnly.ask(VM("web"))).resolved?.command,
    "NS=shop VM=web /usr/bin/targeted",
  );
  assert.match(
    (await plansOnly.ask(VM("x"))).note,
    /\(KubeVirt is not installed in this cluster\)/,
  );
  const vmsOnly = await stage(t, undefined, [virtualMachine("shop/web")]);
  assert.equal(
    (await vmsOnly.ask(VM("web"))).resolved?.command,
    "NS=shop VM=web /usr/bin/targeted",
  );
});

test("one VM is found among those of 5,000 plans in 20 pages, which one who asks again need not wait for", async (t) => {
  const many = Array.from({ length: 5_000 }, (_, n) =>
    plan(`ns-${n % 100}/plan-${n}`, {
      target: `target-${n}`,
      vms: [{ id: `vm-${n}`, name: `VM ${n}` }],
      migrated: [{ id: `vm-${n}`, newName: `vm-called-${n}`, pipeline: "x".repeat(1000) }],
    }));
  const { api, asker } = await stage(t, many);
  const plans = new Plans();
  const ask = (name: string) =>
    resolve({ ...asSent(VM(name)), customName: "" }, { asker, plans, timeoutMs: PATIENT_MS });
  const pages = () => api.lists.asked.filter(({ path }) => path === PLANS_PATH);
  const [first, second] = await Promise.all([ask("VM 4999"), ask("vm-7")]);
  assert.equal(first.resolved?.command, "NS=target-4999 VM=vm-called-4999 /usr/bin/targeted");
  assert.equal(second.resolved?.command, "NS=target-7 VM=vm-called-7 /usr/bin/targeted");
  assert.equal(pages().length, 20);
  assert.ok(pages().every(({ query }) => query.get("limit") === "250"));
  await ask("VM 1");
  assert.equal(pages().length, 20);
});

test("what cannot be asked leaves the command as sent and says why", async (t) => {
  const { api, ask } = await stage(t);
  const notes: [string, RegExp][] = [];
  notes.push([(await ask(PLAN("web"))).note, /^Forklift is not installed in this cluster, so/]);
  api.lists.items.set(PLANS_PATH, [plan("shop/web")]);
  api.lists.items.set(VMS_PATH, [virtualMachine("shop/web")]);
  for (
    const [mood, why] of [
      ["403", /^These credentials may not list plans in all namespaces, so/],
      ["500", /^The cluster did not answer with a list of plans, so/],
      ["broken", /^The cluster did not answer with a list of plans, so/],
      ["no-list", /^The cluster did not answer with a list of plans, so/],
    ] as const
  ) {
    api.lists.moods.set(PLANS_PATH, mood);
    const { resolved, note } = await ask(PLAN("web"));
    assert.equal(resolved, undefined, mood);
    notes.push([note, why]);
  }
  api.lists.moods.clear();
  api.lists.moods.set(VMS_PATH, "broken");
  const vm = await ask(VM("web"));
  assert.equal(vm.resolved, undefined);
  notes.push([vm.note, /^The cluster did not answer with a list of VMs, so/]);
  for (const [note, why] of notes) assert.match(note, why);
});

test("a cluster that says nothing is waited for no longer than the bound", async (t) => {
  const { api, ask } = await stage(t, [plan("shop/web")], []);
  api.lists.moods.set(PLANS_PATH, "hang");
  for (const command of [PLAN("web"), VM("web")]) {
    const started = performance.now();
    const { resolved, note } = await ask(command, "", 300);
    assert.equal(resolved, undefined);
    assert.match(note, /^The cluster did not list its plans in time, so/);
    const took = performance.now() - started;
    assert.ok(took < 2_000, `${took} ms`);
  }
});

test("a list that never ends, or is lost halfway, is given up", async (t) => {
  const items = Array.from(
    { length: 300 },
    (_, n) =>
      plan(`a/plan-${n}`, { vms: [{ name: "x" }], spec: { description: "x".repeat(1_000) } }),
  );
  const { api, ask } = await stage(t, items, [], { maxBytes: 2 ** 20 });
  api.lists.moods.set(PLANS_PATH, "endless");
  assert.match((await ask(VM("web"))).note, /^The cluster has more plans than are read, so/);
  api.lists.moods.set(PLANS_PATH, "expired");
  assert.match((await ask(VM("web"))).note, /^The cluster did not answer with a list of plans, so/);
});

test("plans that are written otherwise than Forklift does harm nothing", async (t) => {
  const odd = [
    { metadata: { name: "no-spec", namespace: "a" } },
    { metadata: { name: "numbers", namespace: "a" }, spec: { vms: [{ id: 1, name: null }] } },
    {
      metadata: { name: "nulls", namespace: "a" },
      spec: { vms: null },
      status: { conditions: null },
    },
    {
      metadata: { name: "evil", namespace: "a" },
      spec: {
        targetNamespace: "x; reboot",
        vms: [{ id: "vm-9", name: "evil", targetName: "$(reboot)" }],
      },
    },
  ] as unknown as Item[];
  const vms = [{ id: "vm-17", name: "web" }];
  const { ask } = await stage(t, [...odd, plan("mtv/move", { target: "shop", vms })], []);
  assert.equal((await ask(VM("vm-17"))).resolved?.command, "NS=shop VM=web /usr/bin/targeted");
  assert.equal((await ask(VM("vm-9"))).resolved?.command, "NS=a VM=evil /usr/bin/targeted");
  assert.match((await ask(PLAN("evil"))).resolved?.command ?? "", /^NS=a PLAN=evil /);
});

test("a command with a namespace, of another program or of words that mean something else is left alone", () => {
  const left: Command[] = [
    "",
    "NS=a PLAN=b /usr/bin/targeted",
    "NS=a /usr/bin/targeted",
    "PLAN=b /usr/bin/gather",
    "PLAN=b PLAN=c /usr/bin/targeted",
    "/usr/bin/targeted",
    "PLAN= /usr/bin/targeted",
    ["PLAN=a VM=b", "/usr/bin/targeted"],
    ["PLAN=a", "/usr/bin/targeted", "--x"],
  ];
  for (const command of left) assert.ok(!needsResolving(asSent(command)), commandAsSent(command));
  const taken: Command[] = [PLAN("a"), VM("b c"), "NS= PLAN=a /usr/bin/targeted", [
    "VM=web (prod)",
    "/usr/bin/targeted",
  ]];
  for (const command of taken) assert.ok(needsResolving(asSent(command)), commandAsSent(command));
});
