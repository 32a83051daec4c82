/** A production install, as the Dockerfile makes it. Needs npm and what it installs from. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { createFakeOc } from "../test/support/fake-oc.ts";
import { createClient } from "../test/deploy/client.ts";
import { startContainer } from "../test/deploy/container.ts";
import { readDockerfile } from "../test/deploy/dockerfile.ts";
import { makeImageTree } from "../test/deploy/image-tree.ts";
import { productionPackages, readLock } from "./licences.ts";

test("the Dockerfile's npm command installs what the lock file calls production, and the service gathers with it", async () => {
  const instructions = (await readDockerfile()).flatMap((stage) => stage.instructions);
  const [npm = "", ...words] =
    instructions.find(({ text }) => text.startsWith("npm ci "))?.text.split(" ") ?? [];
  const place = await makeImageTree(async (cwd) => {
    await promisify(execFile)(npm, [...words, "--no-audit", "--no-fund"], { cwd });
  });
  try {
    const hidden = await readFile(join(place.tree, "node_modules", ".package-lock.json"), "utf8");
    const installed = Object.keys((JSON.parse(hidden) as { packages: object }).packages);
    const expected = productionPackages(await readLock()).map(({ path }) => path);
    assert.deepEqual(installed.toSorted(), expected.toSorted());

    const oc = await createFakeOc({ folder: place.folder });
    const env = { PORT: "127.0.0.1:0" };
    const container = await startContainer({ ...place, oc: oc.path, env });
    try {
      const client = createClient(container.url);
      const { id } = await client.start({ image: "localhost/plain-must-gather:latest" });
      const record = await client.ended(id);
      assert.equal(record.status, "completed", record.message);
      container.kill("SIGTERM");
      assert.equal(await container.exit, 0, container.stderr());
    } finally {
      await container.close();
      await oc.close();
    }
  } finally {
    await place.remove();
  }
});
