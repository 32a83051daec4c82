import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { createAccess } from "../../src/auth/access.ts";
import { ClusterError, type ClustersOptions, createClusters } from "../../src/auth/clusters.ts";
import { makeAuthority, startApiServer } from "../support/api-server.ts";

const PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const PEM_DATA = Buffer.from(PEM).toString("base64");
const SECRET = "sha256~hunter2";

/** Writes files into a folder of the test's own, which it returns. */
function files(t: TestContext, content: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "clusters-test-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(content)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return folder;
}

function options(change: Partial<ClustersOptions>): ClustersOptions {
  return { kubernetes: undefined, kubeconfigPaths: [], credentials: "caller", ...change };
}

const KUBECONFIG = `
apiVersion: v1
kind: Config
current-context: home
clusters:
- name: home
  cluster: {server: "https://home.example:6443/", certificate-authority: pki/ca.crt}
- name: away
  cluster: {server: https://away.example, certificate-authority-data: ${PEM_DATA}, tls-server-name: api}
- name: public
  cluster: {server: https://public.example/k8s/clusters/c-1}
- name: insecure
  cluster: {server: https://insecure.example, insecure-skip-tls-verify: true}
- name: proxied
  cluster: {server: https://proxied.example, proxy-url: http://proxy.example}
- name: clear
  cluster: {server: http://clear.example}
users:
- name: token
  user: {token: ${SECRET}}
- name: number
  user: {token: 0123}
- name: file
  user: {tokenFile: token.txt}
- name: certificate
  user: {client-certificate: pki/me.crt, client-key-data: ${PEM_DATA}}
- name: exec
  user: {exec: {command: aws, apiVersion: client.authentication.k8s.io/v1}}
- name: provider
  user: {auth-provider: {name: oidc}}
- name: password
  user: {username: me, password: ${SECRET}}
- name: other
  user: {token: ${SECRET}, as: admin}
- name: half
  user: {client-certificate: pki/me.crt}
- name: nobody
  user: {}
contexts:
- {name: home, context: {cluster: home, user: token}}
- {name: away, context: {cluster: away, user: file}}
`;

/** The kubeconfig above, with the current context's user replaced. */
function kubeconfigOf(t: TestContext, user = "token", change = (text: string) => text): string {
  const text = change(
    KUBECONFIG.replace("{cluster: home, user: token}", `{cluster: home, user: ${user}}`),
  );
  return join(files(t, { config: text, "pki/ca.crt": PEM }), "config");
}

test("without anything that points at one there is no cluster", () => {
  const clusters = createClusters(options({}));
  assert.equal(clusters.main, undefined);
  assert.equal(clusters.find("https://home.example:6443"), undefined);
});

test("inside a cluster it is the service account's, with that one's CA and token file", (t) => {
  const serviceAccountFolder = files(t, { "ca.crt": PEM, token: SECRET });
  const clusters = createClusters(
    options({ kubernetes: { host: "fd00::1", port: 443 }, serviceAccountFolder }),
  );
  assert.equal(clusters.main?.server, "https://[fd00::1]");
  assert.equal(clusters.main.ca(), PEM);
  assert.deepEqual(clusters.main.authority, { path: join(serviceAccountFolder, "ca.crt") });
  assert.deepEqual(clusters.main.credentials(), { tokenFile: join(serviceAccountFolder, "token") });
  assert.equal(clusters.find("https://[fd00::1]:443/"), clusters.main);
});

