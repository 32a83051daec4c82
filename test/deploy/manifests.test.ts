/** The manifests in deploy/, as files; `.ci/overlays.test.ts` checks what kustomize makes of them. */
import assert from "node:assert/strict";
import { chmod, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parse } from "yaml";
import { makeAuthority } from "../support/api-server.ts";
import { createFakeOc } from "../support/fake-oc.ts";
import { describeOnlyOn } from "../support/only-on.ts";
import { checkDeployment } from "./check-deployment.ts";
import { checkTypes } from "./check-types.ts";
import { createClient } from "./client.ts";
import { startContainer } from "./container.ts";
import { PROJECT } from "./dockerfile.ts";
import { type ImageTree, makeImageTree } from "./image-tree.ts";
import { containerOf, type Deployment, only, readManifests, type Resource } from "./manifests.ts";
import { mountable } from "./secrets.ts";

const base = await readManifests("base");

describe("deploy/", () => {
  test("every manifest has the form that the Kubernetes API asks for", async () => {
    const others = await Promise.all(
      ["overlays/kubernetes", "components/work-pvc", "components/credentials-service"].map(
        readManifests,
      ),
    );
    await checkTypes([...base, ...others.flat()]);
  });

  test("the check of forms finds a key that does not exist, and a wrong type", async () => {
    const wrong = (change: object) => [{ ...only(base, "Deployment"), ...change }] as Resource[];
    await assert.rejects(checkTypes(wrong({ speck: {} })), /speck/);
    await assert.rejects(checkTypes(wrong({ spec: { replicas: "one" } })), /'string'.*'number'/s);
  });

  test("the parts of the base fit each other and the service", () => checkDeployment(base));

  test("the rights for the service's own credentials are what oc needs, and no more", async () => {
    interface Rule {
      apiGroups: string[];
      resources: string[];
      resourceNames?: string[];
      verbs: string[];
    }
    const { rules } = only<Resource & { rules: Rule[] }>(
      await readManifests("components/credentials-service"),
      "ClusterRole",
    );
    const all = rules.flatMap(({ apiGroups, resources, resourceNames, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) =>
          verbs.map((verb) => `${verb} ${resource}.${group} ${resourceNames ?? ""}`.trim())
        )
      )
    );
    assert.deepEqual(all.filter((right) => right.includes("*")), []);
    assert.deepEqual(all.filter((right) => /^(?:bind|escalate|impersonate) /.test(right)), [
      "bind clusterroles.rbac.authorization.k8s.io cluster-admin",
    ]);
    assert.deepEqual(all.filter((right) => /^(?:patch|update|deletecollection) /.test(right)), []);
    // What oc creates, by its own words, and what the service deletes of it.
    for (const resource of ["namespaces.", "clusterrolebindings.rbac.authorization.k8s.io"]) {
      for (const verb of ["get", "create", "delete"]) {
        assert.ok(all.includes(`${verb} ${resource}`));
      }
    }
    assert.deepEqual(all.filter((right) => right.includes("secrets")), []);
  });

  test("the console's proxy leads to our Service under the name that the plugin asks for", async () => {
    const [{ op, path, value }] = parse(
      await readFile(new URL("deploy/console-plugin-proxy.yaml", PROJECT), "utf8"),
    );
    const service = only<Resource & { spec: { ports: { port: number }[] } }>(base, "Service");
    const { namespace } = parse(
      await readFile(new URL("deploy/base/kustomization.yaml", PROJECT), "utf8"),
    );
    assert.deepEqual({ op, path }, { op: "add", path: "/spec/proxy/-" });
    assert.equal(value.alias, "forklift-must-gather-api");
    assert.equal(value.authorization, "UserToken");
    assert.deepEqual(value.endpoint, {
      type: "Service",
      service: { name: service.metadata.name, namespace, port: service.spec.ports[0]?.port },
    });
  });

  describeOnlyOn("Node", "the image brings Node", "its Deployment", () => {
    let place: ImageTree;
    before(async () => {
      place = await makeImageTree();
    });
    after(() => place.remove());

    test("is one the service starts under and is ready, nothing but its volumes being writable", async () => {
      const { folder } = place;
      const authority = await makeAuthority(join(folder, "authority"));
      const ca = await readFile(authority.path, "utf8");
      const pair = await authority.issue();
      const deployment = only<Deployment>(base, "Deployment");
      const { container: spec, env } = containerOf(deployment);
      const mounts = await Promise.all(spec.volumeMounts.map(async ({ name, mountPath: at }) => {
        const { volumes } = deployment.spec.template.spec;
        const { secret, projected } = volumes.find((one) => one.name === name) ?? {};
        const from = join(folder, "volumes", name);
        if (secret) {
          await mountable(from, { "tls.crt": pair.certificate, "tls.key": pair.key });
        } else if (projected) {
          await mountable(from, { "ca.crt": ca });
        } else {
          await mkdir(from, { recursive: true });
          await chmod(from, 0o777); // as the kubelet makes an emptyDir
        }
        return { from, at, how: secret || projected ? "ro" as const : "rw" as const };
      }));
      const oc = await createFakeOc({ folder });
      const container = await startContainer({
        ...place,
        oc: oc.path,
        mounts,
        readOnlyRoot: true,
        env: {
          ...env,
          PORT: "127.0.0.1:0", // its own may be in use on this machine
          KUBERNETES_SERVICE_HOST: "127.0.0.1",
          KUBERNETES_SERVICE_PORT: "1", // nobody is there: neither the start nor the probes may ask
        },
      });
      try {
        const client = createClient(container.url, { ca });
        for (const { httpGet } of [spec.startupProbe, spec.livenessProbe, spec.readinessProbe]) {
          assert.equal(container.url.protocol, `${httpGet.scheme.toLowerCase()}:`);
          assert.equal((await client.call(httpGet.path)).status, 200, httpGet.path);
        }
        assert.equal((await client.call("/must-gather", { token: "x" })).status, 503);
        assert.deepEqual(container.log.filter(({ level }) => level === "warn"), []);
        container.kill("SIGTERM");
        assert.equal(await container.exit, 0, container.stderr());
      } finally {
        await container.close();
        await oc.close();
      }
    });
  });
});
