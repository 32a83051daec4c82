import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import type { Release } from "../fake-oc.ts";
import { gather, leaked, open, plainly, recorded, recordedTree, run, tree } from "./harness.ts";
import { RELEASES } from "./release.ts";

/** The recordings that a plain run must repeat: by release, then name → what follows the destination. */
const REPEATED: [readonly Release[], string, string, string[]][] = [
  [RELEASES, "success-archive", "localhost/forklift-must-gather:latest", []],
  [RELEASES, "gather-exit3", "localhost/fail-must-gather:latest", []],
  [RELEASES, "command-exit3", "localhost/plain-must-gather:latest", ["--", "exit 3"]],
  [RELEASES, "image-pull-fail", "registry.invalid/nope/must-gather:latest", []],
  [["4.22"], "command-exit3-setsid", "localhost/fsetsid-must-gather:latest", ["--", "exit", "3"]],
  [["4.22"], "targeted-setsid", "localhost/fsetsid-must-gather:latest", [
    "--",
    "PLAN=plan1 /usr/bin/targeted",
  ]],
  [["4.13"], "targeted-plan", "localhost/forklift-must-gather:latest", [
    "--",
    "PLAN=plan1",
    "/usr/bin/targeted",
  ]],
  [["4.13"], "targeted-plan-onearg", "localhost/forklift-must-gather:latest", [
    "--",
    "NS=ns1 VM=vm-1 /usr/bin/targeted",
  ]],
  [["4.13"], "targeted-none-exit1", "localhost/forklift-must-gather:latest", [
    "--",
    "/usr/bin/targeted",
  ]],
  [["4.13"], "image-pull-fail-cmd", "registry.invalid/nope/must-gather:latest", [
    "--",
    "/usr/bin/targeted",
  ]],
  [["4.13"], "no-local-rsync", "localhost/nolocal-must-gather", []],
  [["4.13"], "bad-image-ref", "UPPER/Case::bad", []],
  [["4.13"], "bad-node-name", "localhost/forklift-must-gather:latest", ["--node-name=nosuchnode"]],
  [["4.13"], "bad-node-name-slash", "localhost/forklift-must-gather:latest", ["--node-name=a/b"]],
  [["4.13"], "bad-timeout-5x", "localhost/forklift-must-gather:latest", ["--timeout=5x"]],
  [["4.13"], "bad-timeout-abc", "localhost/forklift-must-gather:latest", ["--timeout=abc"]],
  [["4.13"], "timeout-bare-30", "localhost/forklift-must-gather:latest", ["--timeout=30"]],
  [["4.13"], "unknown-flag", "localhost/forklift-must-gather:latest", ["--no-such-flag"]],
  [["4.13"], "pod-stays-pending", "localhost/pending-must-gather", ["--timeout=15s"]],
  [["4.18", "4.22"], "timeout5-slow", "localhost/slow-must-gather:latest", ["--timeout=5s"]],
  [["4.13"], "bad-token", "localhost/bad-token-must-gather", []],
  [["4.13"], "no-rights", "localhost/no-rights-must-gather", []],
  [["4.13"], "ns-creator-only", "localhost/ns-creator-must-gather", []],
  [["4.13"], "unreachable", "localhost/unreachable-must-gather", []],
  [["4.13"], "unreachable-blackhole", "localhost/silent-must-gather", []],
];

