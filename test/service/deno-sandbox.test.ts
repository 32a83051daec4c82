/** The permissions that `deno task start` writes out: enough to gather, and no more. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import process from "node:process";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseExposition } from "../support/exposition.ts";
import { createFakeOc, type FakeOc } from "../support/fake-oc.ts";
import { describeOnlyOn } from "../support/only-on.ts";
import { PATIENCE_MS } from "../support/service.ts";
import type { GatherRecord } from "../../src/schema/record.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const DENO = join(ROOT, "node_modules", ".bin", "deno");

describeOnlyOn("Deno", "it starts Deno anyway", "deno task start", () => {
  let folder: string;
  let oc: FakeOc;
  let port: number;
  /** The flags of the task, with this test's folder and port in place of the usual ones. */
  let flags: string[];

  before(async () => {
    folder = await mkdtemp("/tmp/mg-"); // to Deno anything in /dev is a device, of which these flags allow none
    oc = await createFakeOc({ folder });
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
    await new Promise((resolve) => server.close(resolve));
    const { tasks } = JSON.parse(await readFile(join(ROOT, "deno.json"), "utf8"));
    const command: string = tasks.start.command;
    flags = command.split(" ").filter((word) => word.startsWith("--"))
      .map((flag) =>
        flag.replaceAll("/tmp/must-gather", join(folder, "work"))
          .replaceAll("127.0.0.1:8080", `127.0.0.1:${port}`)
          .replaceAll("$HOME", folder)
      );
    assert.ok(flags.some((flag) => flag.startsWith("--allow-run=oc,")));
  });
  after(async () => {
    await oc.close();
    await rm(folder, { recursive: true, force: true });
  });

  const env = () => ({
    PATH: `${dirname(oc.path)}:${process.env.PATH}`,
    HOME: folder,
    DENO_DIR: join(folder, "deno"),
    OC: "oc",
    PORT: String(port),
    WORK_PATH: join(folder, "work"),
    JOURNAL_PATH: join(folder, "work", "journal"),
  });

  test("is enough for a whole gather", async () => {
    const child = spawn(DENO, ["run", ...flags, "src/main.ts"], {
      cwd: ROOT,
      env: env(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    const exit = once(child, "exit");
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => said += text);
    }
    const url = `http://127.0.0.1:${port}/`;
    const deadline = performance.now() + PATIENCE_MS;
    const pause = () => new Promise((resolve) => setTimeout(resolve, 50));
    try {
      while (!said.includes("service listens")) {
        assert.ok(performance.now() < deadline && child.exitCode === null, said);
        await pause();
      }
      await (await fetch(new URL("must-gather", url), { method: "POST" })).text();
      let record: GatherRecord;
      do {
        await pause();
        record = await (await fetch(new URL("must-gather/1", url))).json() as GatherRecord;
        assert.ok(performance.now() < deadline, JSON.stringify(record));
      } while (record.status !== "completed" && record.status !== "error");
      assert.equal(record.status, "completed", record.message + said);
      const data = await (await fetch(new URL(record["archive-url"], url))).arrayBuffer();
      assert.equal(data.byteLength, record["archive-size"]);
      const metrics = parseExposition(await (await fetch(new URL("metrics", url))).text());
      const value = (name: string) => metrics.get(name)?.samples[0]?.value ?? NaN;
      assert.equal(value("must_gather_download_bytes_total"), data.byteLength);
      for (const name of ["process_resident_memory_bytes", "process_cpu_seconds_total"]) {
        assert.ok(value(name) > 0, name);
      }
    } finally {
      if (child.pid !== undefined && child.exitCode === null) process.kill(child.pid, "SIGTERM");
      await exit;
    }
    assert.doesNotMatch(said, /Requires .* access/);
  });

  const forbidden: [string, string][] = [
    ["reads a file of the system", 'await Deno.readTextFile("/etc/passwd")'],
    ["reads the caller's home", 'await Deno.readTextFile("/root/.bashrc")'],
    ["writes outside of its folder", 'await Deno.writeTextFile("/tmp/elsewhere.txt", "x")'],
    ["changes its own sources", 'await Deno.writeTextFile("src/main.ts", "")'],
    ["runs a shell", 'await new Deno.Command("sh", { args: ["-c", "true"] }).output()'],
    ["runs another program by its path", 'await new Deno.Command("/usr/bin/env").output()'],
    ["calls another host", 'await Deno.connect({ hostname: "127.0.0.2", port: 8080 })'],
    ["calls another port", 'await Deno.connect({ hostname: "127.0.0.1", port: 1 })'],
    ["reads a variable that is not the service's", 'Deno.env.get("AWS_SECRET_ACCESS_KEY")'],
    ["loads native code", 'Deno.dlopen("/lib/x86_64-linux-gnu/libc.so.6", {})'],
  ];
  for (const [what, code] of forbidden) {
    test(`does not let in a script that ${what}`, async () => {
      const script = join(folder, "probe.ts");
      await writeFile(
        script,
        `try { ${code}; console.log("let in"); } catch (e) { console.log(e.name); }`,
      );
      const said = await new Promise<string>((resolve, reject) =>
        execFile(
          DENO,
          ["run", "--no-check", ...flags, script],
          { cwd: ROOT, env: env(), timeout: PATIENCE_MS },
          (error, stdout) => error ? reject(error) : resolve(stdout.trim()),
        )
      );
      assert.equal(said, "NotCapable");
    });
  }
});
