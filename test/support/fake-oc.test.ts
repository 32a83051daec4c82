import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { type Release, scenario } from "./fake-oc.ts";
import { gather, midCopy, open, run, start, tree } from "./fake-oc/harness.ts";

test("the slow image prints a line a second until it is told to finish", async (t) => {
  const { oc, dest } = await open(t, { release: "4.13" });
  const { ended, text } = start(oc, gather("localhost/slow-must-gather:latest", dest));
  await oc.until(() => text.stdout.includes("slow line 15\n"), "no line 15");
  oc.finish();
  const { code, stdout } = await ended;
  assert.equal(code, 0);
  assert.match(stdout, /slow done\n(.*\n)+.*slow\.log\n/);
});

test("a flood arrives whole, however many lines the image's name asks for", async (t) => {
  const { oc, dest } = await open(t, { speed: 1000 });
  const { code, stdout } = await run(oc, gather("localhost/flood-20000", dest));
  assert.equal(code, 0);
  assert.equal(stdout.match(/ flood line /g)?.length, 20_000);
});

test("an oc can close its stdout and live on", async (t) => {
  const { oc, dest } = await open(t, { speed: 40 });
  const { child, pid, gone } = start(oc, gather("localhost/close-stdout", dest));
  await new Promise((resolve) => child.stdout.once("end", resolve));
  assert.deepEqual(oc.running(), [pid]);
  assert.equal((await gone).code, 0);
});

