import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { createClusters } from "../../src/auth/clusters.ts";
import { removeKubeconfig, writeKubeconfig } from "../../src/oc/kubeconfig.ts";

const CLUSTER = {
  server: "https://10.0.0.1:6443",
  authority: { path: "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt" },
  tlsServerName: undefined,
};

async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kubeconfig-test-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test("oc's kubeconfig has mode 0600 in a folder of mode 0700, and nothing is beside it", async (t) => {
  const folder = join(await makeFolder(t), "1", "credentials");
  const path = await writeKubeconfig(folder, CLUSTER, { token: "sha256~t" });
  assert.equal(path, join(folder, "kubeconfig"));
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal((await stat(folder)).mode & 0o777, 0o700);
  assert.deepEqual(await readdir(folder), ["kubeconfig"]);
});

test("it holds server, authority and token, and never skips verification", async (t) => {
  const path = await writeKubeconfig(await makeFolder(t), CLUSTER, { token: 'a"b: #c' });
  const text = await readFile(path, "utf8");
  assert.doesNotMatch(text, /insecure/);
  assert.deepEqual(JSON.parse(text), {
    apiVersion: "v1",
    kind: "Config",
    preferences: {},
    clusters: [{
      name: "cluster",
      cluster: { server: CLUSTER.server, "certificate-authority": CLUSTER.authority.path },
    }],
    users: [{ name: "caller", user: { token: 'a"b: #c' } }],
    contexts: [{ name: "gather", context: { cluster: "cluster", user: "caller" } }],
    "current-context": "gather",
  });
});

test("inline authority, another TLS name, token file and client certificate are handed on", async (t) => {
  const path = await writeKubeconfig(await makeFolder(t), {
    server: "https://a",
    authority: { data: "QUFB" },
    tlsServerName: "api",
  }, {
    token: "old",
    tokenFile: "/sa/token",
    certificate: { path: "/me.crt" },
    key: { data: "S0VZ" },
  });
  const { clusters, users } = JSON.parse(await readFile(path, "utf8"));
  assert.deepEqual(clusters[0].cluster, {
    server: "https://a",
    "certificate-authority-data": "QUFB",
    "tls-server-name": "api",
  });
  assert.deepEqual(users[0].user, {
    tokenFile: "/sa/token",
    "client-certificate": "/me.crt",
    "client-key-data": "S0VZ",
  });
});

test("the service reads back what it wrote for oc", async (t) => {
  const path = await writeKubeconfig(await makeFolder(t), { ...CLUSTER, authority: undefined }, {
    token: "sha256~t",
  });
  const { main } = createClusters({
    kubernetes: undefined,
    kubeconfigPaths: [path],
    credentials: "service",
  });
  assert.equal(main?.server, CLUSTER.server);
  assert.deepEqual(main.credentials(), { token: "sha256~t" });
});

test("writing again replaces the file, and does not follow a link in its place", async (t) => {
  const base = await makeFolder(t);
  const folder = join(base, "credentials");
  await writeKubeconfig(folder, CLUSTER, { token: "one" });
  const elsewhere = join(base, "elsewhere");
  await writeFile(elsewhere, "untouched");
  await rm(join(folder, "kubeconfig"));
  await symlink(elsewhere, join(folder, "kubeconfig"));
  const path = await writeKubeconfig(folder, CLUSTER, { token: "two" });
  assert.equal(await readFile(elsewhere, "utf8"), "untouched");
  assert.match(await readFile(path, "utf8"), /two/);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test("where it cannot be written nothing of the token is left", async (t) => {
  const folder = join(await makeFolder(t), "credentials");
  await mkdir(join(folder, "kubeconfig", "in-the-way"), { recursive: true });
  await assert.rejects(writeKubeconfig(folder, CLUSTER, { token: "sha256~t" }));
  assert.deepEqual(await readdir(folder), ["kubeconfig"]);
});

test("it is removed with its folder, also a second time", async (t) => {
  const folder = join(await makeFolder(t), "credentials");
  await writeKubeconfig(folder, CLUSTER, { token: "sha256~t" });
  await removeKubeconfig(folder);
  await assert.rejects(stat(folder), { code: "ENOENT" });
  await removeKubeconfig(folder);
});
