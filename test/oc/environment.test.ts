import assert from "node:assert/strict";
import { test } from "node:test";
import { ocEnvironment } from "../../src/oc/environment.ts";

const place = { home: "/work/1/home", tmp: "/work/1/tmp" };

test("oc gets folders of its own, its kubeconfig, one language and PATH", () => {
  assert.deepEqual(
    ocEnvironment({ PATH: "/bin" }, { ...place, kubeconfig: "/work/1/kubeconfig" }),
    {
      PATH: "/bin",
      HOME: "/work/1/home",
      TMPDIR: "/work/1/tmp",
      LANG: "C.UTF-8",
      KUBECONFIG: "/work/1/kubeconfig",
    },
  );
});

test("without a PATH, oc finds the programs of the system", () => {
  assert.match(ocEnvironment({}, place)["PATH"] ?? "", /\/usr\/bin/);
});

test("the cluster, proxies in both cases and certificates are passed on", () => {
  const own = Object.fromEntries([
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
    "KUBERNETES_SERVICE_PORT_HTTPS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
  ].map((name) => [name, `value of ${name}`]));
  const env = ocEnvironment(own, place);
  for (const [name, value] of Object.entries(own)) assert.equal(env[name], value);
});

test("nothing else of the service's environment reaches oc, and of its own places nothing", () => {
  const own = {
    PATH: "/bin",
    HOME: "/root",
    TMPDIR: "/tmp",
    KUBECONFIG: "/root/.kube/config",
    LANG: "de_DE.UTF-8",
    TOKEN: "secret",
    API_TLS_KEY: "/key",
    NODE_OPTIONS: "--inspect",
    LD_PRELOAD: "/lib.so",
    BASH_ENV: "/script",
    LOCAL_COMMANDS: "1",
    WORK_PATH: "/work",
  };
  assert.deepEqual(Object.keys(ocEnvironment(own, place)).sort(), [
    "HOME",
    "LANG",
    "PATH",
    "TMPDIR",
  ]);
  const values = Object.values(ocEnvironment(own, place));
  for (const value of ["/root", "/tmp", "de_DE.UTF-8"]) assert.ok(!values.includes(value), value);
});

test("a program of our own is told what it needs besides, and nothing of that takes the place of oc's own", () => {
  const besides = { LOCAL_COMMANDS: "1", HOME: "/root", PATH: "/besides" };
  const env = ocEnvironment({ PATH: "/bin", TOKEN: "secret" }, { ...place, besides });
  assert.deepEqual([env["LOCAL_COMMANDS"], env["HOME"], env["PATH"], env["TOKEN"]], [
    "1",
    "/work/1/home",
    "/bin",
    undefined,
  ]);
});
