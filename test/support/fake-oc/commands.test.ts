import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import type { FakeOc } from "../fake-oc.ts";
import { gather, open, run, start } from "./harness.ts";

/** A running gather of the slow image, with the names it made up. */
async function running(oc: FakeOc, dest: string, image = "localhost/slow-must-gather") {
  const started = start(oc, gather(image, dest));
  await oc.entered("gathering");
  const [pod] = oc.cluster.pods();
  return { ...started, namespace: pod?.namespace ?? "", pod: pod?.name ?? "" };
}

/** Runs `oc exec` as a salvage does; stdout is kept in a file. */
async function salvage(
  oc: FakeOc,
  folder: string,
  namespace: string,
  pod: string,
  ...tar: string[]
) {
  const words = tar.length > 0 ? tar : ["tar", "-C", "/must-gather", "-cf", "-", "."];
  const is = await run(oc, ["exec", "-n", namespace, pod, "-c", "copy", "--", ...words]);
  fs.writeFileSync(path.join(folder, "salvaged.tar"), is.stdout, "latin1");
  const listed = spawnSync("tar", ["-tf", path.join(folder, "salvaged.tar")], { encoding: "utf8" });
  return { ...is, listed: listed.stdout.split("\n").slice(0, -1) };
}

test("exec brings a tar of what the pod has so far, whoever lives", async (t) => {
  const { oc, folder, dest } = await open(t, { release: "4.13" });
  const { pid, gone, namespace, pod } = await running(oc, dest);
  const pods = await run(oc, ["get", "pods", "-n", namespace, "-o", "name"]);
  assert.equal(pods.stdout, `pod/${pod}\n`);
  process.kill(pid, "SIGKILL");
  await gone;
  const first = await salvage(oc, folder, namespace, pod);
  assert.deepEqual([first.code, first.listed], [0, ["./", "./slow.log"]]);
  const zipped = await salvage(
    oc,
    folder,
    namespace,
    pod,
    "tar",
    "-C",
    "/must-gather",
    "-czf",
    "-",
    ".",
  );
  assert.deepEqual(zipped.listed, ["./", "./slow.log"]);
  assert.equal(
    (await salvage(oc, folder, namespace, pod, "tar", "-C", "/x", "-cf", "-", ".")).code,
    2,
  );
  oc.execAs("file-changed");
  const changed = await salvage(oc, folder, namespace, pod);
  assert.deepEqual([changed.code, changed.listed], [1, ["./", "./slow.log"]]);
  assert.match(changed.stderr, /file changed as we read it/);
  oc.execAs("slow");
  assert.deepEqual((await salvage(oc, folder, namespace, pod)).listed, ["./", "./slow.log"]);
  oc.execAs("truncated");
  assert.equal((await salvage(oc, folder, namespace, pod)).listed[0], "./whole.txt");
  oc.execAs("garbage");
  assert.deepEqual((await salvage(oc, folder, namespace, pod)).listed, []);
  oc.execAs("hostile");
  const { listed } = await salvage(oc, folder, namespace, pod);
  assert.ok(listed.includes("./good.txt") && listed.includes("../escaped-by-dots.txt"));
  oc.execAs("unreachable");
  assert.match((await salvage(oc, folder, namespace, pod)).stderr, /error dialing backend/);
  oc.execAs(null);
  await run(oc, ["delete", "namespace", namespace, "--wait=false"]);
  assert.match((await salvage(oc, folder, namespace, pod)).stderr, /not found/);
});

test("an endless stream from a pod is ended by whoever stops reading", async (t) => {
  const { oc, dest } = await open(t);
  const { namespace, pod } = await running(oc, dest);
  oc.execAs("endless");
  const words = ["tar", "-C", "/must-gather", "-cf", "-", "."];
  const { child, gone } = start(oc, ["exec", "-n", namespace, pod, "-c", "copy", "--", ...words]);
  let size = 0;
  child.stdout.on("data", (data: string) => {
    size += data.length;
    if (size > 5_000_000) child.stdout.destroy();
  });
  assert.equal((await gone).signal, "SIGPIPE");
});

test("a deleted namespace is Terminating, then gone, its pods with it, and from 4.17 the binding", async (t) => {
  await Promise.all((["4.13", "4.22"] as const).map(async (release) => {
    const { oc } = await open(t, { release, speed: 4 });
    oc.cluster.createNamespace("openshift-must-gather-zzzzz");
    oc.cluster.createBinding("must-gather-yyyyy", "openshift-must-gather-zzzzz");
    assert.equal(oc.cluster.leftovers().length, 2);
    const flags = ["--wait=false", "--ignore-not-found"];
    const is = await run(oc, ["delete", "namespace", "openshift-must-gather-zzzzz", ...flags]);
    assert.equal(is.stdout, 'namespace "openshift-must-gather-zzzzz" deleted\n');
    const shown = await run(oc, ["get", "namespace", "openshift-must-gather-zzzzz", "-o", "json"]);
    assert.equal(JSON.parse(shown.stdout).status.phase, "Terminating");
    assert.deepEqual(
      oc.cluster.leftovers(),
      release === "4.13" ? ["clusterrolebinding/must-gather-yyyyy"] : [],
    );
    await oc.until(() => oc.cluster.namespaces().length === 0, "it stays");
    assert.equal(oc.cluster.bindings().length, release === "4.13" ? 1 : 0);
    const again = await run(oc, ["delete", "clusterrolebinding", "must-gather-yyyyy"]);
    assert.equal(again.code, release === "4.13" ? 0 : 1);
    const never = await run(oc, ["delete", "clusterrolebinding", "nobody", "--ignore-not-found"]);
    assert.deepEqual([never.code, never.stdout + never.stderr], [0, ""]);
  }));
});

test("oc tells its version, and refuses what it does not know", async (t) => {
  const { oc } = await open(t, { release: "4.18" });
  assert.match((await run(oc, ["version", "--client"])).stdout, /^Client Version: 4\.18\.0-lab\n/);
  assert.equal((await run(oc, ["frobnicate"])).code, 1);
  assert.equal((await run(oc, ["get", "routes"])).code, 1);
  const flag = await run(oc, ["get", "pods", "--nope"]);
  assert.match(flag.stderr, /^error: unknown flag: --nope\n/);
});
