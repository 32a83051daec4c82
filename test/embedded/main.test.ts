import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Place } from "./start.ts";

describe("the embedded gatherer as a program", () => {
  /** One gather that several tests look at, with a service to ask and a process that has secrets to hide. */
  let place: Place;
  let decoy: ChildProcess;
  let gathered: Awaited<ReturnType<Place["gather"]>>;

  before(async () => {
    place = await Place.make();
    const [journal, work, outside] = ["journal", "work", "outside"].map((name) =>
      join(place.root, name)
    ) as [string, string, string];
    for (const folder of [journal, work, outside]) await mkdir(folder);
    await writeFile(join(outside, "private.json"), "outside-text");
    await writeFile(join(journal, "1.json"), '{"id":1,"token":"hunter-e"}');
    await writeFile(join(journal, "2.json"), "x".repeat(64 * 1024 + 1));
    await symlink(join(outside, "private.json"), join(journal, "3.json"));
    await symlink(outside, join(work, "link"));
    await writeFile(join(work, "archive.zip"), "12345");
    const server = createServer((request, response) => {
      if (request.url === "/metrics") request.socket.destroy();
      else response.end(`answer to ${request.url}`);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const secrets = ["--token=hunter-a", "--password", "hunter b c"];
    decoy = spawn("sh", ["-c", "sleep 30; :", ...secrets], { stdio: "ignore" });
    gathered = await place.gather(["--image=quay.io/a/b", "--timeout=20m"], {
      JOURNAL_PATH: journal,
      WORK_PATH: work,
      PORT: String((server.address() as AddressInfo).port),
      DECOY_VALUE: "hunter-d",
    });
    server.close();
  });

  after(async () => {
    decoy.kill("SIGKILL");
    await place.remove();
  });

  /** Reads a file of the result. */
  async function read(name: string): Promise<string> {
    return await readFile(join(await place.result(), name), "utf8");
  }

  const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z`;

  test("a gather prints what oc 4.22 prints, and of no namespace or binding", () => {
    const { code, stdout, stderr } = gathered;
    assert.equal(stderr, "");
    assert.equal(code, 0);
    const prefix = new RegExp(
      `^(?:\\[must-gather      \\] OUT ${TIME} |\\[must-gather-[a-z0-9]{5}\\] (?:POD|OUT) ${TIME} )`,
    );
    const lines = stdout.trimEnd().split("\n");
    assert.match(
      lines[0] ?? "",
      /OUT \S+ Using must-gather plug-in image: embedded \(--image selects nothing here: .*\)$/,
    );
    const said = lines.filter((line) => prefix.test(line)).map((line) => line.replace(prefix, ""));
    assert.ok(said.some((line) => /^gathering system\/uname.txt \(\d+\/\d+\)$/.test(line)));
    assert.ok(said.some((line) => /^gathered system\/uname.txt: \d+ bytes in \d+ ms$/.test(line)));
    assert.deepEqual(said.slice(-3, -1), [
      "waiting for gather to complete",
      "downloading gather output",
    ]);
    assert.match(said.at(-1) ?? "", /^wrote \d+ of \d+ files in /);
    assert.doesNotMatch(stdout, /created|deleted/);
    assert.equal(lines.filter((line) => line.startsWith("Kernel: ")).length, 2);
  });

  test("a gather leaves oc's tree, filled from this machine", async () => {
    const result = await place.result();
    assert.deepEqual(
      (await readdir(place.destination)).sort(),
      [
        "event-filter.html",
        result.slice(place.destination.length + 1),
        "must-gather.logs",
        "timestamp",
      ].sort(),
    );
    assert.match(await read("processes/processes.txt"), /PID/);
    assert.match(await read("storage/df.txt"), /\//);
    assert.match(await read("network/hosts"), /localhost/);
    const stamps = await readFile(join(place.destination, "timestamp"), "utf8");
    assert.equal(stamps.trimEnd().split("\n").length, 2);
    const own = await readFile(join(place.destination, "must-gather.logs"), "utf8");
    assert.match(own, /Using must-gather plug-in image[^]*waiting for gather to complete/);
    assert.doesNotMatch(own, / POD /);
    assert.match(await read("gather.logs"), new RegExp(`^${TIME} gathering service/`));
    assert.deepEqual(await readdir(place.temporary), []);
  });

  test("the index says how each file was made, what is missing is told with the reason, and events have a page", async () => {
    const index = JSON.parse(await read("index.json")) as {
      files: { file: string; how: string }[];
    };
    assert.equal(index.files.find(({ file }) => file === "system/uname.txt")?.how, "uname -a");
    for (const { file } of index.files) await read(file); // each is there
    assert.match(
      await read("not-collected.txt"),
      /^service\/metrics.txt \(.*\)\n {2}GET \/metrics .*: no answer from 127.0.0.1:\d+: .+$/m,
    );
    const page = await readFile(join(place.destination, "event-filter.html"), "utf8");
    assert.match(page, /<td>system\/uname.txt<td>uname -a: \d+ bytes/);
    assert.doesNotMatch(page, /(?:src|href)=/);
  });

  test("neither values of the environment nor secrets of command lines are collected", async () => {
    const lines = (await read("processes/command-lines.txt")).split("\n");
    const line = lines.find((text) => text.trim().startsWith(`${decoy.pid} `));
    assert.ok(line?.endsWith("sh -c sleep 30; : --token=*** --password ***"), line);
    assert.match(await read("system/environment-names.txt"), /^DECOY_VALUE$/m);
    assert.doesNotMatch(await place.text(), /hunter/);
  });

  test("the service's state is collected: listings, small records, answers; links are not followed", async () => {
    assert.equal(await read("service/journal/1.json"), '{"id":1,"token":"***"}');
    assert.deepEqual(await readdir(join(await place.result(), "service/journal")), ["1.json"]);
    assert.match(await read("service/journal-records.txt"), /^"2.json": left out: 65537 bytes$/m);
    assert.match(await read("service/journal-listing.txt"), /^\S+Z link +\d+ "3.json"$/m);
    assert.match(await read("service/work-listing.txt"), /^\S+Z file +5 "archive.zip"$/m);
    assert.match(await read("service/healthz.txt"), /^HTTP 200 .*answer to \/healthz$/ms);
    assert.doesNotMatch(await place.text(), /outside-text|private.json/);
  });

  test("a second gather into the same destination adds to the first", async () => {
    const place = await Place.make();
    try {
      const env = { LOCAL_COMMANDS: "1" };
      assert.equal((await place.gather(["--", "echo 1 > a; echo 1 > b"], env)).code, 0);
      assert.equal((await place.gather(["--", "echo 2 > b; echo 2 > c"], env)).code, 0);
      const result = await place.result();
      const texts = await Promise.all(
        ["a", "b", "c"].map((name) => readFile(join(result, name), "utf8")),
      );
      assert.deepEqual(texts, ["1\n", "2\n", "2\n"]);
    } finally {
      await place.remove();
    }
  });

  test("without a destination the result goes where oc puts it", async () => {
    const env = place.env({ LOCAL_COMMANDS: "1" });
    const { code } = await place.run(["adm", "must-gather", "--", "true"], { env });
    assert.equal(code, 0);
    assert.ok((await readdir(place.root)).some((name) => /^must-gather\.local\.\d+$/.test(name)));
  });

  test("an unknown flag ends it as it ends oc, with nothing written", async () => {
    const place = await Place.make();
    try {
      const { code, stdout, stderr } = await place.gather(["--no-such-flag"]);
      assert.equal(code, 1);
      assert.equal(stdout, "");
      assert.equal(
        stderr,
        "error: unknown flag: --no-such-flag\nSee 'oc adm must-gather --help' for usage.\n",
      );
      const late = await place.gather(["--timeout=5x"]);
      assert.equal(late.code, 1);
      assert.equal(
        late.stderr,
        "Flag --timeout's value in seconds has been deprecated, use duration like 5s, 2m, or 3h, instead\n" +
          'error: invalid argument "5x" for "--timeout" flag: strconv.ParseInt: parsing "5x": invalid syntax\n',
      );
      await assert.rejects(readdir(place.destination), { code: "ENOENT" });
    } finally {
      await place.remove();
    }
  });

  test("it tells its version as oc does, and that there is no cluster for anything else", async () => {
    const version = await place.run(["version", "--client"]);
    assert.deepEqual(version, { code: 0, stdout: "Client Version: embedded-4.22\n", stderr: "" });
    const help = await place.run(["--kubeconfig=x", "adm", "must-gather", "--help"]);
    assert.equal(help.code, 0);
    assert.match(help.stdout, /^ {4}--timeout='10m':$/m);
    const line = ["delete", "namespace", "openshift-must-gather-abcde", "--wait=false"];
    const other = await place.run(line);
    assert.equal(other.code, 1);
    assert.equal(other.stdout, "");
    assert.match(other.stderr, /^error: there is no cluster here: .*\n$/);
  });
});
