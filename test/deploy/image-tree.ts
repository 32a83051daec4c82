/** The image's folder, made without building the image: what its Dockerfile copies there and what npm would put beside it. */
import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { productionPackages, readLock } from "../../.ci/licences.ts";
import { copiesOf, PROJECT, readDockerfile } from "./dockerfile.ts";

const run = promisify(execFile);
const inProject = (path: string) => fileURLToPath(new URL(path, PROJECT));

/** A test's own temporary folder, with the image's folder in it. */
export interface ImageTree {
  readonly folder: string;
  readonly tree: string;
  remove: () => Promise<void>;
}

/**
 * Makes one. The packages come by `install`, or from this checkout, so that no network is needed. Leaves nothing behind where it
 * rejects.
 */
export async function makeImageTree(install = copyPackages): Promise<ImageTree> {
  const folder = await mkdtemp(join(tmpdir(), "mg-image-"));
  const tree = join(folder, "tree");
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await chmod(folder, 0o755);
    await copySources(tree);
    await install(tree);
    // As the Dockerfile does: everybody may read, and nobody but the owner write.
    await run("chmod", ["-R", "a+rX,go-w", tree]);
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, tree, remove };
}

async function copyPackages(tree: string): Promise<void> {
  const packages = productionPackages(await readLock());
  for (const [parent, paths] of Map.groupBy(packages.map(({ path }) => path), dirname)) {
    await mkdir(join(tree, parent), { recursive: true });
    await run("cp", ["-a", ...paths.map(inProject), join(tree, parent)]);
  }
}

/** Copies what the Dockerfile copies into its `service` stage. */
async function copySources(tree: string): Promise<void> {
  const stage = (await readDockerfile()).find(({ name }) => name === "service");
  if (stage === undefined) throw new Error("the Dockerfile has no stage named service");
  for (const { sources, target } of copiesOf(stage)) {
    const to = join(tree, target);
    await mkdir(target.endsWith("/") ? to : dirname(to), { recursive: true });
    await run("cp", ["-a", ...sources.map(inProject), to]);
  }
}
