/** The Dockerfile, as far as it can be checked without building it, and what it would start. */
import assert from "node:assert/strict";
import { access, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import manifest from "../../package.json" with { type: "json" };
import { createFakeOc, type FakeOc, type Release } from "../support/fake-oc.ts";
import { describeOnlyOn } from "../support/only-on.ts";
import { type Client, createClient } from "./client.ts";
import { type Container, startContainer } from "./container.ts";
import { copiesOf, imageConfig, PROJECT, readDockerfile } from "./dockerfile.ts";
import { type ImageTree, makeImageTree } from "./image-tree.ts";

const stages = await readDockerfile();
const service = stages.find(({ name }) => name === "service");
const last = stages.at(-1);
assert.ok(service && last);
const image = imageConfig(stages);
const runs = (stage: typeof last) =>
  stage.instructions.filter(({ keyword }) => keyword === "RUN").map(({ text }) => text);

/** The Debian package of each program. */
const PACKAGES: Readonly<Record<string, string>> = {
  fallocate: "util-linux",
  gzip: "gzip",
  kill: "procps",
  ps: "procps",
  rsync: "rsync",
  tar: "tar",
  tini: "tini",
};

describe("the Dockerfile", () => {
  test("copies only what is there and what .dockerignore lets through", async () => {
    const ignore = (await readFile(new URL(".dockerignore", PROJECT), "utf8")).split("\n");
    assert.ok(ignore.includes("*"), "everything is left out at first");
    const sources = copiesOf(service).flatMap((copy) => copy.sources);
    assert.deepEqual(sources.toSorted(), [
      "LICENSE",
      "machines",
      "package-lock.json",
      "package.json",
      "src",
    ]);
    for (const source of sources) {
      await access(new URL(source, PROJECT));
      assert.ok(ignore.includes(`!${source}`), `${source} is let through`);
    }
    assert.deepEqual(ignore.filter((line) => line.startsWith("!")).length, sources.length);
  });

  test("takes everything else from its own stages", () => {
    assert.deepEqual(copiesOf(last), [
      { stage: "oc", sources: ["/usr/bin/oc"], target: "/usr/local/bin/oc" },
      { stage: "service", sources: [image.workdir], target: image.workdir },
    ]);
    assert.equal(service.instructions[0]?.text, image.workdir);
  });

  test("names each image by its version: Node's is the one the tests run on, oc's 4.22 or later", () => {
    for (const { base } of stages) assert.match(base, /^[\w.-]+(?:\/[\w.-]+)+:\d[\w.-]*$/);
    const node = `docker.io/library/node:${manifest.devDependencies.node}-bookworm-slim`;
    assert.equal(service.base, node);
    assert.equal(last.base, node);
    const oc = stages.find(({ name }) => name === "oc")?.base ?? "";
    const [, major, minor] = /^quay\.io\/openshift\/origin-cli:(\d+)\.(\d+)/.exec(oc) ?? [];
    assert.ok(Number(major) * 1000 + Number(minor) >= 4022, oc);
  });

  test("installs what production needs, and runs no script of any package", () => {
    const install = runs(service).find((text) => text.startsWith("npm"));
    assert.equal(install, "npm ci --omit=dev --omit=optional --ignore-scripts");
  });

  test("installs every program that the service or oc calls, and ends the build where one is missing", async () => {
    const install = runs(last).join(" ");
    const installed = /apt-get install -y --no-install-recommends ([^&]*)/.exec(install)?.[1]
      ?.trim().split(/ +/);
    const checked = /for program in ([^;]*);/.exec(install)?.[1]?.split(/ +/);
    const programs = ["tini", "rsync", "tar", "gzip", ...await programsCalled()];
    for (const program of programs) {
      assert.ok(
        installed?.includes(PACKAGES[program] ?? ""),
        `${program}: its package is installed`,
      );
    }
    assert.deepEqual(checked?.toSorted(), [...programs, "node", "oc"].toSorted());
  });

  test("starts through tini as a user that is not root, and names the service's ports", () => {
    assert.deepEqual(image.entrypoint, ["/usr/bin/tini", "--"]);
    assert.match(image.user, /^[1-9]\d*:0$/);
    assert.deepEqual(image.ports, ["8443", "8080"]);
    assert.equal(image.env["NODE_ENV"], "production");
    assert.ok(Number(image.env["UV_THREADPOOL_SIZE"]) > 4);
  });
});

/** The programs that the sources start by a name of their own. The embedded gatherer is not used where oc is. */
async function programsCalled(): Promise<string[]> {
  const found = new Set<string>();
  const names = await readdir(new URL("src/", PROJECT), { recursive: true });
  for (const name of names.filter((name) => name.endsWith(".ts") && !name.startsWith("embedded"))) {
    const text = await readFile(new URL(`src/${name}`, PROJECT), "utf8");
    const ask = name === "runtime.ts" ? "ask|" : ""; // its own way of calling a small program
    const calls = new RegExp(
      `\\b(?:${ask}(?:spawn|exec|execFile)(?:Sync)?)\\(\\s*["'\`]([^"'\`]+)`,
      "g",
    );
    for (const [, program] of text.matchAll(calls)) found.add(program!);
  }
  return [...found].toSorted();
}

const IMAGE = "the image's command line, as process 1 under a random user id, without a home";

describeOnlyOn("Node", "the image brings Node", IMAGE, () => {
  let place: ImageTree;
  let oc: FakeOc;
  let container: Container;
  let client: Client;

  const begin = async (release: Release, env: Record<string, string> = {}) => {
    oc = await createFakeOc({ folder: place.folder, release });
    container = await startContainer({
      ...place,
      oc: oc.path,
      env: { PORT: "127.0.0.1:0", STOP_GRACE: "500ms", ...env },
    });
    client = createClient(container.url);
  };
  const end = async () => {
    await container.close();
    await oc.close();
  };

  before(async () => {
    place = await makeImageTree();
  });
  after(() => place.remove());

  test("a gather completes, and SIGTERM ends the service with 0", async () => {
    await begin("4.22");
    try {
      const [first] = await container.processes();
      assert.match(first?.status["Uid"] ?? "", new RegExp(`^${container.user}\\b`));
      assert.match(first?.status["NSpid"] ?? "", /\s1$/);
      assert.equal(first?.status["CapEff"], "0000000000000000");
      assert.equal(container.log[0]?.event, "service listens", "nothing is warned of");
      const { id } = await client.start({ image: "localhost/plain-must-gather:latest" });
      const record = await client.ended(id);
      assert.equal(record.status, "completed", record.message);
      const data = await client.call(`/${record["archive-url"]}`);
      assert.equal(data.text.length, record["archive-size"]);
      assert.equal(data.text.slice(0, 4), "PK\x03\x04");
      container.kill("SIGTERM");
      assert.equal(await container.exit, 0, container.stderr());
    } finally {
      await end();
    }
  });

  test("a gather ends though an orphan of its oc is left, which nobody reaps", async () => {
    await begin("4.13");
    try {
      oc.hold("during-copy");
      const { id } = await client.start({ image: "localhost/big-must-gather:latest" });
      await oc.reached("during-copy");
      await client.until(id, ({ state }) => state.startsWith("inprogress.copying"));
      assert.equal((await client.call(`/must-gather/${id}`, { method: "DELETE" })).status, 202);
      const record = await client.ended(id);
      assert.equal(record.reason, "cancelled", record.message);
      assert.deepEqual(record.leftovers, []);
      const orphans = (await container.processes())
        .filter(({ parent, state }) => parent === container.pid && state === "Z");
      assert.notEqual(orphans.length, 0, "process 1 was left an orphan");
      container.kill("SIGTERM");
      assert.equal(await container.exit, 0, container.stderr());
    } finally {
      await end();
    }
  });

  test("the folder it runs from can be read by everybody and written by nobody", async () => {
    for (
      const name of ["src/main.ts", "package.json", "LICENSE", "node_modules/hono/package.json"]
    ) {
      assert.equal((await stat(join(place.tree, name))).mode & 0o777, 0o644, name);
    }
    assert.equal((await stat(join(place.tree, "src"))).mode & 0o777, 0o755);
    assert.deepEqual(
      (await readdir(join(place.tree, "node_modules"))).filter((name) => name === "typescript"),
      [],
    );
  });
});
