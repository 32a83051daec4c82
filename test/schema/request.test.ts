import assert from "node:assert/strict";
import { test } from "node:test";
import { Problem } from "../../src/problem.ts";
import { type RawGatherRequest, REQUEST_KEYS } from "../../src/schema/options.ts";
import { parseGatherRequest, type RequestContext } from "../../src/schema/request.ts";

const FLAGS = [
  "all-images",
  "node-selector",
  "host-network",
  "since",
  "since-time",
  "volume-percentage",
];

const CONTEXT: RequestContext = {
  defaults: { image: "quay.io/kubev2v/forklift-must-gather", timeout: "20m" },
  maxTimeoutMs: 86_400_000,
  features: { version: "4.22.0", flags: new Set(FLAGS) },
  knownServer: (url) => url === "https://api.example.com:6443",
  embedded: false,
  localCommands: false,
};

const parse = (raw: RawGatherRequest, change: Partial<RequestContext> = {}) =>
  parseGatherRequest(raw, { ...CONTEXT, ...change });

function refusal(raw: RawGatherRequest, change: Partial<RequestContext> = {}): string {
  try {
    parse(raw, change);
  } catch (error) {
    assert.ok(error instanceof Problem);
    assert.equal(error.status, 400);
    return error.detail;
  }
  return assert.fail(`accepted ${JSON.stringify(raw)}`);
}

test("an empty request gets every default", () => {
  assert.deepEqual(parse({}), {
    customName: "",
    images: ["quay.io/kubev2v/forklift-must-gather"],
    imageStreams: [],
    allImages: false,
    nodeName: "",
    nodeSelector: "",
    hostNetwork: false,
    since: "",
    sinceTime: "",
    volumePercentage: null,
    sourceDir: "/must-gather/",
    command: "",
    commandLine: "",
    timeout: "20m",
    timeoutMs: 1_200_000,
    server: "",
  });
});

test("null and empty are unset, whatever the key", () => {
  for (const key of REQUEST_KEYS) {
    for (const unset of [null, undefined, ""]) assert.deepEqual(parse({ [key]: unset }), parse({}));
  }
  for (const key of ["image", "image-stream", "command"] as const) {
    assert.deepEqual(parse({ [key]: [] }), parse({}));
  }
});

test("the UI's request keeps its command as sent beside what goes to oc", () => {
  const request = parse({
    "custom-name": "vm:web (prod)",
    "command": "VM=web (prod) /usr/bin/targeted",
  });
  assert.equal(request.customName, "vm:web (prod)");
  assert.equal(request.command, "VM=web (prod) /usr/bin/targeted");
  assert.equal(request.commandLine, "VM='web (prod)' /usr/bin/targeted");
});

test("every option is taken over, words joined and lists split", () => {
  const request = parse({
    "image": "quay.io/a/b:1, quay.io/c/d",
    "image-stream": ["openshift/must-gather:latest", "ns/x,ns/y"],
    "node-selector": "role=worker",
    "command": ["VM=web (prod)", "/usr/bin/targeted"],
    "source-dir": "/data",
    "timeout": "1h30m",
    "server": "https://api.example.com:6443",
    "host-network": true,
    "since": "2h",
    "volume-percentage": 80,
  });
  assert.deepEqual(request.images, ["quay.io/a/b:1", "quay.io/c/d"]);
  assert.deepEqual(request.imageStreams, ["openshift/must-gather:latest", "ns/x", "ns/y"]);
  assert.equal(request.nodeSelector, "role=worker");
  assert.equal(request.command, "VM=web (prod) /usr/bin/targeted");
  assert.equal(request.sourceDir, "/data");
  assert.equal(request.timeout, "1h30m");
  assert.equal(request.timeoutMs, 5_400_000);
  assert.equal(request.server, "https://api.example.com:6443");
  assert.equal(request.hostNetwork, true);
  assert.equal(request.since, "2h");
  assert.equal(request.volumePercentage, 80);
  assert.equal(parse({ "node-name": "master-0" }).nodeName, "master-0");
  assert.equal(parse({ "since-time": "2026-01-02T15:04:05Z" }).sinceTime, "2026-01-02T15:04:05Z");
});

test("the text that a form sends for a boolean or a number is read", () => {
  for (const yes of ["1", "true", "True", "t", "on", "yes", true]) {
    assert.equal(parse({ "host-network": yes }).hostNetwork, true);
  }
  for (const no of ["0", "false", "F", "off", "no", false]) {
    assert.equal(parse({ "host-network": no }).hostNetwork, false);
  }
  assert.equal(parse({ "volume-percentage": "100" }).volumePercentage, 100);
});

test("redact is a switch, or says what goes out besides secrets", () => {
  const none = { ips: false, hosts: false };
  assert.deepEqual(parse({ redact: true }).redact, none);
  assert.deepEqual(parse({ redact: "true" }).redact, none);
  assert.deepEqual(parse({ redact: {} }).redact, none);
  assert.deepEqual(parse({ redact: { ips: true } }).redact, { ips: true, hosts: false });
  assert.equal(parse({ redact: false }).redact, undefined);
  assert.equal(parse({}).redact, undefined);
  assert.deepEqual(
    parse({ redact: false }, { redact: true }).redact,
    none,
    "the service's word counts",
  );
});

test("all images leave out the default image", () => {
  assert.deepEqual(parse({ "all-images": true }).images, []);
});

test("several default images are several", () => {
  const defaults = { image: "quay.io/a/b,quay.io/c/d", timeout: "20m" };
  assert.deepEqual(parse({}, { defaults }).images, ["quay.io/a/b", "quay.io/c/d"]);
});

