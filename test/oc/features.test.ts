import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type OcAnswer, type OcCall, readFeatures } from "../../src/oc/features.ts";

const HELP = `Launch a pod to gather debugging information.

 This command will launch a pod in a temporary namespace.

Examples:
  # Gather information with a specific local folder to copy to
  oc adm must-gather --dest-dir=/local/directory
  oc adm must-gather --not-a-flag=1 -- myspecial-command.sh

Options:
    --all-images=false:
\tCollect must-gather using the default image for all Operators, with --image only where asked

    --image=[]:
\tSpecify a must-gather plugin image to run.

    -n, --since-time='':
\tOnly return logs after a specific date (RFC3339).

    --volume-percentage=70:
\tSpecify maximum percentage.

Usage:
  oc adm must-gather [flags] [options]
`;

const OLD_HELP = `Options:
      --dest-dir='': Set a specific directory on the local machine to write gathered data to.
      --image=[]: Specify a must-gather plugin image to run. If not specified, OpenShift's default must-gather image
will be used.
`;

const ok = (stdout: string): OcAnswer => ({ code: 0, stdout, stderr: "" });

const oc = (help: OcAnswer, version: OcAnswer): OcCall => (args) =>
  Promise.resolve(args[0] === "version" ? version : help);

test("the flags come from the options of oc's help, not from its examples or texts", async () => {
  const version = ok("Client Version: 4.18.0-202501\nKustomize Version: v5.4.2\n");
  assert.deepEqual(await readFeatures(oc(ok(HELP), version)), {
    version: "4.18.0-202501",
    flags: new Set(["all-images", "image", "since-time", "volume-percentage"]),
  });
});

test("the help of an older oc, a line an option, is read too", async () => {
  const { flags } = await readFeatures(oc(ok(OLD_HELP), ok("Client Version: 4.9.0\n")));
  assert.deepEqual(flags, new Set(["dest-dir", "image"]));
});

test("a version that cannot be told is unknown, and the flags still hold", async () => {
  const features = await readFeatures(oc(ok(HELP), { code: 1, stdout: "", stderr: "no" }));
  assert.equal(features.version, "unknown");
  assert.equal(features.flags.size, 4);
  assert.equal(features.problem, undefined);
});

test("help that cannot be read leaves no flags and one sentence that says why", async () => {
  const cases: readonly (readonly [OcAnswer, RegExp])[] = [
    [
      { code: 127, stdout: "", stderr: "first\n\u001b[31moc: not found\n" },
      /: \[31moc: not found$/,
    ],
    [{ code: 1, stdout: HELP, stderr: "" }, /: exit code 1$/],
    [{ code: null, stdout: "", stderr: "" }, /: it did not end by itself$/],
    [ok("Usage: oc"), /: it lists no flag$/],
  ];
  for (const [help, expected] of cases) {
    const features = await readFeatures(oc(help, ok("Client Version: 4.18.0\n")));
    assert.equal(features.version, "unknown");
    assert.equal(features.flags.size, 0);
    assert.match(features.problem ?? "", expected);
  }
});

test("an oc that cannot be started is told and nothing is thrown", async () => {
  const features = await readFeatures(() => Promise.reject(new Error("spawn oc ENOENT")));
  assert.match(features.problem ?? "", /spawn oc ENOENT$/);
});

test("a real program is asked for its help and its version, both without a cluster", async () => {
  const folder = await mkdtemp(join(tmpdir(), "features-"));
  try {
    const program = join(folder, "oc");
    await writeFile(
      program,
      `#!/bin/sh
case "$*" in
"adm must-gather --help") printf '    --image=[]:\\n    --since=0s:\\n' ;;
"version --client") echo 'Client Version: 4.22.1' ;;
*) exit 9 ;;
esac
`,
    );
    await chmod(program, 0o755);
    const run: OcCall = (args) =>
      new Promise((resolve) => {
        execFile(
          program,
          args,
          { env: { PATH: process.env["PATH"] ?? "" } },
          (error, stdout, stderr) => {
            resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
          },
        );
      });
    assert.deepEqual(await readFeatures(run), {
      version: "4.22.1",
      flags: new Set(["image", "since"]),
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
