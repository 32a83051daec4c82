import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
import type { CredentialStore } from "../../src/gathers/credentials.ts";
import type { Made } from "../../src/gathers/entry.ts";
import { gatherFolder, makeFolder } from "../../src/gathers/folders.ts";
import { createOcGatherer } from "../../src/gathers/oc-gatherer.ts";
import { spoolIn } from "../../src/oc/spool.ts";
import { processStart, signal } from "../../src/runtime.ts";
import { atEnd, testFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";
import { entry, keptLog, request } from "./stage.ts";

const made = (kind: Made["kind"], name: string, deleted = false): Made => ({
  kind,
  name,
  deleted,
  gone: false,
});
const NAMESPACE = made("namespace", "openshift-must-gather-abcde");
const BINDING = made("clusterrolebinding", "must-gather-vwxyz");

/** A gatherer whose oc is a shell script that notes how it was called. */
async function stage(t: TestContext, options: { script?: string; version?: string } = {}) {
  const root = await testFolder(t);
  const folder = gatherFolder(root, 1);
  await makeFolder(folder);
  const script = join(root, "oc.sh");
  await writeFile(script, `echo "$@" >> ${root}/calls\n${options.script ?? ""}\n`);
  const { log } = keptLog();
  const gatherer = createOcGatherer({
    program: "/bin/sh",
    prefix: [script],
    embedded: false,
    features: { version: options.version ?? "4.18.3", flags: new Set() },
    timeoutGraceMs: 300_000,
    env: { PATH: process.env.PATH, SECRET: "x" },
    embeddedEnv: {},
    credentials: { path: (id) => join(root, `kubeconfig-${id}`) } as CredentialStore,
    log,
  });
  const calls = async () => (await readFile(join(root, "calls"), "utf8")).trim().split("\n");
  return { root, folder, gatherer, calls };
}

test("oc runs in its folder with its kubeconfig, and its lines become facts before its end is told", async (t) => {
  const { gatherer, folder, calls } = await stage(t, {
    script: `pwd; env | sort >&2
echo "[must-gather      ] OUT namespace/openshift-must-gather-abcde created"
exit 3`,
  });
  const told: string[] = [];
  const output = { stdout: "", stderr: "" };
  gatherer.start({ entry: entry(1, { request: request({ timeoutMs: 60_000 }) }), folder }, {
    started: () => told.push("started"),
    output(stream, block) {
      output[stream] += block.toString();
      return true;
    },
    fact: (fact) => told.push(`${fact.type} ${"name" in fact ? fact.name : ""}`),
    exited: ({ code, orphans }) => told.push(`exited ${code} ${orphans}`),
    gone: () => told.push("gone"),
    milestone: (milestone) => told.push(`milestone ${milestone}`),
    trouble: (sentence) => told.push(sentence),
  });
  await until("its end", () => told.some((event) => event.startsWith("exited")));
  assert.deepEqual(told.filter((event) => event !== "started"), [
    "created openshift-must-gather-abcde",
    "exited 3 false",
  ]);
  assert.ok(output.stdout.startsWith(`${folder.tree}\n`));
  assert.match(output.stderr, new RegExp(`^HOME=${folder.home}$`, "m"));
  assert.match(output.stderr, new RegExp(`^TMPDIR=${folder.tmp}$`, "m"));
  assert.match(output.stderr, /^KUBECONFIG=.*kubeconfig-1$/m);
  assert.doesNotMatch(output.stderr, /SECRET/);
  const [call = ""] = await calls();
  assert.match(call, /^adm must-gather .*--image=quay\.io\/org\/image:tag/);
  assert.match(call, /--timeout=960s/); // its own falls behind ours: 1 m + 5 m + 10 m
});

/** What is asked to be deleted of these, and what is told as removed. */
async function reaped(t: TestContext, version: string, objects: Made[]) {
  const { gatherer, folder, calls } = await stage(t, { version });
  const removed: string[] = [];
  const own = entry(1, { made: objects });
  await gatherer.reap({ entry: own, folder }, new AbortController().signal, ({ name }) => {
    removed.push(name);
  });
  const called = await calls().catch(() => []);
  const deleted = called.map((call) => call.split(" ").slice(0, 3).join(" "));
  return { deleted: deleted.toSorted(), removed: removed.toSorted() };
}

test("what oc made and has not said it deleted is deleted by name", async (t) => {
  assert.deepEqual(await reaped(t, "4.18.3", [NAMESPACE, BINDING]), {
    deleted: [
      "delete clusterrolebinding must-gather-vwxyz",
      "delete namespace openshift-must-gather-abcde",
    ],
    removed: [BINDING.name, NAMESPACE.name],
  });
  assert.deepEqual(await reaped(t, "4.18.3", []), { deleted: [], removed: [] });
});

test("from 4.17 the binding goes with its namespace, before that it is deleted by itself", async (t) => {
  const gone = { ...NAMESPACE, deleted: true };
  for (const version of ["4.17.0", "4.22.1", "5.1.0"]) {
    assert.deepEqual(await reaped(t, version, [gone, BINDING]), {
      deleted: [],
      removed: [BINDING.name],
    }, version);
  }
  for (const version of ["4.16.9", "4.9.0", "3.11.0", "unknown"]) {
    assert.deepEqual(await reaped(t, version, [gone, BINDING]), {
      deleted: ["delete clusterrolebinding must-gather-vwxyz"],
      removed: [BINDING.name],
    }, version);
  }
  assert.deepEqual(
    (await reaped(t, "4.22.1", [BINDING])).deleted.length,
    1,
    "no namespace is known",
  );
});

test("what is fetched from the pods is no more than is allowed", async (t) => {
  const { gatherer, folder } = await stage(t, {
    script: `case $1 in
get) echo pod/must-gather-abcde ;;
exec) cd "$HOME"; head -c 300000 /dev/zero > big; tar -cf - big ;;
esac`,
  });
  const told: string[] = [];
  const signal = new AbortController().signal;
  const job = { entry: entry(1, { made: [NAMESPACE] }), folder };
  await gatherer.salvage(job, signal, (sentence) => told.push(sentence), 100_000);
  assert.match(told.join(), /^Pod must-gather-abcde .*: the limit on bytes is reached$/);
});

/** An oc of an earlier life of the service that makes its binding so many seconds after it began, and what is heard of it once it is told to stop. */
async function adopted(t: TestContext, version: string, seconds: number, objects: Made[] = []) {
  const { gatherer, folder } = await stage(t, { version });
  const { stdout, stderr } = spoolIn(folder.spool);
  const script = `sleep ${seconds}
echo "[must-gather      ] OUT clusterrolebinding.rbac.authorization.k8s.io/must-gather-vwxyz created"
sleep 30`;
  const child = spawn("/bin/sh", ["-c", `exec >>${stdout} 2>>${stderr}; touch begun; ${script}`], {
    cwd: folder.tree,
    env: { PATH: process.env.PATH, HOME: folder.home },
    detached: true,
    stdio: "ignore",
  });
  const pid = child.pid ?? 0;
  atEnd(t, () => void signal(pid, "SIGKILL", "group"));
  await until("it begins", () => existsSync(join(folder.tree, "begun")));
  const identity = { pid, start: await processStart(pid) ?? "" };
  const told: string[] = [];
  const job = { entry: entry(1, { made: objects, process: identity }), folder };
  gatherer.adopt(job, {
    fact: (fact) => told.push(`${fact.type} ${"name" in fact ? fact.name : ""}`),
    exited: () => told.push("exited"),
  }).signal("SIGINT", "group");
  await until("its end", () => told.includes("exited"));
  return told;
}

test("an oc of an earlier life is told to stop when its binding is named, or when nothing stands then", async (t) => {
  assert.deepEqual(await adopted(t, "4.18.3", 0.4), ["created must-gather-vwxyz", "exited"]);
  // Told at once they make none, however busy the machine is; one that was waited for could be made in the time for that.
  assert.deepEqual(await adopted(t, "4.18.3", 1.5, [BINDING]), ["exited"], "it is named already");
  assert.deepEqual(await adopted(t, "4.22.1", 1.5), ["exited"], "it removes what it made");
});

test("whether something still stands is asked by name; a cluster that does not say leaves it open", async (t) => {
  const signal = new AbortController().signal;
  for (
    const [script, stands] of [
      ["echo namespace/openshift-must-gather-abcde", true],
      ["exit 0", false],
      ["echo 'Unable to connect' >&2; exit 1", undefined],
    ] as const
  ) {
    const { gatherer, folder, calls } = await stage(t, { script });
    assert.equal(await gatherer.stands({ entry: entry(1), folder }, NAMESPACE, signal), stands);
    assert.deepEqual(await calls(), [
      "get namespace openshift-must-gather-abcde -o name --ignore-not-found=true",
    ]);
  }
});
