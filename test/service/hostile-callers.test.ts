/** Callers who are nobody: no header, path or link that only looks right gets anything of a gather. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type ApiServer, makeAuthority, startApiServer } from "../support/api-server.ts";
import { createFakeOc, type FakeOc } from "../support/fake-oc.ts";
import { exchange } from "../support/raw-http.ts";
import { makePlace, type Place, type Service, startService } from "../support/service.ts";
import { until } from "../support/until.ts";
import { get, head, post, request, shown } from "./hostile/case.ts";

const ADMIN = "sha256~admin-Zq7";
const VIEWER = "sha256~viewer";
const AS_ADMIN = `Authorization: Bearer ${ADMIN}`;

/** What only a caller who was let in may ever see. */
const NAME = "plan:nobodys-business";

/** Headers that are no admin's. */
const NO_ADMIN: readonly (readonly string[])[] = [
  [],
  ["Authorization:"],
  ["Authorization: Bearer"],
  [`Authorization: ${ADMIN}`],
  [`Authorization: Basic ${Buffer.from(`admin:${ADMIN}`).toString("base64")}`],
  [`Authorization: Token ${ADMIN}`],
  [`Authorization: Bearer\t${ADMIN}`],
  [`Authorization: Bearer "${ADMIN}"`],
  [`Authorization: Bearer ${ADMIN} x`],
  [`Authorization: Bearer ${ADMIN}x`],
  [`Authorization: Bearer ${ADMIN.toUpperCase()}`],
  [`Authorization: Bearer ${ADMIN},Bearer x`],
  [`Authorization: Bearer x, Bearer ${ADMIN}`],
  ["Authorization: Bearer x", AS_ADMIN],
  [`Authorization: Bearer ${Buffer.from(ADMIN).toString("base64")}`],
  ["Authorization: Bearer undefined"],
  ["Authorization: Bearer \xff\xfe"],
  [`Authorization: Bearer ${"x".repeat(20_000)}`],
  [`Authorization: Bearer ${"x".repeat(16_000)}`],
  [`Proxy-Authorization: Bearer ${ADMIN}`],
  [`X-Auth-Token: ${ADMIN}`],
  [`X-Forwarded-Access-Token: ${ADMIN}`],
  [`Cookie: token=${ADMIN}; openshift-session-token=${ADMIN}`],
  ["X-Forwarded-User: kube:admin", "X-Remote-User: kube:admin", "Impersonate-User: kube:admin"],
  [`Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.${ADMIN}`],
];

/** Paths that a guard may read otherwise than a route does. */
const PATHS: readonly string[] = [
  "/must-gather",
  "/must-gather/",
  "/must-gather?limit=1",
  `/must-gather?access_token=${ADMIN}`,
  `/must-gather?token=${ADMIN}&authorization=Bearer+${ADMIN}`,
  "/must-gather/1",
  "/must-gather/1/",
  "/must-gather/1/data",
  "/must-gather/1/log",
  "/must-gather/./1",
  "/must-gather/1/../1",
  "/must-gather/2/%2e%2e/1",
  "/healthz/../must-gather",
  "/healthz/%2e%2e/must-gather/1",
  "/./must-gather",
  "//must-gather",
  "/must-gather//1",
  "/%6dust-gather",
  "/must-gather%2f1",
  "/must-gather;x=1",
  "/MUST-GATHER/1",
  "/must-gather/1%3f",
  "http://localhost/must-gather",
  "http://healthz/must-gather/1",
  `/must-gather/${encodeURIComponent(NAME)}`,
];

