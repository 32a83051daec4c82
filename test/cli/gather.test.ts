/** The client against a stand-in for the service. */
import assert from "node:assert/strict";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, before, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { about, json, recordOf, running, type StandIn, startStandIn, tarOf } from "./stand-in.ts";
import { Place } from "./start.ts";

describe("the client with a stand-in for the service", () => {
  let place: Place;
  let service: StandIn;
  let archive: Buffer;

  before(async () => {
    archive = await tarOf(["a.yaml", "logs/b.log"]);
  });

  beforeEach(async () => {
    [place, service] = await Promise.all([Place.make(), startStandIn()]);
    service.archive = archive;
    service.records = [running("gathering"), recordOf(about(archive))];
  });

  afterEach(async () => {
    await Promise.all([place.remove(), service.close()]);
  });

  const gather = (...args: string[]) => place.run(["--url", service.url, ...args]);

  test("a gather is posted, followed and downloaded, and told in plain lines", async () => {
    service.records = [
      running("queued"),
      running(
        "gathering",
        "\n[must-gather-abcde] POD 2026-11-22T13:10:58.3Z first\n\u001b[31mred\u0007",
      ),
      recordOf(about(archive)),
    ];
    const { code, stdout, stderr } = await gather(
      ...["--image", "a", "--image", "b", "--timeout", "5m", "--all-images", "--", "x", "y z"],
    );
    assert.equal(
      stderr.replaceAll(service.url, "URL"),
      [
        "Gather 7 is on its way at URL/",
        "queued (2 lines)",
        "gathering (2 lines): red",
        `downloading (100 %, ${archive.length} B of ${archive.length} B)`,
        "",
      ].join("\n"),
    );
    const path = join(place.here, "must-gather.tar.gz");
    const hex = Buffer.from(String(about(archive)["archive-digest"]).slice(9, -1), "base64");
    assert.equal(
      stdout,
      [
        path,
        `  size     ${archive.length} B (${archive.length} bytes)`,
        `  SHA-256  ${hex.toString("hex")}`,
        "  entries  2:",
        "    a.yaml  10 B",
        "    logs/b.log  10 B",
        "",
      ].join("\n"),
    );
    assert.equal(code, 0);
    assert.deepEqual(await readFile(path), archive);
    const post = service.asked.find(({ method }) => method === "POST");
    assert.deepEqual(JSON.parse(post?.body ?? ""), {
      "image": ["a", "b"],
      "timeout": "5m",
      "all-images": true,
      "command": ["x", "y z"],
    });
    assert.match(String(post?.headers["idempotency-key"]), /^[0-9a-f-]{36}$/);
  });

  test("a gather that failed gives its reason and exit code 1, and its partial archive", async () => {
    service.records = [recordOf({
      ...about(archive),
      status: "error",
      reason: "timeout",
      message: "Stopped after its timeout of 1m",
      partial: true,
    })];
    const { code, stdout, stderr } = await gather();
    assert.equal(code, 1);
    assert.match(stderr, /^Gather 7 failed \(timeout\): Stopped after its timeout of 1m$/m);
    assert.match(stdout, /bytes\), partial$/m);
    assert.deepEqual(await place.files(), ["must-gather.tar.gz"]);
  });

  test("what the service refuses is told in its words, with exit code 1", async () => {
    service.answer = ({ method }, response) => {
      if (method !== "POST") return false;
      json(response, 400, { detail: "timeout: must be\u001b[2J a duration" });
      return true;
    };
    const { code, stderr } = await gather("--timeout", "x");
    assert.equal(stderr, "The service refuses (400): timeout: must be a duration\n");
    assert.equal(code, 1);
  });

  test("--json prints the last record and the archive's path, and nothing else", async () => {
    service.records[1] = recordOf({ ...about(archive), "key-of-tomorrow": [1] });
    const { code, stdout } = await gather("--json", "-o", "my.tgz");
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout), {
      ...service.records[1],
      "local-file": join(place.here, "my.tgz"),
    });
  });

  test("a file that is there is kept, unless --output names it", async () => {
    await mkdir(join(place.here, "folder"));
    for (const name of ["must-gather.tar.gz", "named.tar.gz"]) {
      await writeFile(join(place.here, name), "old");
    }
    assert.match((await gather()).stdout, /must-gather-2\.tar\.gz$/m);
    assert.equal((await gather("--output", "named.tar.gz")).code, 0);
    assert.match((await gather("--output", "folder")).stdout, /folder\/must-gather\.tar\.gz$/m);
    assert.equal(await readFile(join(place.here, "must-gather.tar.gz"), "utf8"), "old");
    assert.deepEqual(await readFile(join(place.here, "named.tar.gz")), archive);
    assert.deepEqual(await place.files(), [
      "folder",
      "must-gather-2.tar.gz",
      "must-gather.tar.gz",
      "named.tar.gz",
    ]);
  });

  test("a folder that is not there is told before anything is gathered", async () => {
    const { code, stderr } = await gather("--output", "nowhere/x.zip");
    assert.equal(code, 1);
    assert.match(stderr, /There is no folder \S+nowhere; make it/);
    assert.deepEqual(service.asked, []);
  });

  test("an archive with another digest is not kept", async () => {
    service.archive = Buffer.from(archive).fill(0, 20, 21);
    const { code, stdout, stderr } = await gather();
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /could not be downloaded, .* gather 7: .*SHA-256 is another/);
    assert.deepEqual(await place.files(), []);
  });

  test("an archive of another length is not kept", async () => {
    for (const wrong of [archive.subarray(0, -1), Buffer.concat([archive, archive])]) {
      service.archive = wrong;
      const { code, stderr } = await gather();
      assert.equal(code, 1);
      assert.match(stderr, new RegExp(`does not have the ${archive.length} bytes`));
    }
    assert.deepEqual(await place.files(), []);
  });

  test("a download that breaks off is taken up where it was", async () => {
    const long = await tarOf(["long"], 300_000);
    service.records = [recordOf(about(long))];
    const part = join(place.here, "must-gather.tar.gz.part");
    const arrived = async (bytes: number) => {
      while ((await stat(part)).size < bytes) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    const cuts = [200_000];
    service.answer = ({ path, headers }, response) => {
      if (!path.endsWith("/data")) return false;
      const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
      response.writeHead(from === 0 ? 200 : 206, {
        "content-length": long.length - from,
        "etag": '"tag"',
        ...(from > 0 && { "content-range": `bytes ${from}-${long.length - 1}/${long.length}` }),
      });
      const cut = cuts.shift();
      if (cut === undefined) response.end(long.subarray(from));
      else {
        response.write(long.subarray(from, cut));
        void arrived(cut).finally(() => response.destroy());
      }
      return true;
    };
    const { code, stderr } = await gather();
    assert.equal(code, 0, stderr);
    assert.deepEqual(await readFile(join(place.here, "must-gather.tar.gz")), long);
    const data = service.asked.filter(({ path }) => path.endsWith("/data"));
    assert.deepEqual(
      data.map(({ headers }) => [headers.range, headers["if-range"]]),
      [[undefined, undefined], ["bytes=200000-", '"tag"']],
    );
  });

  test("a download whose archive has become another starts again", async () => {
    const long = await tarOf(["long"], 300_000);
    service.archive = long;
    service.records = [recordOf(about(long))];
    let times = 0;
    service.answer = ({ path }, response) => {
      if (!path.endsWith("/data") || times++ > 0) return false;
      response.writeHead(200, { "content-length": long.length, "etag": '"another"' });
      response.write(Buffer.alloc(50_000), () => response.socket?.destroySoon());
      return true;
    };
    const { code, stderr } = await gather();
    assert.equal(code, 0, stderr);
    assert.deepEqual(await readFile(join(place.here, "must-gather.tar.gz")), long);
  });

  test("connections that break while waiting are opened again", async () => {
    let breaks = 2;
    service.answer = ({ method, path }, response) => {
      if (!path.startsWith("/must-gather") || path.endsWith("/data") || breaks-- <= 0) return false;
      if (method === "POST" || breaks === 0) response.destroy();
      else json(response, 503, { detail: "starting" });
      return true;
    };
    const { code, stderr } = await gather();
    assert.equal(code, 0, stderr);
    const keys = service.asked.filter(({ method }) => method === "POST")
      .map(({ headers }) => headers["idempotency-key"]);
    assert.ok(keys.length > 1);
    assert.equal(new Set(keys).size, 1);
  });

  test("an unchanged record is asked for by its tag, and held", async () => {
    service.answer = ({ method, headers }, response) => {
      if (method === "POST") response.setHeader("etag", '"1"');
      if (headers["if-none-match"] === '"1"' && service.asked.length < 7) {
        response.writeHead(304).end();
        return true;
      }
      return false;
    };
    assert.equal((await gather()).code, 0);
    const gets = service.asked.filter(({ path }) => path === "/must-gather/7");
    assert.ok(gets.length > 2);
    for (const { headers } of gets) {
      assert.equal(headers["if-none-match"], '"1"');
      assert.equal(headers["prefer"], "wait=25");
    }
  });

  test("Ctrl-C cancels the gather on the service and waits for its end", async () => {
    service.records = [running("gathering")];
    service.answer = ({ method, path }) => {
      if (method === "DELETE") {
        service.records = [
          recordOf({ status: "error", reason: "cancelled", message: "Cancelled" }),
        ];
      }
      const isHeld = service.records[0]?.["reason"] === "";
      return path === "/must-gather/7" && method === "GET" && isHeld;
    };
    const client = place.start(["--url", service.url]);
    await client.told("gathering");
    client.kill("SIGINT");
    assert.equal(await client.ended, 130);
    assert.deepEqual(service.requests().filter((request) => !request.startsWith("GET")), [
      "POST /must-gather",
      "DELETE /must-gather/7",
    ]);
    assert.match(client.stderr(), /^Gather 7 has ended: Cancelled$/m);
    assert.deepEqual(await place.files(), []);
  });

  test("a second Ctrl-C leaves at once, and npm's copy of the first does not count", async () => {
    service.records = [running("gathering")];
    const client = place.start(["--url", service.url]);
    await client.told("gathering");
    client.kill("SIGINT");
    client.kill("SIGINT");
    await client.told("Cancelling gather 7");
    const next = service.asked.length + 2;
    while (service.asked.length < next) await new Promise((resolve) => setTimeout(resolve, 20));
    await new Promise((resolve) => setTimeout(resolve, 500)); // npm's copy comes within this time
    client.kill("SIGINT");
    assert.equal(await client.ended, 130);
    assert.match(client.stderr(), /^Interrupted$/m);
  });

  test("Ctrl-C while the archive comes leaves no file behind", async () => {
    service.answer = ({ path }, response) => {
      if (!path.endsWith("/data")) return false;
      response.writeHead(200, { "content-length": archive.length }).write(archive.subarray(0, 10));
      return true;
    };
    const client = place.start(["--url", service.url]);
    await client.told("downloading");
    client.kill("SIGINT");
    assert.equal(await client.ended, 130);
    assert.deepEqual(await place.files(), []);
  });

  test("what a service says can neither write elsewhere nor command a terminal", async () => {
    service.records = [
      running("\u001b]0;x\u0007gathering", "\n\u009b2J\u202etxet"),
      recordOf({
        ...about(archive),
        "archive-name": "../../\u001b[1m-evil\n.tar.gz",
        status: "error",
        reason: "fai\u001bled",
        message: "a\r\nb",
      }),
    ];
    const { code, stdout, stderr } = await gather();
    assert.equal(code, 1);
    assert.doesNotMatch(stdout + stderr, /[^\P{C}\n]/u);
    const [file = "", ...more] = await place.files();
    assert.deepEqual(more, []);
    assert.match(file, /^_.._-evil .tar.gz$/);
  });

  test("an archive that cannot be listed is downloaded all the same", async () => {
    service.archive = Buffer.from("neither of the two");
    service.records = [recordOf(about(service.archive))];
    const { code, stdout } = await gather();
    assert.equal(code, 0);
    assert.match(stdout, /^ {2}entries {2}cannot be listed: it is neither a ZIP nor a tar\.gz$/m);
  });

  test("a gather of the same name that runs already is followed, and that is told", async () => {
    service.answer = ({ method }, response) => {
      if (method !== "POST") return false;
      json(response, 200, service.records[0]);
      return true;
    };
    const { code, stderr } = await gather("--custom-name", "plan:p");
    assert.equal(code, 0);
    assert.match(stderr, /^Gather 7 of this name is on its way already/m);
  });

  test("an output that nobody reads any more stops nothing", async () => {
    const client = place.start(["--url", service.url], {});
    await client.told("on its way");
    client.closeOutput();
    assert.equal(await client.ended, 0);
    assert.deepEqual(await place.files(), ["must-gather.tar.gz"]);
  });

  test("a service on PORT that starts or goes down is waited for", async () => {
    let asked = 0;
    service.answer = ({ path }, response) => {
      if (path !== "/readyz" || ++asked > 2) return false;
      json(response, 503, {});
      return true;
    };
    const { code, stderr } = await place.run([], { PORT: `127.0.0.1:${service.port}` });
    assert.equal(code, 0, stderr);
    assert.equal(stderr.match(/^Waiting: the service at \S+ starts or goes down$/gm)?.length, 1);
    assert.doesNotMatch(stderr, /Starting|Stopping/);
  });

  test("run by npm or deno, which go to the package's folder, the archive goes to where the person is", async () => {
    const root = fileURLToPath(new URL("../..", import.meta.url));
    const client = place.start(["--url", service.url], { INIT_CWD: place.here }, root);
    assert.equal(await client.ended, 0, client.stderr());
    assert.deepEqual(await place.files(), ["must-gather.tar.gz"]);
  });
});