test("instant and empty gathers, and bytes that are no text", async (t) => {
  const { oc, folder } = await open(t, {
    speed: 1,
    scenarios: { own: scenario("instant", { code: 7 }) },
  });
  const own = await run(oc, gather("localhost/own", `${folder}/own`));
  assert.equal(own.code, 7);
  oc.use(scenario("no-data", { instant: true }));
  const empty = await run(oc, gather("localhost/own", `${folder}/empty`));
  assert.equal(empty.code, 0);
  assert.deepEqual(tree(`${folder}/empty`).filter((line) => /sha256.*\//.test(line)).length, 1);
  oc.use(scenario("bytes", { instant: true }));
  const { stdout } = await run(oc, gather("localhost/own", `${folder}/bytes`));
  assert.match(stdout, /\u00ff\u00fe\u00c3\( no utf-8\n/);
});

test("the archive that Forklift's image makes is a real one", async (t) => {
  const { oc, dest } = await open(t, { speed: 1000 });
  await run(oc, gather("localhost/forklift-must-gather:latest", dest));
  const archive = tree(dest).find((line) => line.endsWith("must-gather.tar.gz"))?.slice(2) ?? "";
  const { status, stdout } = spawnSync("tar", ["-tzf", path.join(dest, archive)], {
    encoding: "utf8",
  });
  assert.equal(status, 0);
  assert.match(stdout, /^must-gather\/namespaces\/konveyor-forklift\/crs\/plans\/plan1\.yaml$/m);
});

test("words reach the targeted script as a shell would quote them, twice over on 4.22", async (t) => {
  const rows: [Release, string, string][] = [
    [
      "4.13",
      "NS=n PLAN='a b' VM='web (prod)' /usr/bin/targeted",
      "NS=[n] PLAN=[a b] VM=[web (prod)] argv=[]",
    ],
    [
      "4.22",
      "NS=n PLAN='a b' VM='web (prod)' /usr/bin/targeted",
      "NS=[n] PLAN=[a b] VM=[web (prod)] argv=[]",
    ],
    ["4.13", "PLAN='$((1+1))' /usr/bin/targeted", "NS=[] PLAN=[$((1+1))] VM=[] argv=[]"],
    ["4.22", "PLAN='$((1+1))' /usr/bin/targeted", "NS=[] PLAN=[2] VM=[] argv=[]"],
    [
      "4.22",
      "PLAN=x /usr/bin/targeted one 'two  three'",
      "NS=[] PLAN=[x] VM=[] argv=[one two  three]",
    ],
  ];
  await Promise.all(rows.map(async ([release, words, expected]) => {
    const { oc, dest } = await open(t, { release, speed: 1000 });
    const { stdout } = await run(oc, gather("localhost/forklift-must-gather", dest, "--", words));
    assert.equal(/Targeted gathering for Forklift (.*)\n/.exec(stdout)?.[1], expected, words);
  }));
});

test("no word can write a file or run a program of this machine", async (t) => {
  const { oc, folder, dest } = await open(t, { release: "4.13", speed: 1000 });
  const words =
    `echo x > ${folder}/out; /bin/touch ${folder}/touched; touch ${folder}/t; PLAN=x /usr/bin/targeted`;
  const { stdout } = await run(oc, gather("localhost/forklift-must-gather", dest, "--", words));
  assert.match(stdout, /restricted/);
  assert.match(stdout, /PLAN=\[x\]/);
  assert.deepEqual(fs.readdirSync(folder).filter((name) => /^(out|t|touched)$/.test(name)), []);
});

test("book is kept of what oc was given, the token only as its digest", async (t) => {
  const { oc, folder } = await open(t, { tokens: ["good"] });
  const config = path.join(folder, "kubeconfig");
  const write = (token: string) =>
    fs.writeFileSync(config, `server: https://api:6443\ntoken: ${token}\n`, { mode: 0o600 });
  write("good");
  const options = { env: { KUBECONFIG: config, LANG: "C" }, cwd: folder };
  assert.equal((await run(oc, ["get", "namespace"], options)).code, 0);
  const [seen] = oc.invocations("get");
  assert.deepEqual(seen?.env.toSorted(), ["HOME", "KUBECONFIG", "LANG", "PATH"]);
  assert.deepEqual([seen?.kubeconfig, seen?.kubeconfigMode, seen?.server], [
    "readable",
    "600",
    "https://api:6443",
  ]);
  assert.equal(seen?.cwd, fs.realpathSync(folder));
  assert.match(seen?.tokenDigest ?? "", /^[0-9a-f]{64}$/);
  write("bad");
  const refused = await run(oc, ["get", "namespace"], options);
  assert.equal(refused.stderr, "error: You must be logged in to the server (Unauthorized)\n");
  const bad = await run(oc, gather("localhost/forklift-must-gather", `${folder}/d`), options);
  assert.match(bad.stderr, /^error: creating temp namespace: Unauthorized$/m);
});

test("what oc tells without a cluster is told, and booked, alike with a kubeconfig and without", async (t) => {
  const { oc, folder } = await open(t, { release: "4.18" });
  const config = path.join(folder, "kubeconfig");
  fs.writeFileSync(config, "server: https://api:6443\n", { mode: 0o600 });
  for (const words of [["version", "--client"], ["adm", "must-gather", "--help"]]) {
    const env = { LANG: "C", ODD: `"'\\` };
    const without = await run(oc, words, { env, cwd: folder });
    const given = await run(oc, words, { env: { ...env, KUBECONFIG: config }, cwd: folder });
    assert.deepEqual(without, given);
    assert.equal(without.code, 0);
    const [first, second] = oc.invocations(...words);
    assert.deepEqual(first?.env.toSorted(), ["HOME", "LANG", "ODD", "PATH"]);
    assert.deepEqual([first?.kubeconfig, second?.kubeconfig], ["unset", "readable"]);
    assert.deepEqual([first?.cwd, first?.argv], [second?.cwd, second?.argv]);
    assert.ok(Math.abs((first?.at ?? 0) - Date.now()) < 60_000);
    assert.deepEqual(
      oc.events().filter(({ pid }) => pid === first?.pid).map(({ type }) => type),
      ["start", "end"],
    );
  }
  assert.deepEqual(oc.running(), []);
});

test("ordered failures come as often as ordered, then it works", async (t) => {
  const { oc } = await open(t, { speed: 1000 });
  oc.cluster.createNamespace("openshift-must-gather-zzzzz");
  oc.fail("delete namespace", "forbidden", 1);
  oc.fail("delete", "unauthorized", 1);
  oc.fail("delete namespace", "timeout", 1);
  const argv = ["delete", "namespace", "openshift-must-gather-zzzzz", "--wait=false"];
  const said: string[] = [];
  for (let n = 0; n < 3; n++) said.push((await run(oc, argv)).stderr);
  assert.match(said[0] ?? "", /^Error from server \(Forbidden\)/);
  assert.match(said[1] ?? "", /Unauthorized/);
  assert.match(said[2] ?? "", /i\/o timeout/);
  assert.equal((await run(oc, argv)).code, 0);
  oc.fail("get", "refused");
  assert.match((await run(oc, ["get", "ns"])).stderr, /was refused/);
  oc.mend();
  assert.equal((await run(oc, ["get", "ns"])).code, 0);
});

test("a gather is held at a gate, and goes on when it is released", async (t) => {
  const { oc, dest } = await open(t, { speed: 1000 });
  oc.hold("before-copy");
  const { pid, ended, text } = start(oc, gather("localhost/forklift-must-gather", dest));
  assert.equal(await oc.reached("before-copy"), pid);
  assert.equal(text.stdout.includes("downloading gather output"), false);
  oc.release("before-copy");
  const { code, stdout } = await ended;
  assert.equal(code, 0);
  assert.match(stdout, /downloading gather output/);
});

test("closing ends every process, orphans included, and removes everything", async (t) => {
  const { oc, folder, dest } = await open(t);
  const { pid } = await midCopy(oc, dest);
  const hung = start(oc, gather("localhost/never-exits", `${dest}-2`)).child;
  await oc.until(() => oc.running().length === 3, "three processes");
  process.kill(pid, "SIGKILL");
  await oc.close();
  assert.deepEqual(fs.readdirSync(folder).filter((name) => name.startsWith("fake-oc-")), []);
  await new Promise((resolve) =>
    hung.exitCode !== null || hung.signalCode ? resolve(0) : hung.once("exit", resolve)
  );
  assert.equal(hung.signalCode, "SIGKILL");
});