test("inside a cluster a missing CA stops the start, a missing token only who needs it", (t) => {
  const kubernetes = { host: "10.0.0.1", port: 6443 };
  const bare = files(t, {});
  assert.throws(
    () => createClusters(options({ kubernetes, serviceAccountFolder: bare })),
    (error) => error instanceof ClusterError && /ca\.crt: ENOENT$/.test(error.message),
  );
  const tokenless = files(t, { "ca.crt": PEM });
  const clusters = createClusters(options({ kubernetes, serviceAccountFolder: tokenless }));
  assert.throws(() => clusters.main?.credentials(), /service account's token .*ENOENT/);
  assert.throws(
    () =>
      createClusters(
        options({ kubernetes, serviceAccountFolder: tokenless, credentials: "service" }),
      ),
    ClusterError,
  );
});

test("a kubeconfig's current context is the main cluster, its others are found by URL", (t) => {
  const path = kubeconfigOf(t);
  const { main, find } = createClusters(options({ kubeconfigPaths: [path] }));
  assert.equal(main?.server, "https://home.example:6443");
  assert.equal(main.ca(), PEM);
  assert.deepEqual(main.credentials(), { token: SECRET });
  assert.equal(find("https://HOME.example:6443"), main);

  const away = find("https://away.example:443/");
  assert.equal(away?.server, "https://away.example");
  assert.equal(away.tlsServerName, "api");
  assert.equal(away.ca(), PEM);
  assert.deepEqual(away.authority, { data: PEM_DATA });
  assert.deepEqual(away.credentials(), { tokenFile: join(dirname(path), "token.txt") });
  assert.equal(find("https://away.example"), away);

  const open = find("https://public.example/k8s/clusters/c-1");
  assert.equal(open?.ca(), undefined);
  assert.throws(() => open?.credentials(), /no context with a user for https:\/\/public/);
});

test("of two contexts with one cluster, the current one's user is the service's", (t) => {
  const path = kubeconfigOf(
    t,
    "token",
    (text) =>
      text.replace(
        "contexts:\n",
        "contexts:\n- {name: first, context: {cluster: home, user: file}}\n",
      ) +
      "- {name: last, context: {cluster: home, user: file}}\n",
  );
  const { main } = createClusters(options({ kubeconfigPaths: [path] }));
  assert.deepEqual(main?.credentials(), { token: SECRET });
});

test("what is not an https URL of a known cluster is not found", (t) => {
  const { find } = createClusters(options({ kubeconfigPaths: [kubeconfigOf(t)] }));
  for (
    const server of [
      "",
      "home.example:6443",
      "https://home.example",
      "http://home.example:6443",
      "http://clear.example",
      "https://me:pw@home.example:6443",
      "https://home.example:6443/?a=b",
      "https://public.example",
      "https://public.example/k8s/clusters/c-1/../c-2",
    ]
  ) assert.equal(find(server), undefined, server);
});

test("the cluster it runs in is known besides a kubeconfig's", (t) => {
  const serviceAccountFolder = files(t, { "ca.crt": PEM });
  const { main, find } = createClusters(options({
    kubeconfigPaths: [kubeconfigOf(t)],
    kubernetes: { host: "10.0.0.1", port: 443 },
    serviceAccountFolder,
  }));
  assert.equal(main?.server, "https://home.example:6443");
  assert.equal(find("https://10.0.0.1")?.ca(), PEM);
});

test("several kubeconfig files are merged: the first wins, paths count from their own file", (t) => {
  const first = join(
    files(t, { "config": "clusters: null\nusers:\n- {name: token, user: {token: first}}\n" }),
    "config",
  );
  const second = kubeconfigOf(t);
  const { main } = createClusters(options({ kubeconfigPaths: ["/gone/config", first, second] }));
  assert.deepEqual(main?.credentials(), { token: "first" });
  assert.deepEqual(main.authority, { path: join(dirname(second), "pki/ca.crt") });
});

test("a token that looks like a number stays as it is written", (t) => {
  const { main } = createClusters(options({ kubeconfigPaths: [kubeconfigOf(t, "number")] }));
  assert.deepEqual(main?.credentials(), { token: "0123" });
});

test("a client certificate and key are taken from a file and from inline data", (t) => {
  const path = kubeconfigOf(t, "certificate");
  const { main } = createClusters(options({ kubeconfigPaths: [path] }));
  assert.deepEqual(main?.credentials(), {
    certificate: { path: join(dirname(path), "pki/me.crt") },
    key: { data: PEM_DATA },
  });
});

const REFUSED_USERS: [string, RegExp][] = [
  ["exec", /user "exec" gets its credentials from an exec plugin, .*; give it a token/],
  ["provider", /user "provider" uses an auth-provider/],
  ["password", /user "password" has a password/],
  ["other", /user "other" acts as somebody else/],
  ["half", /only one of client-certificate and client-key/],
  ["nobody", /neither a token nor a client certificate/],
  ["missing", /no context with a user for https:\/\/home/],
];

for (const [user, sentence] of REFUSED_USERS) {
  test(`the user "${user}" is refused where its credentials are needed, and only there`, (t) => {
    const kubeconfigPaths = [kubeconfigOf(t, user)];
    const { main } = createClusters(options({ kubeconfigPaths }));
    assert.throws(() => main?.credentials(), sentence);
    assert.throws(
      () => createClusters(options({ kubeconfigPaths, credentials: "service" })),
      (error) => {
        assert.ok(error instanceof ClusterError);
        assert.match(error.message, sentence);
        assert.ok(!error.message.includes(SECRET));
        return true;
      },
    );
  });
}

test("a cluster whose TLS is not to be verified, or behind a proxy, is refused to who asks for it", (t) => {
  const { find } = createClusters(options({ kubeconfigPaths: [kubeconfigOf(t)] }));
  assert.throws(() => find("https://insecure.example"), /insecure-skip-tls-verify: .*verifies/);
  assert.throws(() => find("https://proxied.example"), /proxy-url/);
});

const BAD_FILES: [string, (text: string) => string, RegExp][] = [
  ["has no current context", (s) => s.replace("current-context: home", ""), /no current-context/],
  [
    "names a context it does not hold",
    (s) => s.replace("current-context: home", "current-context: x"),
    /current-context, "x", that it does not hold/,
  ],
  [
    "has a current context without a cluster",
    (s) => s.replace("{cluster: home, user", "{cluster: gone, user"),
    /no cluster "gone"/,
  ],
  [
    "skips TLS in its current context",
    (s) => s.replace("certificate-authority: pki/ca.crt", "insecure-skip-tls-verify: true"),
    /"home" asks for insecure-skip-tls-verify/,
  ],
  [
    "has no https in its current context",
    (s) => s.replace('"https://home', '"http://home'),
    /"home" has no https URL/,
  ],
  [
    "names a CA that is not there",
    (s) => s.replace("pki/ca.crt", "pki/gone.crt"),
    /certificate authority of https:\/\/home.*gone\.crt: ENOENT/,
  ],
  [
    "holds a CA that is none",
    (s) => s.replace("certificate-authority: pki/ca.crt", "certificate-authority-data: AAAA"),
    /no PEM as base64/,
  ],
  ["is no YAML", () => `users:\n- name: {a\n  token: ${SECRET}`, /line \d+ is not YAML/],
  ["is no kubeconfig", () => SECRET, /its top is not as a kubeconfig has it/],
  [
    "has the wrong shape",
    () => `users:\n- {name: x, user: {token: [${SECRET}]}}`,
    /users\.0\.user\.token is not as a kubeconfig has it/,
  ],
  [
    "grows without end when its aliases are followed",
    () =>
      `a: &a [x,x,x,x,x,x,x,x,x]\n` +
      [..."bcdefg"].map((c, i) => `${c}: &${c} [${`*${"abcdef"[i]},`.repeat(9)}]`).join("\n"),
    /is not as a kubeconfig has it/,
  ],
];

for (const [what, change, sentence] of BAD_FILES) {
  test(`a kubeconfig that ${what} stops the start with a sentence and no secret`, (t) => {
    const kubeconfigPaths = [kubeconfigOf(t, "token", change)];
    assert.throws(() => createClusters(options({ kubeconfigPaths })), (error) => {
      assert.ok(error instanceof ClusterError, String(error));
      assert.match(error.message, sentence);
      assert.ok(!error.message.includes(SECRET), error.message);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
  });
}

test("an access question goes to the cluster a request names, verified with that one's CA and name", async (t) => {
  const folder = files(t, {});
  const [near, far] = await Promise.all([
    makeAuthority(join(folder, "near")),
    makeAuthority(join(folder, "far")),
  ]);
  const nearApi = await startApiServer(await near.issue());
  t.after(() => nearApi.close());
  const farApi = await startApiServer(await far.issue("ec", "DNS:kubernetes.far"));
  t.after(() => farApi.close());
  farApi.users.set("token", { name: "far-admin", admin: true });
  const config = join(folder, "config");
  const farData = readFileSync(far.path).toString("base64");
  writeFileSync(
    config,
    `current-context: near
clusters:
- {name: near, cluster: {server: "${nearApi.url}", certificate-authority: near/ca.crt}}
- {name: far, cluster: {server: "${farApi.url}", certificate-authority-data: ${farData}, tls-server-name: kubernetes.far}}
contexts: [{name: near, context: {cluster: near, user: none}}]
`,
  );
  const access = createAccess({ clusters: createClusters(options({ kubeconfigPaths: [config] })) });
  t.after(() => access.close());
  assert.deepEqual(await access.check("token", farApi.url), { status: 200, name: "far-admin" });
  assert.equal((await access.check("token")).status, 401);
  assert.deepEqual(nearApi.asked, { access: 1, name: 0 });
  assert.deepEqual(farApi.asked, { access: 1, name: 1 });
  await assert.rejects(access.check("token", "https://unknown.example"), RangeError);
});
