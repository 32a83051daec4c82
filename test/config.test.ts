import assert from "node:assert/strict";
import { test } from "node:test";
import { type Config, ConfigError, readConfig, type System } from "../src/config.ts";

const CERTIFICATE = "-----BEGIN CERTIFICATE-----\n";
const FILES: Readonly<Record<string, string>> = {
  "/tls/tls.crt": CERTIFICATE,
  "/tls/tls.key": "-----BEGIN EC PRIVATE KEY-----\n",
  "/tls/empty": "",
  "/cwd/kube.yaml": "",
  "/etc/kube2.yaml": "",
  "/home/me/.kube/config": "",
  "/cwd/gatherings.db": "SQLite format 3",
};

function machine(change: Partial<System> = {}): System {
  return {
    runtime: "node",
    findProgram: (name) => name === "oc" || name === "/opt/oc" ? "/opt/oc" : undefined,
    isWritableFolder: (path) => !path.startsWith("/readonly"),
    readText: (path) => FILES[path],
    isFile: (path) => path in FILES,
    tmpdir: "/tmp",
    cwd: "/cwd",
    cpus: 2,
    homedir: "/home/me",
    ...change,
  };
}

/** Enough to start with AUTH on. */
const IN_CLUSTER = {
  KUBERNETES_SERVICE_HOST: "172.30.0.1",
  KUBERNETES_SERVICE_PORT: "443",
  API_TLS_CERTIFICATE: "/tls/tls.crt",
  API_TLS_KEY: "/tls/tls.key",
};
const NO_OC: Partial<System> = { findProgram: () => undefined };

test("an empty environment gives every default of a machine outside a cluster", () => {
  assert.deepEqual(readConfig({}, machine()), {
    port: 8080,
    host: "127.0.0.1",
    hostNamed: false,
    tls: undefined,
    tlsDisabled: false,
    auth: "none",
    credentials: "service",
    corsOrigins: [],
    kubernetes: undefined,
    useKubeconfig: false,
    kubeconfigPaths: [],
    podNamespace: undefined,
    image: "quay.io/kubev2v/forklift-must-gather",
    allowedImages: [],
    preflight: true,
    timeout: "20m",
    timeoutMs: 1_200_000,
    maxTimeoutMs: 86_400_000,
    timeoutGraceMs: 300_000,
    stopGraceMs: 10_000,
    drainGraceMs: 25_000,
    maxConcurrent: 2,
    maxQueued: 100,
    oc: { kind: "program", path: "/opt/oc" },
    localCommands: false,
    inspectSend: false,
    journalPath: "/dev/shm/must-gather",
    journalOnDisk: false,
    workPath: "/tmp/must-gather",
    workLimitBytes: undefined,
    evict: "replaced",
    cleanupMaxAgeMs: undefined,
    linkMaxAgeMs: 3_600_000,
    archiveFilename: "must-gather.tar.gz",
    archiveFormat: "zip",
    archiveLevel: 6,
    redact: false,
    redactRules: "",
    threads: 2,
    logLevel: "info",
    warnings: [],
  });
});

test("the old operator's Deployment starts as it is, with TLS and access on", () => {
  const config = readConfig({
    ...IN_CLUSTER,
    POD_NAMESPACE: "konveyor-forklift",
    PORT: "8443",
    API_TLS_ENABLED: "true",
    DB_PATH: ":memory:",
    CLEANUP_MAX_AGE: "-1",
    MUST_GATHER_IMAGE: "quay.io/kubev2v/forklift-must-gather:release-v2.5",
    DEBUG: "true",
  }, machine());
  assert.equal(config.port, 8443);
  assert.equal(config.host, undefined);
  assert.deepEqual(config.tls, { certificate: "/tls/tls.crt", key: "/tls/tls.key" });
  assert.equal(config.auth, "cluster-admin");
  assert.equal(config.credentials, "caller");
  assert.deepEqual(config.kubernetes, { host: "172.30.0.1", port: 443 });
  assert.equal(config.podNamespace, "konveyor-forklift");
  assert.equal(config.journalPath, "/dev/shm/must-gather");
  assert.equal(config.cleanupMaxAgeMs, undefined);
  assert.equal(config.logLevel, "debug");
  assert.deepEqual(config.warnings, []);
});