for (const release of RELEASES) {
  test(`oc ${release} is repeated: lines, exit code, destination, what stays in the cluster`, async (t) => {
    const { oc, folder } = await open(t, { release, speed: 1000 });
    await Promise.all(
      REPEATED.filter(([releases]) => releases.includes(release)).map(async (row) => {
        const [, name, image, more] = row;
        const was = recorded(release, name);
        const dest = path.join(folder, name);
        const is = await run(oc, gather(image, dest, ...more));
        // The images of the failures have names of their own here.
        const spelt = image.includes("localhost/")
          ? (/--image=(\S+)/.exec(was.command)?.[1] ?? image)
          : image;
        const [wasOut, wasErr] = [was.stdout, was.stderr].map((lines) =>
          plainly(lines.map(({ text }) => text), "DEST").sort()
        );
        const [isOut, isErr] = [is.stdout, is.stderr].map((text) =>
          plainly(text.replaceAll(image, spelt).split("\n"), dest).sort()
        );
        assert.deepEqual(isOut, wasOut, `${name}: stdout`);
        assert.deepEqual(isErr, wasErr, `${name}: stderr`);
        assert.equal(is.code, was.code, `${name}: exit code`);
        const folderName = /localhost-[\w-]+-sha256-\w+/g;
        const [isTree, wasTree] = [tree(dest), recordedTree(was)].map((lines) =>
          lines.map((line) => line.replace(folderName, "IMAGE"))
        );
        assert.deepEqual(isTree, wasTree, `${name}: destination`);
        const made = /namespace\/(\S+) created/.exec(is.stdout)?.[1] ?? "none";
        assert.equal(
          oc.cluster.leftovers().includes(`namespace/${made}`),
          leaked(was),
          `${name}: cluster`,
        );
      }),
    );
  });

  test(`oc ${release} runs two images side by side, with the recorded lines and files`, async (t) => {
    const { oc, dest } = await open(t, { release });
    const was = recorded(release, "two-images");
    const images = "localhost/forklift-must-gather:latest,localhost/plain-must-gather:latest";
    const is = await run(oc, gather(images, dest));
    assert.equal(is.code, 0);
    const lines = plainly(is.stdout.split("\n"), dest);
    const missing = plainly(was.stdout.map(({ text }) => text), "DEST").filter((line) =>
      !lines.includes(line)
    );
    assert.deepEqual(missing, []);
    assert.equal(
      lines.filter((line) => /\] OUT (TIME )?namespaces\/.*[^/]$/.test(line)).length,
      168,
    );
    const missed = recordedTree(was).filter((line) => !tree(dest).includes(line));
    assert.deepEqual(missed, []);
  });
}

test("each release lists the flags that it has in its help", async (t) => {
  await Promise.all(RELEASES.map(async (release) => {
    const { oc } = await open(t, { release });
    const { code, stdout } = await run(oc, ["adm", "must-gather", "--help"]);
    assert.equal(code, 0);
    for (const flag of ["node-selector", "host-network", "run-namespace", "dest-dir"]) {
      assert.match(stdout, new RegExp(`^    --${flag}=.*:\\n\\t`, "m"));
    }
    for (const flag of ["volume-percentage", "all-images", "since", "since-time"]) {
      assert.equal(stdout.includes(`    --${flag}=`), release !== "4.13", flag);
    }
  }));
});

test("a destination that cannot be made fails as recorded, and one with a colon before that", async (t) => {
  const { oc } = await open(t, { release: "4.13", speed: 1000 });
  const is = await run(oc, gather("localhost/forklift-must-gather:latest", "/proc/nope/x"));
  const was = recorded("4.13", "dest-unwritable");
  const lines = (text: string) =>
    plainly(text.replace(/mkdir [^:]*:/g, "mkdir X:").split("\n"), "DEST").sort();
  assert.deepEqual(lines(is.stderr), lines(was.stderr.map(({ text }) => text).join("\n")));
  assert.equal(is.code, 1);
  assert.deepEqual(oc.cluster.leftovers(), []);
  const colon = await run(oc, gather("localhost/forklift-must-gather:latest", "/tmp/x:y"));
  assert.deepEqual([colon.code, colon.stderr], [
    1,
    `${recorded("4.13", "dest-colon").stderr[0]?.text}\n`,
  ]);
});

test("a kubeconfig that is not there fails as recorded", async (t) => {
  const { oc, dest } = await open(t, { release: "4.13" });
  const argv = gather("localhost/forklift-must-gather:latest", dest);
  const is = await run(oc, argv, { env: { KUBECONFIG: "/nonexistent" } });
  const was = recorded("4.13", "no-config");
  assert.equal(is.code, was.code);
  assert.deepEqual(
    plainly(is.stderr.split("\n"), dest),
    plainly(was.stderr.map(({ text }) => text), dest),
  );
});
