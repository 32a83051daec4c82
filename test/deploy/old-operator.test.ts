/** The service under the Deployment that Forklift's operator made for the service before it, which nobody will change any more. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type ApiServer, makeAuthority, startApiServer } from "../support/api-server.ts";
import { createFakeOc, type FakeOc } from "../support/fake-oc.ts";
import { describeOnlyOn } from "../support/only-on.ts";
import { type Client, createClient } from "./client.ts";
import { type Container, type Mount, startContainer } from "./container.ts";
import { type ImageTree, makeImageTree } from "./image-tree.ts";
import { mountable } from "./secrets.ts";

const SECRET = "/var/run/secrets/forklift-must-gather-api-serving-cert";
const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Read from the operator's template at v2.4 to v2.6.0, `must_gather_api_*` at their defaults. */
const ENV = {
  POD_NAMESPACE: "konveyor-forklift",
  PORT: "8443",
  API_TLS_CERTIFICATE: `${SECRET}/tls.crt`,
  API_TLS_KEY: `${SECRET}/tls.key`,
  DB_PATH: "file::memory:?cache=shared",
  CLEANUP_MAX_AGE: "-1",
  MUST_GATHER_IMAGE: "quay.io/kubev2v/forklift-must-gather:release-v2.6.0",
};

/** The variations the operator knew: with `must_gather_api_tls_enabled` (until v2.4), `must_gather_api_debug`, a cleanup. */
const OLDER = { API_TLS_ENABLED: "true", CLEANUP_MAX_AGE: "24h", DEBUG: "true" };

/** What the kubelet gives a pod that says nothing, milliseconds. */
const TIME_TO_END_MS = 30_000;

/** `limits` and `requests` of the Deployment, KiB. */
const MEMORY_LIMIT_KIB = 2 ** 20;
const MEMORY_REQUEST_KIB = 150 * 2 ** 10;

describeOnlyOn("Node", "the image brings Node", "the old operator's Deployment", () => {
  let place: ImageTree;
  let api: ApiServer;
  let ca: string;
  let mounts: Mount[];
  let oc: FakeOc;
  let container: Container;
  let client: Client;

  before(async () => {
    place = await makeImageTree();
    const { folder } = place;
    const cluster = await makeAuthority(join(folder, "cluster"));
    api = await startApiServer(await cluster.issue());
    api.users.set("admin-token", { name: "kubeadmin", admin: true });
    api.users.set("viewer-token", { name: "viewer", admin: false });
    // The service CA of OpenShift, or cert-manager, which made an ECDSA P-256 key.
    const serving = await makeAuthority(join(folder, "serving"), "ec");
    ca = await readFile(serving.path, "utf8");
    const pair = await serving.issue(
      "ec",
      "DNS:forklift-must-gather-api.konveyor-forklift.svc,IP:127.0.0.1",
    );
    const secret = { "tls.crt": pair.certificate, "tls.key": pair.key };
    const account = {
      "ca.crt": await readFile(cluster.path, "utf8"),
      token: "account-token",
      namespace: ENV.POD_NAMESPACE,
    };
    mounts = [
      { from: await mountable(join(folder, "secret"), secret), at: SECRET, how: "ro" },
      { from: await mountable(join(folder, "account"), account), at: SERVICE_ACCOUNT, how: "ro" },
    ];
  });
  after(async () => {
    await api.close();
    await place.remove();
  });

  /** The port is the Deployment's, so whoever else tests on this machine may have it for a while. */
  const begin = async (env: Record<string, string>) => {
    oc = await createFakeOc({ folder: place.folder, tokens: ["admin-token"] });
    const cluster = {
      KUBERNETES_SERVICE_HOST: "127.0.0.1",
      KUBERNETES_SERVICE_PORT: new URL(api.url).port,
    };
    for (const deadline = performance.now() + 20_000;;) {
      try {
        container = await startContainer({
          ...place,
          oc: oc.path,
          mounts,
          env: { ...env, ...cluster },
        });
        break;
      } catch (error) {
        const isTaken = /another program uses the port/.test(String(error));
        if (!isTaken || performance.now() > deadline) throw error;
        await sleep(200);
      }
    }
    client = createClient(container.url, { ca, token: "admin-token" });
  };
  const end = async () => {
    await container.close();
    await oc.close();
  };

  test("the UI's calls over TLS on 8443: 401, 403, 201, and an archive", async () => {
    await begin(ENV);
    try {
      assert.equal(container.url.protocol, "https:");
      assert.equal(container.url.port, "8443");
      assert.equal(container.log[0]?.event, "service listens", "nothing is warned of");
      const [first] = await container.processes();
      assert.match(first?.status["Uid"] ?? "", new RegExp(`^${container.user}\\b`));
      assert.ok(kib(first?.status["VmRSS"]) < MEMORY_REQUEST_KIB, first?.status["VmRSS"]);

      const body = { "custom-name": "plan:p1", command: "PLAN=p1 /usr/bin/targeted" };
      const post = { method: "POST", body };
      const nobody = await client.call("/must-gather", { ...post, token: "" });
      assert.equal(nobody.status, 401);
      assert.equal(nobody.headers["www-authenticate"], "Bearer");
      assert.equal(
        (await client.call("/must-gather", { ...post, token: "old-token" })).status,
        401,
      );
      assert.equal(
        (await client.call("/must-gather", { ...post, token: "viewer-token" })).status,
        403,
      );
      assert.equal((await client.call("/must-gather")).text, "[]", "none of these started any");

      const { id, image } = await client.start(body);
      assert.equal(image, ENV.MUST_GATHER_IMAGE);
      const record = await client.ended(id);
      assert.equal(record.status, "completed", record.message);
      assert.equal(record["archive-name"], "must-gather-plan:p1.tar.gz");
      const data = await client.call(`/must-gather/${id}/data`);
      assert.equal(data.text.length, record["archive-size"]);
      assert.deepEqual(oc.cluster.namespaces().filter(({ phase }) => phase === "Active"), []);

      const peak = (await container.processes())[0]?.status["VmHWM"];
      assert.ok(kib(peak) < MEMORY_LIMIT_KIB / 2, `half is for oc and rsync; it took ${peak}`);
      container.kill("SIGTERM");
      assert.equal(await container.exit, 0, container.stderr());
    } finally {
      await end();
    }
  });

  test("with a live gather it ends with 0 in the 30 s it has, and leaves nothing in the cluster", async () => {
    await begin({ ...ENV, ...OLDER });
    try {
      const { id } = await client.start({ image: "localhost/slow-must-gather:latest" });
      await client.until(id, ({ state }) => state === "inprogress.gathering.collecting");
      const told = performance.now();
      container.kill("SIGTERM");
      assert.equal(await container.exit, 0, container.stderr());
      assert.ok(performance.now() - told < TIME_TO_END_MS);
      // The binding goes with its namespace, which takes the cluster a while.
      await oc.until(
        () => oc.cluster.namespaces().length + oc.cluster.bindings().length === 0,
        "the namespace or the binding stays",
      );
    } finally {
      await end();
    }
  });
});

/** `VmHWM` and the like: `98765 kB`. */
function kib(text: string | undefined): number {
  return Number(/^(\d+) kB$/.exec(text ?? "")?.[1] ?? NaN);
}