test("a configuration cannot be changed, at any depth", () => {
  const config = readConfig({ ...IN_CLUSTER, CORS_ORIGINS: "https://a" }, machine());
  for (const part of [config, config.tls, config.oc, config.corsOrigins, config.warnings]) {
    assert.ok(Object.isFrozen(part));
  }
});

type Env = Record<string, string>;
const NO_TLS = { API_TLS_ENABLED: "false", KUBERNETES_SERVICE_HOST: "10.0.0.1" };

const GOOD: [Env, Partial<Config>, Partial<System>?][] = [
  [{ PORT: "" }, { port: 8080 }],
  [{ PORT: "0" }, { port: 0 }],
  [{ PORT: "9000" }, { port: 9000, host: "127.0.0.1", hostNamed: false }],
  [{ PORT: ":9000" }, { port: 9000, hostNamed: false }],
  [{ PORT: "localhost:9000" }, { port: 9000, host: "localhost", hostNamed: true }],
  [{ PORT: "[::1]:9000" }, { port: 9000, host: "::1", hostNamed: true, warnings: [] }],
  [{ PORT: "[::1]:9000", AUTH: "cluster-admin", KUBECONFIG: "kube.yaml" }, { tls: undefined }],
  [{ PORT: "127.9.9.9:1", AUTH: "cluster-admin", KUBECONFIG: "kube.yaml" }, { tls: undefined }],
  [NO_TLS, { auth: "cluster-admin", tls: undefined, tlsDisabled: true, host: undefined }],
  [{ ...IN_CLUSTER, API_TLS_ENABLED: "False" }, { tls: undefined, tlsDisabled: true }],
  [{ API_TLS_CERTIFICATE: "../tls/tls.crt", API_TLS_KEY: "/tls/tls.key" }, {
    tls: { certificate: "/tls/tls.crt", key: "/tls/tls.key" },
    auth: "none",
  }],
  [{ AUTH: "none", KUBERNETES_SERVICE_HOST: "10.0.0.1" }, { auth: "none", host: "127.0.0.1" }],
  [{ KUBERNETES_SERVICE_HOST: "fd00::1", API_TLS_ENABLED: "0" }, {
    kubernetes: { host: "fd00::1", port: 443 },
  }],
  [{ ...NO_TLS, KUBERNETES_SERVICE_PORT: "6443" }, {
    kubernetes: { host: "10.0.0.1", port: 6443 },
  }],
  [{ ...NO_TLS, CREDENTIALS: "service" }, { credentials: "service" }],
  [{ KUBECONFIG: "kube.yaml" }, {
    auth: "none",
    useKubeconfig: true,
    kubeconfigPaths: ["/cwd/kube.yaml"],
  }],
  [{ KUBECONFIG: "/gone:/etc/kube2.yaml" }, { kubeconfigPaths: ["/gone", "/etc/kube2.yaml"] }],
  [{ USE_KUBECONFIG: "true" }, {
    useKubeconfig: true,
    kubeconfigPaths: ["/home/me/.kube/config"],
  }],
  [{ USE_KUBECONFIG: "false" }, { useKubeconfig: false, kubeconfigPaths: [] }],
  [{ OC: "/opt/oc" }, { oc: { kind: "program", path: "/opt/oc" } }],
  [{ OC: "embedded" }, { oc: { kind: "embedded" } }],
  [{ OC: "embedded", KUBECONFIG: "kube.yaml" }, { oc: { kind: "embedded" } }],
  [{}, { oc: { kind: "embedded" } }, NO_OC],
  [{ LOCAL_COMMANDS: "1" }, { localCommands: true }],
  [{ LOCAL_COMMANDS: "off" }, { localCommands: false }],
  [{ INSPECT_SEND: "1" }, { inspectSend: true }],
  [{ MUST_GATHER_IMAGE: "[::1]:5000/a:b,quay.io/c@sha256:00" }, {
    image: "[::1]:5000/a:b,quay.io/c@sha256:00",
  }],
  [{ TIMEOUT: "1.5h" }, { timeout: "1.5h", timeoutMs: 5_400_000 }],
  [{ TIMEOUT: "30h", MAX_TIMEOUT: "480h" }, {
    timeoutMs: 108_000_000,
    maxTimeoutMs: 1_728_000_000,
  }],
  [{ TIMEOUT_GRACE: "0" }, { timeoutGraceMs: 0 }],
  [{ STOP_GRACE: "100ms" }, { stopGraceMs: 100 }],
  [{ DRAIN_GRACE: "120s" }, { drainGraceMs: 120_000 }],
  [{ LINK_MAX_AGE: "10m" }, { linkMaxAgeMs: 600_000 }],
  [{ CLEANUP_MAX_AGE: "72h" }, { cleanupMaxAgeMs: 259_200_000 }],
  [{ CLEANUP_MAX_AGE: "8760h" }, { cleanupMaxAgeMs: 31_536_000_000 }],
  [{ ARCHIVE_FILENAME: "crane.tar.gz" }, { archiveFilename: "crane.tar.gz" }],
  [{ ARCHIVE_FORMAT: "tar.gz" }, { archiveFormat: "tar.gz" }],
  [{ REDACT: "1" }, { redact: true, redactRules: "" }],
  [{ ARCHIVE_LEVEL: "0" }, { archiveLevel: 0 }],
  [{ THREADS: "8" }, { threads: 8 }],
  [{}, { threads: 64 }, { cpus: 200 }],
  [{ MAX_CONCURRENT: "1", MAX_QUEUED: "0" }, { maxConcurrent: 1, maxQueued: 0 }],
  [{ WORK_PATH: "work", JOURNAL_PATH: "journal" }, {
    workPath: "/cwd/work",
    journalPath: "/cwd/journal",
    journalOnDisk: false,
  }],
  [{ DB_PATH: "/data/gatherings.db" }, { journalPath: "/data/gatherings.db" }],
  [{ DB_PATH: "file:/data/gatherings.db?cache=shared" }, { journalPath: "/data/gatherings.db" }],
  [{ DB_PATH: "/data/x.db", JOURNAL_PATH: "/j" }, { journalPath: "/j" }],
  [{ DB_PATH: "file::memory:?cache=shared" }, { journalPath: "/dev/shm/must-gather" }],
  [{ WORK_LIMIT: "1000" }, { workLimitBytes: 1000 }],
  [{ WORK_LIMIT: "5k" }, { workLimitBytes: 5000 }],
  [{ WORK_LIMIT: "1.5Gi" }, { workLimitBytes: 1_610_612_736 }],
  [{ WORK_LIMIT: "20G" }, { workLimitBytes: 20_000_000_000 }],
  [{ WORK_LIMIT: "512Mi" }, { workLimitBytes: 536_870_912 }],
  [{ EVICT: "oldest" }, { evict: "oldest" }],
  [{ CORS_ORIGINS: "https://a.example, http://b:8080" }, {
    corsOrigins: ["https://a.example", "http://b:8080"],
  }],
  [{ LOG_LEVEL: "warn", DEBUG: "1" }, { logLevel: "warn" }],
  [{ DEBUG: "anything" }, { logLevel: "debug" }],
  [{ DEBUG: "false" }, { logLevel: "info" }],
];