test("a key of the wrong type is named", () => {
  const wrong: Partial<Record<string, readonly unknown[]>> = {
    "image": [1, {}, [1], [["a"]], true],
    "image-stream": [1, [null]],
    "command": [1, {}, [1], true],
    "host-network": [1, "maybe", [], {}],
    "all-images": ["2"],
    "redact": [1, "maybe", [], [true], { ips: 1 }, { names: true }],
    "volume-percentage": ["x", "1.5", true, [50]],
  };
  for (const key of REQUEST_KEYS) {
    for (const value of wrong[key] ?? [1, true, {}, [], ["a", "b"]]) {
      assert.ok(
        refusal({ [key]: value }).startsWith(`${key}: `),
        `${key} ${JSON.stringify(value)}`,
      );
    }
  }
});

test("a value that does not fit is refused, its key named and the value never repeated", () => {
  const secret = "s3cr3t";
  const bad: readonly (readonly [string, unknown])[] = [
    ["custom-name", `${secret}\n`],
    ["custom-name", `${secret}${"\u00e9".repeat(126)}`],
    ["image", `--${secret}`],
    ["image", ["quay.io/a/b", `${secret}$x`]],
    ["image", Array.from({ length: 21 }, (_, n) => `${secret}/i${n}`)],
    ["image-stream", secret],
    ["node-name", `-${secret}`],
    ["node-selector", `--${secret}`],
    ["source-dir", `${secret}/x`],
    ["timeout", `${secret}`],
    ["server", `https://${secret}`],
    ["server", `https://${secret}\r\nx: y`],
    ["since", secret],
    ["since-time", secret],
    ["volume-percentage", secret],
    ["host-network", secret],
    ["command", `${secret};`],
    ["command", Array(257).fill(secret.slice(0, 6))],
  ];
  for (const [key, value] of bad) {
    const detail = refusal({ [key]: value });
    assert.ok(detail.startsWith(`${key}: `), detail);
    assert.ok(!detail.includes(secret), detail);
  }
});

test("a custom name may have 256 bytes", () => {
  assert.equal(parse({ "custom-name": "\u00e9".repeat(128) }).customName.length, 128);
  refusal({ "custom-name": `${"\u00e9".repeat(128)}a` });
});

test("a timeout is above zero and at most what the configuration allows, and the most is told", () => {
  for (const timeout of ["0", "0s", "-5m", "20", "never", "1e3s", "24h1ns"]) {
    assert.match(refusal({ timeout }), /^timeout: must be/);
  }
  assert.match(refusal({ timeout: "25h" }), /at most 86400s/);
  assert.equal(parse({ timeout: "24h" }).timeoutMs, 86_400_000);
});

test("a percentage is an integer from 1 to 100", () => {
  for (const value of [0, 101, 1.5, -1, NaN, "0", "999"]) {
    assert.match(refusal({ "volume-percentage": value }), /integer from 1 to 100/);
  }
});

test("a server the configuration does not know is refused", () => {
  assert.match(refusal({ server: "https://elsewhere.example.com" }), /^server: not a cluster/);
});

test("what oc refuses to be told at once is refused before oc runs", () => {
  const pairs: readonly RawGatherRequest[] = [
    { "node-name": "n", "node-selector": "a=b" },
    { "since": "1h", "since-time": "2026-01-02T15:04:05Z" },
    { "all-images": true, "image": "a" },
    { "all-images": true, "image-stream": "a/b" },
    { "all-images": true, "node-name": "n" },
    { "all-images": "1", "host-network": "1" },
  ];
  for (const raw of pairs) {
    const detail = refusal(raw);
    assert.match(detail, /exclude each other/);
    for (const key of Object.keys(raw)) assert.ok(detail.includes(key));
  }
  parse({ "all-images": true, "host-network": false, "image": "" });
  parse({ "all-images": false, "image": "a" });
});

test("a flag this oc lacks is refused by name with the version, and only when asked for", () => {
  const features = { version: "4.13.0", flags: new Set(["node-selector", "host-network"]) };
  assert.match(refusal({ since: "1h" }, { features }), /^since: oc 4\.13\.0 has no flag --since;/);
  assert.match(
    refusal({ "volume-percentage": 5 }, { features }),
    /4\.13\.0 has no flag --volume-percentage/,
  );
  parse({ "host-network": true, "all-images": false, "since": null }, { features });
});

test("without oc's help no later flag is offered, and the rest works", () => {
  const features = { version: "unknown", flags: new Set<string>(), problem: "Cannot read" };
  assert.match(refusal({ "node-selector": "a" }, { features }), /not known whether/);
  parse({ image: "a", timeout: "5m", command: "x" }, { features });
});

test("the embedded gatherer runs a command only where that was switched on", () => {
  assert.match(refusal({ command: "ls" }, { embedded: true }), /LOCAL_COMMANDS=1/);
  assert.equal(parse({ command: "ls" }, { embedded: true, localCommands: true }).commandLine, "ls");
  assert.equal(parse({ command: " " }, { embedded: true }).commandLine, "");
});

test("other keys, and keys of a prototype, change nothing", () => {
  const raw = JSON.parse(
    '{"id":1,"status":"completed","archive-name":"x","__proto__":{"image":"evil"},"constructor":{"image":"evil"}}',
  );
  assert.deepEqual(parse(raw), parse({}));
  assert.deepEqual(parse(Object.create({ image: "evil" })), parse({}));
  assert.equal(({} as Record<string, unknown>)["image"], undefined);
});

test("a request can be written as JSON and read back the same", () => {
  const request = parse({ command: ["a b"], since: "1h" });
  assert.deepEqual(JSON.parse(JSON.stringify(request)), request);
});