describe("a service that asks who is calling, asked by nobody", () => {
  let place: Place;
  let api: ApiServer;
  let oc: FakeOc;
  let service: Service;
  let link: { path: string; expires: string; signature: string };

  before(async () => {
    place = await makePlace();
    const authority = await makeAuthority(join(place.folder, "ca"));
    api = await startApiServer(await authority.issue());
    api.users.set(ADMIN, { name: "kube:admin", admin: true });
    api.users.set(VIEWER, { name: "viewer", admin: false });
    oc = await createFakeOc({ folder: place.folder, tokens: [ADMIN] });
    const kubeconfig = join(place.folder, "kubeconfig");
    const config = {
      "apiVersion": "v1",
      "kind": "Config",
      "current-context": "main",
      "contexts": [{ name: "main", context: { cluster: "main", user: "nobody" } }],
      "clusters": [{
        name: "main",
        cluster: { "server": api.url, "certificate-authority": authority.path },
      }],
      "users": [{ name: "nobody", user: {} }],
    };
    await writeFile(kubeconfig, JSON.stringify(config));
    service = await startService(place, {
      OC: oc.path,
      AUTH: "cluster-admin",
      KUBECONFIG: kubeconfig,
      MUST_GATHER_IMAGE: "localhost/instant:latest",
    });
    const made = await send(post(JSON.stringify({ "custom-name": NAME }), [AS_ADMIN]));
    assert.deepEqual(made.statuses, [201], made.body);
    await until(
      "it completes",
      async () =>
        (await send(get("/must-gather/1", [AS_ADMIN]))).body.includes('"status":"completed"'),
    );
    const linked = await send(request("POST", "/must-gather/1/link", [AS_ADMIN]));
    assert.deepEqual(linked.statuses, [201], linked.body);
    const { url } = JSON.parse(linked.body) as { url: string };
    const { pathname, searchParams } = new URL(url, service.url);
    link = {
      path: pathname,
      expires: searchParams.get("expires") ?? "",
      signature: searchParams.get("signature") ?? "",
    };
  });
  after(async () => {
    await service.stop();
    await oc.close();
    await api.close();
    await place.remove();
  });

  const send = (bytes: Uint8Array) => exchange(service.url, bytes);

  /** Refused, in words that say nothing of what is there nor of what was sent. */
  async function isRefused(bytes: Uint8Array, ...allowed: number[]): Promise<void> {
    const { statuses, headers, body, closed } = await send(bytes);
    assert.ok(closed);
    assert.equal(statuses.length, 1);
    assert.ok(allowed.includes(statuses[0] ?? 0), `${statuses[0]}: ${body}`);
    if (statuses[0] === 401) assert.equal(headers["www-authenticate"], "Bearer");
    assert.equal(headers["content-type"], "application/problem+json");
    for (const secret of [ADMIN, NAME, "instant", "xxxx"]) assert.ok(!body.includes(secret), body);
  }

  for (const headers of NO_ADMIN) {
    test(`${shown(headers.join(" and ")) || "no header"} lets nobody in`, async () => {
      await isRefused(get("/must-gather", headers), 401);
      await isRefused(request("DELETE", "/must-gather/1?purge=1", headers), 401);
      await isRefused(post("{}", headers), 401);
    });
  }

  for (const path of PATHS) {
    test(`nothing is told at ${shown(path)}`, async () => {
      await isRefused(get(path), 401, 404);
      await isRefused(request("POST", path, [], "{}"), 401, 404, 405);
      await isRefused(request("DELETE", path), 401, 404, 405);
    });
  }

  test("a user without the right is refused with 403, whatever they ask for", async () => {
    const asViewer = [`Authorization: Bearer ${VIEWER}`];
    for (const path of ["/must-gather", "/must-gather/1", "/must-gather/1/data"]) {
      await isRefused(get(path, asViewer), 403);
    }
    await isRefused(post("{", asViewer), 403);
    await isRefused(request("DELETE", "/must-gather/1", asViewer), 403);
  });

  test("a link is good as it was made, and for nothing else", async () => {
    const { path, expires, signature } = link;
    const query = `expires=${expires}&signature=${signature}`;
    assert.deepEqual((await send(get(`${path}?${query}`))).statuses, [200]);
    assert.deepEqual((await send(head(`${path}?${query}`))).statuses, [200]);
    const bad = [
      `${path}?expires=${expires}`,
      `${path}?signature=${signature}`,
      `${path}?expires=${expires}&signature=`,
      `${path}?expires=${expires}&signature=${signature.slice(0, -1)}`,
      `${path}?expires=${expires}&signature=${signature}=`,
      `${path}?expires=${expires}&signature=${signature.toLowerCase()}`,
      `${path}?expires=${expires}&signature=${"A".repeat(signature.length)}`,
      `${path}?expires=${expires}&signature=${"A".repeat(20_000)}`,
      `${path}?expires=${expires}&signature=A&signature=${signature}`,
      `${path}?expires=${Number(expires) + 1}&signature=${signature}`,
      `${path}?expires=0${expires}&signature=${signature}`,
      `${path}?expires=${expires}.0&signature=${signature}`,
      `${path}?expires=%20${expires}&signature=${signature}`,
      `${path}?expires=1e99&signature=${signature}`,
      `${path}?expires=Infinity&signature=${signature}`,
      `${path}?expires=-1&signature=${signature}`,
      `${path}?expires=9999999999999999&signature=${signature}`,
      `/must-gather/2/data?${query}`,
      `/must-gather/01/data?${query}`,
      `/must-gather/${encodeURIComponent(NAME)}/data?${query}`,
      `/must-gather/1?${query}`,
      `/must-gather/1/log?${query}`,
      `/must-gather?${query}`,
      `/must-gather/must-gather/1/data?${query}`,
    ];
    for (const target of bad) await isRefused(get(target), 401, 404);
    for (const method of ["POST", "DELETE", "PUT"]) {
      await isRefused(request(method, `${path}?${query}`), 401);
    }
  });

  test("nothing was started, nothing is gone, and no token or signature is in the log", async () => {
    const { body } = await send(get("/must-gather", [AS_ADMIN]));
    assert.deepEqual((JSON.parse(body) as { id: number }[]).map(({ id }) => id), [1]);
    const log = JSON.stringify(service.log) + service.stderr();
    for (const secret of [ADMIN, link.signature]) assert.ok(!log.includes(secret));
    assert.deepEqual(service.log.filter(({ level }) => level === "error"), []);
  });
});