for (const [env, expected, change] of GOOD) {
  test(`${JSON.stringify(env)}${change ? " (other machine)" : ""} gives ${JSON.stringify(expected)}`, () => {
    const config = readConfig(env, machine(change));
    for (const key of Object.keys(expected) as (keyof Config)[]) {
      assert.deepEqual(config[key], expected[key], key);
    }
  });
}

/** The environment, the variable that is named, what the message holds of the value, and of what is expected. */
const BAD: [Env, string, string, string, Partial<System>?][] = [
  [{ PORT: "http" }, "PORT", '"http"', "a port from 1 to 65535, or host:port"],
  [{ PORT: "65536" }, "PORT", '"65536"', "a port"],
  [{ PORT: "-1" }, "PORT", '"-1"', "a port"],
  [{ PORT: "::1:8080" }, "PORT", '"::1:8080"', "a port"],
  [{ PORT: "[nonsense]:80" }, "PORT", '"[nonsense]:80"', "a port"],
  [{ PORT: "a b:80" }, "PORT", '"a b:80"', "a port"],
  [{ API_TLS_CERTIFICATE: "/tls/tls.crt" }, "API_TLS_KEY", "not set", "API_TLS_CERTIFICATE is set"],
  [{ API_TLS_KEY: "/tls/tls.key" }, "API_TLS_CERTIFICATE", "not set", "API_TLS_KEY is set"],
  [
    { API_TLS_CERTIFICATE: "/gone", API_TLS_KEY: "/tls/tls.key" },
    "API_TLS_CERTIFICATE",
    '"/gone"',
    "a PEM file with a certificate",
  ],
  [
    { API_TLS_CERTIFICATE: "/tls/tls.crt", API_TLS_KEY: "/tls/empty" },
    "API_TLS_KEY",
    "(not shown)",
    "a PEM file with a private key",
  ],
  [{ API_TLS_ENABLED: "true" }, "API_TLS_CERTIFICATE", "not set", "as API_TLS_ENABLED is true"],
  [{ API_TLS_ENABLED: "maybe" }, "API_TLS_ENABLED", '"maybe"', "true or false"],
  [{ KUBERNETES_SERVICE_HOST: "10.0.0.1" }, "API_TLS_CERTIFICATE", "not set", "in clear"],
  [
    { PORT: "0.0.0.0:80", AUTH: "cluster-admin", KUBECONFIG: "kube.yaml" },
    "API_TLS_CERTIFICATE",
    "not set",
    "API_TLS_ENABLED=false",
  ],
  [{ KUBERNETES_SERVICE_HOST: "a/b" }, "KUBERNETES_SERVICE_HOST", '"a/b"', "a host name"],
  [
    { ...NO_TLS, KUBERNETES_SERVICE_PORT: "https" },
    "KUBERNETES_SERVICE_PORT",
    '"https"',
    "from 1 to 65535",
  ],
  [{ AUTH: "off" }, "AUTH", '"off"', "one of cluster-admin, none"],
  [{ AUTH: "cluster-admin" }, "AUTH", '"cluster-admin"', "a cluster to ask"],
  [{ CREDENTIALS: "mine" }, "CREDENTIALS", '"mine"', "one of caller, service"],
  [{ CREDENTIALS: "caller" }, "CREDENTIALS", '"caller"', "service where AUTH is none"],
  [{ KUBECONFIG: "/gone" }, "KUBECONFIG", "(not shown)", "the path of a kubeconfig"],
  [
    { USE_KUBECONFIG: "1" },
    "USE_KUBECONFIG",
    '"1"',
    "no home folder",
    { homedir: undefined },
  ],
  [{ USE_KUBECONFIG: "1" }, "USE_KUBECONFIG", '"1"', "no /root/.kube/config", { homedir: "/root" }],
  [{ OC: "/gone/oc" }, "OC", '"/gone/oc"', "the path of an oc"],
  [NO_TLS, "OC", "not set", "as KUBERNETES_SERVICE_HOST is set", NO_OC],
  [{ ...NO_TLS, AUTH: "none" }, "OC", "not set", "as KUBERNETES_SERVICE_HOST is set", NO_OC],
  [{ ...NO_TLS, OC: "embedded" }, "OC", '"embedded"', "as KUBERNETES_SERVICE_HOST is set"],
  [
    { OC: "embedded", AUTH: "cluster-admin", KUBECONFIG: "kube.yaml", API_TLS_ENABLED: "false" },
    "OC",
    '"embedded"',
    "as AUTH is on",
  ],
  [{ OC: "embedded", USE_KUBECONFIG: "1" }, "OC", '"embedded"', "as USE_KUBECONFIG is set"],
  [{ KUBECONFIG: "kube.yaml" }, "OC", "not set", "or embedded, to gather from this machine", NO_OC],
  [{ LOCAL_COMMANDS: "some" }, "LOCAL_COMMANDS", '"some"', "true or false"],
  [{ MUST_GATHER_IMAGE: "a b" }, "MUST_GATHER_IMAGE", '"a b"', "an image reference"],
  [{ MUST_GATHER_IMAGE: "--to=x" }, "MUST_GATHER_IMAGE", '"--to=x"', "an image reference"],
  [{ TIMEOUT: "20" }, "TIMEOUT", '"20"', "a duration such as 90s or 1h30m"],
  [{ TIMEOUT: "0s" }, "TIMEOUT", '"0s"', "more than 0s"],
  [{ TIMEOUT: "-5m" }, "TIMEOUT", '"-5m"', "more than 0s"],
  [{ TIMEOUT: "25h" }, "TIMEOUT", '"25h"', "at most 24h (MAX_TIMEOUT)"],
  [{ MAX_TIMEOUT: "481h" }, "MAX_TIMEOUT", '"481h"', "from 1s to 480h"],
  [{ MAX_TIMEOUT: "10m" }, "MAX_TIMEOUT", '"10m"', "at least the 20m"],
  [{ TIMEOUT_GRACE: "-1s" }, "TIMEOUT_GRACE", '"-1s"', "from 0s to 24h"],
  [{ STOP_GRACE: "0s" }, "STOP_GRACE", '"0s"', "from 1ms to 10m"],
  [{ DRAIN_GRACE: "1000h" }, "DRAIN_GRACE", '"1000h"', "from 1ms to 1h"],
  [{ LINK_MAX_AGE: "1d" }, "LINK_MAX_AGE", '"1d"', "from 1s to 168h"],
  [{ CLEANUP_MAX_AGE: "24" }, "CLEANUP_MAX_AGE", '"24"', "or -1 for never"],
  [{ CLEANUP_MAX_AGE: "0" }, "CLEANUP_MAX_AGE", '"0"', "or -1 for never"],
  [{ ARCHIVE_FILENAME: "a/b" }, "ARCHIVE_FILENAME", '"a/b"', "a file name without a folder"],
  [{ ARCHIVE_FILENAME: ".." }, "ARCHIVE_FILENAME", '".."', "a file name"],
  [{ ARCHIVE_FILENAME: "timestamp" }, "ARCHIVE_FILENAME", '"timestamp"', "none of oc's own"],
  [{ ARCHIVE_FILENAME: "gather.logs" }, "ARCHIVE_FILENAME", '"gather.logs"', "none of oc's own"],
  [{ ARCHIVE_FORMAT: "rar" }, "ARCHIVE_FORMAT", '"rar"', "one of zip, tar.gz"],
  [{ REDACT: "some" }, "REDACT", '"some"', "true or false"],
  [{ REDACT_RULES: "/none.yaml" }, "REDACT_RULES", '"/none.yaml"', "a file that can be read"],
  [{ ARCHIVE_LEVEL: "10" }, "ARCHIVE_LEVEL", '"10"', "from 0 to 9"],
  [{ THREADS: "0" }, "THREADS", '"0"', "from 1 to 256"],
  [{ MAX_CONCURRENT: "0" }, "MAX_CONCURRENT", '"0"', "from 1 to 64"],
  [{ MAX_QUEUED: "1e3" }, "MAX_QUEUED", '"1e3"', "from 0 to 10000"],
  [{ WORK_PATH: "/readonly/x" }, "WORK_PATH", '"/readonly/x"', "a folder"],
  [{ JOURNAL_PATH: "/readonly/x" }, "JOURNAL_PATH", '"/readonly/x"', "a folder"],
  [{ DB_PATH: "/readonly/x.db" }, "DB_PATH", '"/readonly/x.db"', "a folder"],
  [{ WORK_PATH: "/w", JOURNAL_PATH: "/w" }, "JOURNAL_PATH", '"/w"', "another folder"],
  [{ JOURNAL_PATH: `/${"j".repeat(96)}` }, "JOURNAL_PATH", "jjj", "at most 96 bytes"],
  [{ WORK_PATH: `/${"w".repeat(90)}` }, "JOURNAL_PATH", "www", "at most 96 bytes", {
    runtime: "deno",
  }],
  [{ WORK_LIMIT: "70%" }, "WORK_LIMIT", '"70%"', "a size in bytes"],
  [{ WORK_LIMIT: "0" }, "WORK_LIMIT", '"0"', "a size in bytes"],
  [{ WORK_LIMIT: "9999999999999Ti" }, "WORK_LIMIT", "9999", "a size in bytes"],
  [{ EVICT: "newest" }, "EVICT", '"newest"', "one of never, replaced, oldest"],
  [{ CORS_ORIGINS: "*" }, "CORS_ORIGINS", '"*"', "https://host"],
  [{ CORS_ORIGINS: "https://a/" }, "CORS_ORIGINS", '"https://a/"', "https://host"],
  [{ CORS_ORIGINS: "https://a:443" }, "CORS_ORIGINS", '"https://a:443"', "https://host"],
  [{ CORS_ORIGINS: "null" }, "CORS_ORIGINS", '"null"', "https://host"],
  [{ LOG_LEVEL: "loud" }, "LOG_LEVEL", '"loud"', "one of error, warn, info, debug"],
];

