import assert from "node:assert/strict";
import { test } from "node:test";
import { type GatherOptions, ocArguments, ocTimeout } from "../../src/oc/arguments.ts";

const NONE: GatherOptions = {
  images: [],
  imageStreams: [],
  allImages: false,
  nodeName: "",
  nodeSelector: "",
  hostNetwork: false,
  since: "",
  sinceTime: "",
  volumePercentage: null,
  sourceDir: "/must-gather/",
  commandLine: "",
};

test("oc is given its timeout after the service's own deadline and grace have passed", () => {
  assert.equal(ocTimeout(20 * 60_000, 5 * 60_000), 35 * 60_000);
});

test("what is unset is left to oc", () => {
  assert.deepEqual(ocArguments(NONE, { destination: "/work/7", ocTimeoutMs: 2_100_000 }), [
    "adm",
    "must-gather",
    "--dest-dir=/work/7",
    "--timeout=2100s",
    "--source-dir=/must-gather/",
  ]);
});

test("every option becomes one argument with its value behind =, and the command one behind --", () => {
  const options: GatherOptions = {
    images: ["quay.io/a/b:1", "quay.io/c/d@sha256:0"],
    imageStreams: ["openshift/must-gather:latest", "openshift/other"],
    allImages: false,
    nodeName: "master-0",
    nodeSelector: "role in (a, b)",
    hostNetwork: true,
    since: "2h",
    sinceTime: "2026-01-02T15:04:05Z",
    volumePercentage: 50,
    sourceDir: "/var/data",
    commandLine: "VM='web (prod)' /usr/bin/targeted",
  };
  const run = { destination: "/work/7", ocTimeoutMs: 1500 };
  assert.deepEqual(ocArguments(options, run), [
    "adm",
    "must-gather",
    "--image=quay.io/a/b:1",
    "--image=quay.io/c/d@sha256:0",
    "--image-stream=openshift/must-gather:latest",
    "--image-stream=openshift/other",
    "--node-name=master-0",
    "--node-selector=role in (a, b)",
    "--host-network=true",
    "--since=2h",
    "--since-time=2026-01-02T15:04:05Z",
    "--volume-percentage=50",
    "--dest-dir=/work/7",
    "--timeout=2s",
    "--source-dir=/var/data",
    "--",
    "VM='web (prod)' /usr/bin/targeted",
  ]);
});

test("all images go by a flag and without an image", () => {
  const args = ocArguments({ ...NONE, allImages: true }, { destination: "/d", ocTimeoutMs: 1000 });
  assert.ok(args.includes("--all-images=true"));
  assert.ok(!args.some((arg) => arg.startsWith("--image")));
});
