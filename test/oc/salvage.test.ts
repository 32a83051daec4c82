/** Fetching what the pods hold while their gather still runs, from a stand-in for oc that is a shell script. */
import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pack } from "tar-stream";
import { callOc } from "../../src/oc/call.ts";
import { salvage, type SalvageRequest } from "../../src/oc/salvage.ts";
import { groupIsAlive } from "../../src/runtime.ts";
import { until } from "../support/until.ts";

const NAMESPACE = "openshift-must-gather-abcde";

/**
 * `oc get pods` prints the file `pods`; `oc exec` runs the script named after the pod and notes its arguments and, as
 * the leader of its group, its process id.
 */
const OC = `#!/bin/sh
cd "$STATE" || exit 99
printf '%s\\n' "$*" >> calls
case "$1" in
get) cat pods; exit "$(cat pods-code 2>/dev/null || echo 0)" ;;
exec) echo $$ >> pids; . "./$4" ;;
esac
`;

interface World {
  state: string;
  tree: string;
  /** What was told. */
  said: string[];
  stop: AbortController;
  /** Makes a pod: a tar of these files in \`<name>.tar\`, and a script that is run for \`oc exec\`. */
  pod: (name: string, script: string, files?: Record<string, string>) => Promise<void>;
  run: (more?: Partial<SalvageRequest>) => Promise<void>;
  /** Waits until a file of \`state\` holds so many lines. */
  lines: (file: string, count: number) => Promise<string[]>;
}

