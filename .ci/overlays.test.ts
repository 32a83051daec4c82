/** What kustomize makes of deploy/: each overlay, and the components on each of them. Needs kubectl. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parse } from "yaml";
import { checkDeployment } from "../test/deploy/check-deployment.ts";
import { checkTypes } from "../test/deploy/check-types.ts";
import { parseManifests, type Resource } from "../test/deploy/manifests.ts";

const deploy = fileURLToPath(new URL("../deploy", import.meta.url));

async function build(folder: string): Promise<Resource[]> {
  const { stdout, stderr } = await promisify(execFile)("kubectl", ["kustomize", folder]);
  assert.equal(stderr, "", "kubectl warns of nothing");
  return parseManifests(stdout);
}

/** What the comment of the component says. */
async function patchesForCertManager(): Promise<unknown> {
  const path = join(deploy, "components", "monitoring", "kustomization.yaml");
  const comment = (await readFile(path, "utf8")).split("\n").filter((line) => /^# {3}/.test(line));
  return parse(comment.map((line) => line.slice(1)).join("\n"));
}

describe("kustomize", () => {
  let scratch: string;
  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), "mg-overlays-"));
    await cp(deploy, join(scratch, "deploy"), { recursive: true });
  });
  after(() => rm(scratch, { recursive: true, force: true }));

  test("builds every overlay into a deployment whose parts fit each other", async () => {
    const overlays = await readdir(join(deploy, "overlays"));
    assert.deepEqual(overlays.toSorted(), [
      "credentials-service",
      "kubernetes",
      "monitoring",
      "openshift",
      "work-pvc",
    ]);
    const built = await Promise.all(overlays.map((name) => build(join(deploy, "overlays", name))));
    built.forEach(checkDeployment);
    await checkTypes(built.flat());
    assert.ok(
      built.flat().every(({ kind, metadata }) =>
        kind.startsWith("ClusterRole") || metadata.namespace === "must-gather-service"
      ),
    );
  });

  for (const cluster of ["openshift", "kubernetes"]) {
    test(`puts all components together on ${cluster}, in another namespace, with an image from elsewhere`, async () => {
      const own = join(scratch, "deploy", `own-${cluster}`);
      await mkdir(own);
      const kustomization = {
        resources: [`../overlays/${cluster}`],
        components: ["work-pvc", "credentials-service", "monitoring"].map((name) =>
          `../components/${name}`
        ),
        ...(cluster === "kubernetes" ? { patches: await patchesForCertManager() } : {}),
        namespace: "konveyor-forklift",
        images: [{ name: "must-gather-service", newName: "registry.example/must-gather-service" }],
      };
      await writeFile(join(own, "kustomization.yaml"), JSON.stringify(kustomization));
      const text = JSON.stringify(await build(own)).replaceAll("registry.example/", "");
      // As the base says, these names are the namespace's and have to be changed by hand.
      const resources = JSON.parse(
        text.replaceAll(
          "must-gather-service.must-gather-service.svc",
          "must-gather-service.konveyor-forklift.svc",
        ),
      ) as (Resource & { subjects?: { namespace: string }[] })[];
      checkDeployment(resources);
      await checkTypes(resources);
      for (const { kind, metadata, subjects } of resources) {
        if (!kind.startsWith("ClusterRole")) assert.equal(metadata.namespace, "konveyor-forklift");
        if (subjects) {
          assert.deepEqual(subjects.map(({ namespace }) => namespace), ["konveyor-forklift"]);
        }
      }
    });
  }
});
