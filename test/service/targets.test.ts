/** The button of Forklift's UI on the real service: what it finds out before it starts, and what it refuses at once. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import * as v from "valibot";
import type { GatherRecord } from "../../src/schema/record.ts";
import { type Targets, TargetsSchema } from "../../src/schema/targets.ts";
import { plan, PLANS_PATH, virtualMachine, VMS_PATH } from "../support/api-lists.ts";
import { type ApiServer, makeAuthority, startApiServer } from "../support/api-server.ts";
import { createFakeOc, type FakeOc } from "../support/fake-oc.ts";
import { kubeconfig } from "../support/kubeconfig.ts";
import { until } from "../support/until.ts";
import { makePlace, type Place, type Service, startService } from "../support/service.ts";

const ADMIN = "sha256~admin-of-the-targets";
const LIMITED = "sha256~admin-but-for-bindings";
const SERVICE = "sha256~the-service-itself";

describe("a service that knows a cluster with Forklift", () => {
  let place: Place;
  let api: ApiServer;
  let oc: FakeOc;
  let service: Service;
  let env: Record<string, string>;

  const as = (token: string, body?: unknown): RequestInit => ({
    headers: { "authorization": `Bearer ${token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
  });
  const post = async (body: unknown, token = ADMIN) => {
    const reply = await service.fetch("must-gather", as(token, body));
    const json = await reply.json() as GatherRecord & { detail: string };
    return { code: reply.status, ...json };
  };
  const ended = async (id: number): Promise<GatherRecord> => {
    for (;;) {
      const reply = await service.fetch(`must-gather/${id}`, {
        headers: { authorization: `Bearer ${ADMIN}`, prefer: "wait=20" },
      });
      const record = await reply.json() as GatherRecord;
      if (["completed", "error"].includes(record.status)) return record;
    }
  };
  const commands = () =>
    oc.invocations("adm", "must-gather").filter(({ argv }) => argv.includes("--")).map(({ argv }) =>
      argv.slice(argv.indexOf("--") + 1)
    );

  before(async () => {
    place = await makePlace();
    const authority = await makeAuthority(join(place.folder, "ca"));
    api = await startApiServer(await authority.issue());
    api.users.set(ADMIN, { name: "kube:admin", admin: true });
    api.users.set(SERVICE, { name: "the service", admin: true });
    api.users.set(LIMITED, { name: "limited", admin: true, may: { clusterrolebindings: false } });
    api.lists.items.set(PLANS_PATH, [
      plan("shop/web"),
      plan("shop/twice"),
      plan("mtv/twice"),
      plan("mtv/move", {
        target: "vms",
        vms: [{ id: "vm-17", name: "Web (prod)" }],
        migrated: [{ id: "vm-17", newName: "web-prod" }],
      }),
    ]);
    api.lists.items.set(VMS_PATH, [virtualMachine("vms/web-prod")]);
    const tokens = [ADMIN, LIMITED, SERVICE];
    oc = await createFakeOc({ folder: place.folder, release: "4.18", speed: 60, tokens });
    const path = join(place.folder, "kubeconfig");
    await writeFile(path, kubeconfig(api.url, authority.path, { token: SERVICE }));
    env = { OC: oc.path, KUBECONFIG: path };
    service = await startService(place, {
      ...env,
      AUTH: "cluster-admin",
      ALLOWED_IMAGES: "quay.io/kubev2v/*,localhost/*",
    });
  });
  after(async () => {
    await service.stop();
    await oc.close();
    await api.close();
    await place.remove();
  });

  test("a plan's namespace and a VM's own name are found before oc starts, and the record shows both commands", async () => {
    const sent = { "custom-name": "plan:web", "command": "PLAN=web /usr/bin/targeted" };
    oc.hold("during-gather");
    const made = await post(sent);
    assert.equal(made.code, 201);
    assert.equal(made.command, "PLAN=web /usr/bin/targeted");
    assert.equal(made["resolved-command"], "NS=shop PLAN=web /usr/bin/targeted");
    await oc.reached("during-gather");
    // The first gather of all: nothing but the script's own lines tells how far it is.
    await until("a milestone", async () => {
      const { progress } = await (await service.fetch("must-gather/plan:web", as(ADMIN)))
        .json() as GatherRecord;
      return progress.percent !== null && progress.percent > 0 && progress.percent < 100;
    });

    // The same button again: the live gather is found by what was sent, and nothing is asked a second time.
    const asked = api.lists.asked.length;
    const again = await post(sent);
    assert.deepEqual([again.code, again.id], [200, made.id]);
    assert.equal(api.lists.asked.length, asked);
    oc.release("during-gather");

    const vm = await post({ command: "VM=Web (prod) /usr/bin/targeted" });
    assert.equal(vm["resolved-command"], "NS=vms VM=web-prod /usr/bin/targeted");
    assert.equal(vm.command, "VM=Web (prod) /usr/bin/targeted");
    const records = [await ended(made.id), await ended(vm.id)];
    assert.deepEqual(records.map(({ status }) => status), ["completed", "completed"]);
    assert.equal(records[0]?.["resolved-command"], "NS=shop PLAN=web /usr/bin/targeted");
    assert.equal(records[0]?.message, "The archive is ready");
    assert.deepEqual(commands(), [
      ["NS=shop PLAN=web /usr/bin/targeted"],
      ["NS=vms VM=web-prod /usr/bin/targeted"],
    ]);
    assert.ok(api.lists.asked.every(({ token }) => token === ADMIN));
  });

  test("a plan in two places runs as sent, and its message names them from the first reply to the last", async () => {
    const made = await post({ command: "PLAN=twice /usr/bin/targeted" });
    const told = /2 plans may be meant by twice: shop\/twice, mtv\/twice; the command ran as sent/;
    assert.equal(made.code, 201);
    assert.match(made.message, told);
    assert.equal(made["resolved-command"], "");
    const record = await ended(made.id);
    assert.match(record.message, /^The archive is ready\. 2 plans may be meant/);
    assert.deepEqual(commands().at(-1), ["PLAN=twice /usr/bin/targeted"]);
  });

  test("a cluster that does not answer delays a gather by two seconds and no more", async () => {
    api.lists.moods.set(PLANS_PATH, "hang");
    const started = performance.now();
    const made = await post({ command: "PLAN=slow /usr/bin/targeted" });
    const took = performance.now() - started;
    api.lists.moods.clear();
    assert.equal(made.code, 201);
    assert.match(
      made.message,
      /^The cluster did not list its plans in time, so the command ran as/,
    );
    assert.ok(took > 1_900 && took < 6_000, `${took} ms`);
    await ended(made.id);
  });

  test("who may not create what oc creates is told at once, and no gather is made", async () => {
    const before = await (await service.fetch("must-gather", as(ADMIN))).json() as unknown[];
    const refused = await post({}, LIMITED);
    assert.equal(refused.code, 403);
    assert.match(refused.detail, /^This token's user may not create clusterrolebindings/);
    const longest = `localhost/${"a".repeat(250)}`;
    const image = await post({ image: longest });
    assert.equal(image.code, 422);
    assert.match(image.detail, /^image: the name is longer than the 255 characters/);
    const after = await (await service.fetch("must-gather", as(ADMIN))).json() as unknown[];
    assert.equal(after.length, before.length);
  });

  test("an image that the list does not allow is refused with the list, and so is what nobody can foresee", async () => {
    for (
      const body of [
        { image: "quay.io/evil/rootkit:latest" },
        { image: ["quay.io/kubev2v/a", "quay.io/evil/b"] },
        { "image-stream": "openshift/must-gather:latest" },
        { "all-images": true },
      ]
    ) {
      const refused = await post(body);
      assert.equal(refused.code, 403, JSON.stringify(body));
      assert.match(refused.detail, /ALLOWED_IMAGES lists: quay\.io\/kubev2v\/\*, localhost\/\*$/);
    }
  });

  test("GET /targets lists for its caller, and for nobody without a token", async () => {
    assert.equal((await service.fetch("targets")).status, 401);
    const reply = await service.fetch("targets/", as(ADMIN));
    assert.equal(reply.status, 200);
    assert.equal(reply.headers.get("cache-control"), "private, no-cache");
    const { plans, vms, reason } = v.parse(TargetsSchema, await reply.json());
    assert.equal(reason, "");
    const web = plans.find(({ name }) => name === "web");
    assert.equal(web?.["last-gather"]?.status, "completed");
    assert.deepEqual(plans.map(({ namespace, name }) => `${namespace}/${name}`), [
      "mtv/move",
      "mtv/twice",
      "shop/twice",
      "shop/web",
    ]);
    assert.deepEqual(vms.map(({ namespace, name }) => `${namespace}/${name}`), ["vms/web-prod"]);
    assert.equal(vms[0]?.["last-gather"]?.status, "completed");
    assert.equal((await service.fetch("targets", as(ADMIN, {}))).status, 405);
  });

  test("without AUTH the service's own credentials ask, and PREFLIGHT=0 asks only what a plan needs", async () => {
    const own = await makePlace();
    const open = await startService(own, { ...env, AUTH: "none", PREFLIGHT: "0" });
    try {
      const { access } = api.asked;
      const made = await open.start({ command: "PLAN=web /usr/bin/targeted" });
      assert.equal(made["resolved-command"], "NS=shop PLAN=web /usr/bin/targeted");
      assert.equal(api.lists.asked.at(-1)?.token, SERVICE);
      assert.equal(api.asked.access, access);
      assert.equal((await (await open.fetch("targets")).json() as Targets).plans.length, 4);
      await open.ended(made.id);
    } finally {
      await open.stop();
      await own.remove();
    }
  });
});