async function inWorld(use: (world: World) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "salvage-"));
  const [state, tree, program] = [join(folder, "state"), join(folder, "tree"), join(folder, "oc")];
  const env = { PATH: process.env["PATH"] ?? "", STATE: state };
  const stop = new AbortController();
  const said: string[] = [];
  try {
    await mkdir(state);
    await mkdir(tree);
    await writeFile(program, OC);
    await chmod(program, 0o755);
    await writeFile(join(state, "pods"), "");
    await use({
      state,
      tree,
      said,
      stop,
      async pod(name, script, files = {}) {
        const tar = pack();
        for (const [path, text] of Object.entries(files)) tar.entry({ name: `./${path}` }, text);
        tar.finalize();
        const blocks: Uint8Array[] = [];
        for await (const block of tar as AsyncIterable<Uint8Array>) blocks.push(block);
        await writeFile(join(state, `${name}.tar`), Buffer.concat(blocks));
        await writeFile(join(state, name), script);
        await writeFile(join(state, "pods"), `pod/${name}\n`, { flag: "a" });
      },
      run: (more) =>
        salvage(
          {
            namespaces: [NAMESPACE],
            sourceDir: "/must-gather/",
            tree,
            call: (args) =>
              callOc(args, { program, prefix: [], env, timeoutMs: 10_000, signal: stop.signal }),
            run: { program, prefix: [], env },
            ...more,
          },
          stop.signal,
          (sentence) => said.push(sentence),
        ),
      async lines(file, count) {
        for (let i = 0; i < 1000; i++) {
          const text = await readFile(join(state, file), "utf8").catch(() => "");
          const lines = text.split("\n").slice(0, -1);
          if (lines.length >= count) return lines;
          await sleep(10);
        }
        throw new Error(`${file} did not get ${count} lines`);
      },
    });
    for (const pid of (await readFile(join(state, "pids"), "utf8").catch(() => "")).split("\n")) {
      if (pid !== "") assert.equal(await groupIsAlive(Number(pid)), false, "a process is left");
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const text = (world: World, path: string) => readFile(join(world.tree, path), "utf8");

test("what each pod of the namespace holds is unpacked beside what oc copied", () =>
  inWorld(async (world) => {
    await world.pod("must-gather-aaaaa", "cat $4.tar", {
      "a.log": "of a",
      "sub/b.log": "also of a",
    });
    await world.pod("must-gather-bbbbb", "cat $4.tar", { "a.log": "of b" });
    await writeFile(join(world.tree, "timestamp"), "oc's");
    await world.run();
    assert.deepEqual(world.said, []);
    assert.deepEqual((await readdir(world.tree)).sort(), [
      "salvaged-must-gather-aaaaa",
      "salvaged-must-gather-bbbbb",
      "timestamp",
    ]);
    assert.equal(await text(world, "salvaged-must-gather-aaaaa/a.log"), "of a");
    assert.equal(await text(world, "salvaged-must-gather-aaaaa/sub/b.log"), "also of a");
    assert.equal(await text(world, "salvaged-must-gather-bbbbb/a.log"), "of b");
    assert.deepEqual((await world.lines("calls", 3)).sort(), [
      `exec -n ${NAMESPACE} must-gather-aaaaa -c copy -- tar -C /must-gather/ -cf - .`,
      `exec -n ${NAMESPACE} must-gather-bbbbb -c copy -- tar -C /must-gather/ -cf - .`,
      `get pods -n ${NAMESPACE} -o name`,
    ]);
  }));

test("tar's exit 1 is a success: files changed while they were read", () =>
  inWorld(async (world) => {
    const words = "echo 'tar: ./a.log: file changed as we read it' >&2";
    const script = `cat $4.tar; ${words}; echo 'command terminated with exit code 1' >&2; exit 1`;
    await world.pod("must-gather-aaaaa", script, { "a.log": "of a" });
    await world.run();
    assert.deepEqual(world.said, []);
    assert.equal(await text(world, "salvaged-must-gather-aaaaa/a.log"), "of a");
  }));

test("another exit of tar is told with its own words, and what came stays", () =>
  inWorld(async (world) => {
    const script = `cat $4.tar
      echo 'tar: ./secret: Cannot open: Permission denied' >&2
      echo 'tar: Exiting with failure status due to previous errors' >&2
      echo 'command terminated with exit code 2' >&2
      exit 2`;
    await world.pod("must-gather-aaaaa", script, { "a.log": "of a" });
    await world.run();
    assert.deepEqual(world.said, [
      "Pod must-gather-aaaaa was fetched only in part (1 file, 1 KiB): " +
      "tar ended with 2: tar: ./secret: Cannot open: Permission denied",
    ]);
    assert.equal(await text(world, "salvaged-must-gather-aaaaa/a.log"), "of a");
  }));

test("a pod that cannot be reached is named with oc's reason, and the others are fetched all the same", () =>
  inWorld(async (world) => {
    const reason = 'error: unable to upgrade connection: container not found ("copy")';
    await world.pod("must-gather-aaaaa", `echo '${reason}' >&2; exit 1`);
    await world.pod("must-gather-bbbbb", "cat $4.tar", { "a.log": "of b" });
    await world.pod("must-gather-ccccc", "exit 1");
    await world.pod("must-gather-ddddd", "exit 0");
    await world.run();
    assert.deepEqual(world.said.sort(), [
      `Nothing could be fetched from pod must-gather-aaaaa: ${reason}`,
      "Nothing could be fetched from pod must-gather-ccccc: exit code 1, and no word",
      "Nothing could be fetched from pod must-gather-ddddd: the stream ended before the tar did",
    ]);
    assert.deepEqual(await readdir(world.tree), ["salvaged-must-gather-bbbbb"]);
  }));

test("a connection that breaks leaves what came, the half file under rsync's name", () =>
  inWorld(async (world) => {
    const script = "head -c 4000 $4.tar; echo 'error: connection reset by peer' >&2; exit 1";
    await world.pod("must-gather-aaaaa", script, { "a.log": "of a", "b.log": "b".repeat(100_000) });
    await world.run();
    const folder = join(world.tree, "salvaged-must-gather-aaaaa");
    const [half, ...whole] = (await readdir(folder)).sort();
    assert.deepEqual(whole, ["a.log"]);
    assert.match(half!, /^\.b\.log\.\w{6}$/);
    assert.equal((await stat(join(folder, half!))).size, 4000 - 1024 - 512);
    assert.deepEqual(world.said, [
      `Pod must-gather-aaaaa was fetched only in part (1 file, 1 KiB, and a part of ${half}): ` +
      "error: connection reset by peer",
    ]);
  }));

test("an abort ends every process at once and keeps what came", () =>
  inWorld(async (world) => {
    // The grandchild is what `oc exec` is not, and what a wrapper of oc may be: it must go too.
    const script =
      "head -c 4000 $4.tar; sleep 1000 & echo $! >> children; trap '' TERM INT; sleep 1000; sleep 1000";
    for (const name of ["aaaaa", "bbbbb", "ccccc", "ddddd", "eeeee"]) {
      await world.pod(`must-gather-${name}`, script, { "a.log": "a", "b.log": "b".repeat(9000) });
    }
    const running = world.run();
    await world.lines("children", 4); // no more at once
    const first = join(world.tree, "salvaged-must-gather-aaaaa");
    const partOfB = async (): Promise<number> => {
      const name = (await readdir(first)).find((name) => name.startsWith(".b.log."));
      return name === undefined ? 0 : (await stat(join(first, name))).size;
    };
    for (let i = 0; i < 500 && await partOfB() === 0; i++) await sleep(10);
    const started = performance.now();
    world.stop.abort();
    await running;
    assert.ok(performance.now() - started < 3000);
    assert.equal((await world.lines("pids", 4)).length, 4);
    assert.equal(await text(world, "salvaged-must-gather-aaaaa/a.log"), "a");
    assert.equal(world.said.length, 5);
    assert.match(
      world.said.find((sentence) => sentence.includes("aaaaa"))!,
      /^Pod must-gather-aaaaa was fetched only in part \(1 file, 1 KiB, and a part of \.b\.log\.\w{6}\): there was no more time for it$/,
    );
    assert.equal(
      world.said.find((sentence) => sentence.includes("eeeee")),
      "Nothing could be fetched from pod must-gather-eeeee: there was no more time for it",
    );
  }));

test("an abort before it begins starts nothing", () =>
  inWorld(async (world) => {
    world.stop.abort();
    await world.run();
    assert.deepEqual(world.said, [
      `Nothing could be fetched from namespace ${NAMESPACE}: there was no more time for it`,
    ]);
    assert.deepEqual((await readdir(world.state)).sort(), ["pods"]);
  }));

test("an oc whose tar is whole, and that never ends by itself, is ended by the abort and nothing is missing", () =>
  inWorld(async (world) => {
    const script = "cat $4.tar; exec >&-; echo x >> closed; sleep 1000";
    await world.pod("must-gather-aaaaa", script, { "a.log": "of a" });
    const running = world.run();
    await world.lines("closed", 1);
    const unpacked = () => text(world, "salvaged-must-gather-aaaaa/a.log").catch(() => "");
    await until("what came is unpacked", async () => await unpacked() === "of a");
    const started = performance.now();
    world.stop.abort();
    await running;
    assert.ok(performance.now() - started < 3000);
    assert.deepEqual(world.said, []);
    assert.equal(await unpacked(), "of a");
  }));

test("an oc that ends while others hold its output is not waited for", () =>
  inWorld(async (world) => {
    await world.pod("must-gather-aaaaa", "cat $4.tar; sleep 1000 & exit 0", { "a.log": "of a" });
    await world.run();
    assert.deepEqual(world.said, []);
    assert.equal(await text(world, "salvaged-must-gather-aaaaa/a.log"), "of a");
  }));

test("the bound on bytes holds for all pods together", () =>
  inWorld(async (world) => {
    const names = ["must-gather-aaaaa", "must-gather-bbbbb"];
    const files = { "a.log": "a".repeat(10_000), "b.log": "b".repeat(1_000_000) };
    for (const name of names) await world.pod(name, "trap '' PIPE; cat $4.tar; sleep 1000", files);
    const started = performance.now();
    await world.run({ maxBytes: 300_000 });
    assert.ok(performance.now() - started < 3000);
    assert.equal(world.said.length, 2);
    for (const sentence of world.said) assert.match(sentence, /: the limit on bytes is reached$/);
    let bytes = 0;
    for (const folder of await readdir(world.tree)) {
      for (const name of await readdir(join(world.tree, folder))) {
        bytes += (await stat(join(world.tree, folder, name))).size;
      }
    }
    assert.ok(bytes <= 300_000, `${bytes} bytes`);
  }));

test("a stream that goes on behind the tar's end ends at the bound, and nothing is missing", () =>
  inWorld(async (world) => {
    const script = "cat $4.tar; exec cat /dev/zero";
    await world.pod("must-gather-aaaaa", script, { "a.log": "a".repeat(50_000) });
    await world.run({ maxBytes: 300_000 });
    assert.deepEqual(world.said, []);
    assert.equal((await text(world, "salvaged-must-gather-aaaaa/a.log")).length, 50_000);
  }));

test("a flood of errors is bounded, and only the last of its words is told", () =>
  inWorld(async (world) => {
    const script =
      'i=0; while [ $i -lt 20000 ]; do echo "tar: ./$i: Cannot open: $i $i $i $i $i" >&2; i=$((i+1)); done; cat $4.tar; exit 2';
    await world.pod("must-gather-aaaaa", script, { "a.log": "of a" });
    await world.run();
    assert.equal(world.said.length, 1);
    assert.match(world.said[0]!, /tar ended with 2: tar: \.\/19999: Cannot open: 19999/);
    assert.ok(world.said[0]!.length < 500);
  }));

test("only pods named as oc names them are asked for anything", () =>
  inWorld(async (world) => {
    await world.pod("must-gather-aaaaa", "cat $4.tar", { "a.log": "of a" });
    const others = [
      "--all",
      "must-gather-../..",
      "must-gather-AAAAA",
      "must-gather-aaaaaa",
      "other-aaaaa",
      "must-gather-aaaaa",
    ];
    await writeFile(
      join(world.state, "pods"),
      others.map((name) => `pod/${name}\n`).join("") + "secret/must-gather-bbbbb\n",
    );
    await world.run();
    assert.equal((await world.lines("calls", 2)).length, 2);
    assert.deepEqual(await readdir(world.tree), ["salvaged-must-gather-aaaaa"]);
  }));

test("pods that cannot be listed, or are not there yet, are told for their namespace", () =>
  inWorld(async (world) => {
    await world.run();
    await writeFile(join(world.state, "pods-code"), "1");
    await writeFile(join(world.state, "pods"), "");
    await world.run();
    await world.run({ run: { program: "/nowhere/oc", prefix: [], env: {} }, namespaces: [] });
    assert.equal(world.said.length, 2);
    assert.equal(
      world.said[0],
      `Nothing could be fetched from namespace ${NAMESPACE}: there is no pod in it`,
    );
    assert.match(world.said[1]!, /^Nothing could be fetched from namespace \S+: exit code 1/);
  }));

test("an oc that cannot be started, and a tree that is not there, are told", () =>
  inWorld(async (world) => {
    await world.pod("must-gather-aaaaa", "cat $4.tar");
    await world.run({ run: { program: "/nowhere/oc", prefix: [], env: {} } });
    assert.match(
      world.said[0]!,
      /^Nothing could be fetched from pod must-gather-aaaaa: oc cannot be started: .*ENOENT/,
    );
    assert.deepEqual(await readdir(world.tree), []);
    await world.run({ tree: join(world.tree, "gone") });
    assert.equal(
      world.said[1],
      "Nothing could be fetched from pod must-gather-aaaaa: its folder cannot be made: ENOENT",
    );
  }));

test("what is left out of a pod's tar is told, a few of it by name", () =>
  inWorld(async (world) => {
    await world.pod("must-gather-aaaaa", "cat evil.tar");
    const tar = pack();
    for (let i = 0; i < 5; i++) tar.entry({ name: `../../../up\n${i}` }, "x");
    tar.entry({ name: "fifo", type: "fifo" });
    tar.entry({ name: "good" }, "good");
    tar.finalize();
    const blocks: Uint8Array[] = [];
    for await (const block of tar as AsyncIterable<Uint8Array>) blocks.push(block);
    await writeFile(join(world.state, "evil.tar"), Buffer.concat(blocks));
    await world.run();
    assert.deepEqual(world.said, [
      "Left out of pod must-gather-aaaaa, 6 in all: " +
      [0, 1, 2].map((i) => `../../../up%0A${i} (its path leads upwards)`).join(", ") + ", …",
    ]);
    assert.equal(await text(world, "salvaged-must-gather-aaaaa/good"), "good");
  }));

test("many pods that fail are told in a few sentences", () =>
  inWorld(async (world) => {
    for (let i = 10; i < 22; i++) await world.pod(`must-gather-aaa${i}`, "echo no >&2; exit 1");
    await world.run();
    assert.equal(world.said.length, 6);
    assert.equal(world.said[5], "7 more such failures in fetching from pods");
  }));

test("twenty megabytes come through a process whole", () =>
  inWorld(async (world) => {
    const big = "0123456789abcdef".repeat(1_250_000);
    await world.pod("must-gather-aaaaa", "cat $4.tar", { "big.log": big });
    await world.run();
    assert.deepEqual(world.said, []);
    assert.equal(await text(world, "salvaged-must-gather-aaaaa/big.log"), big);
  }));