for (const [env, variable, value, expected, change] of BAD) {
  test(`${JSON.stringify(env)}${change ? " (other machine)" : ""} is refused, naming ${variable}`, () => {
    assert.throws(() => readConfig(env, machine(change)), (error) => {
      assert.ok(error instanceof ConfigError, String(error));
      assert.equal(error.variable, variable);
      assert.ok(error.message.startsWith(`${variable}: `), error.message);
      assert.ok(error.message.includes(value), error.message);
      assert.ok(error.message.includes(expected), error.message);
      assert.doesNotMatch(error.message, /[\n\r]/);
      return true;
    });
  });
}

test("a message never shows a key pasted where its path is meant, nor a password in a URL", () => {
  const secret = "hunter2";
  const bad: Env[] = [
    { API_TLS_CERTIFICATE: "/tls/tls.crt", API_TLS_KEY: `-----BEGIN\n${secret}` },
    { KUBECONFIG: `token: ${secret}` },
    { CORS_ORIGINS: `https://me:${secret}@a.example` },
  ];
  for (const env of bad) {
    assert.throws(() => readConfig(env, machine()), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.ok(!error.message.includes(secret), error.message);
      return true;
    });
  }
});

test("without a tmpfs the journal is beside the work, and the log is told", () => {
  for (
    const change of [
      { runtime: "deno" as const },
      { isWritableFolder: (path: string) => !path.startsWith("/dev/shm") },
    ]
  ) {
    const config = readConfig({ WORK_PATH: "/work" }, machine(change));
    assert.equal(config.journalPath, "/work/journal");
    assert.equal(config.journalOnDisk, true);
    assert.match(config.warnings.join(), /JOURNAL_PATH is not set/);
  }
});

test("the old service's database is left as it is, and the journal goes beside it", () => {
  const config = readConfig({ DB_PATH: "gatherings.db" }, machine());
  assert.equal(config.journalPath, "/cwd/gatherings.db.d");
  assert.match(config.warnings.join(), /DB_PATH names a file/);
});

test("AUTH=none on an address others reach is allowed by name only, and the log is told", () => {
  const config = readConfig({ PORT: "0.0.0.0:8080" }, machine());
  assert.equal(config.host, "0.0.0.0");
  assert.match(config.warnings.join(), /AUTH is none and PORT names 0\.0\.0\.0/);
});

test("no two delays added up can overflow a timer", () => {
  const { maxTimeoutMs, timeoutGraceMs } = readConfig(
    { MAX_TIMEOUT: "480h", TIMEOUT_GRACE: "24h" },
    machine(),
  );
  assert.ok(maxTimeoutMs + timeoutGraceMs + 600_000 < 2 ** 31);
});

test("ALLOWED_IMAGES is a list of patterns that has the default image in it", () => {
  const read = (ALLOWED_IMAGES: string, more = {}) =>
    readConfig({ ALLOWED_IMAGES, ...more }, machine()).allowedImages;
  assert.deepEqual(read("quay.io/kubev2v/*, all-images"), ["quay.io/kubev2v/*", "all-images"]);
  assert.deepEqual(read("a,b:*", { MUST_GATHER_IMAGE: "a,b:1" }), ["a", "b:*"]);
  assert.throws(
    () => read("quay.io/other/*"),
    /^ConfigError: ALLOWED_IMAGES: .*quay\.io\/kubev2v\/forklift-must-gather \(MUST_GATHER_IMAGE\)$/,
  );
  assert.throws(() => read("a,b:*", { MUST_GATHER_IMAGE: "a,c" }), /ALLOWED_IMAGES: .* c \(/);
  for (const bad of ["a b$", " , ", "^.*"]) {
    assert.throws(() => read(bad), /^ConfigError: ALLOWED_IMAGES: cannot use .*patterns of images/);
  }
  assert.deepEqual(
    readConfig({ ALLOWED_IMAGES: "a", OC: "embedded" }, machine()).allowedImages,
    [],
  );
});

test("PREFLIGHT can be turned off", () => {
  assert.equal(readConfig({ PREFLIGHT: "0" }, machine()).preflight, false);
  assert.throws(() => readConfig({ PREFLIGHT: "maybe" }, machine()), /PREFLIGHT: .*true or false/);
});
