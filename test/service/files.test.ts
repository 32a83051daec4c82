/** Looking into archives through the real service, with an oc that behaves as recorded. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { makeAuthority, startApiServer } from "../support/api-server.ts";
import { createFakeOc, type FakeOc, type Scenario, scenario } from "../support/fake-oc.ts";
import { descriptors } from "../support/process-use.ts";
import { PYTHON } from "../support/python.ts";
import { openClient } from "../support/raw-client.ts";
import { makePlace, type Place, type Service, startService } from "../support/service.ts";
import { openStage, type Stage } from "../support/stage.ts";
import { until } from "../support/until.ts";
import { logOf } from "../archive/tars.ts";

const run = promisify(execFile);

const LOG = logOf(25_000);

/** More than the kernel takes from a server whose reader has stopped. Written beside what oc brings: each run of it reads all that. */
const HUGE = { path: "namespaces/huge.log", text: "-".repeat(8 * 1024 ** 2) };

/** Names that have to be quoted in a path, and contents by them. */
const NAMES: Record<string, string> = {
  "cluster-scoped-resources/nodes.yaml": "kind: Node\n",
  "namespaces/a b/100%.txt": "per cent",
  "namespaces/a b/50%25.txt": "looks escaped",
  "namespaces/a b/q?x=1#frag&y.txt": "reserved",
  "namespaces/a b/ünï-日本.log": "unicode",
  "namespaces/a b/back\\slash.service": "escaped by us",
  "namespaces/a b/page.html": "<script>alert(1)</script>",
  "namespaces/a b/plus+plus.json": "{}",
  "namespaces/error.yaml": "Error from server (Forbidden): no\n",
  "namespaces/large.log": LOG,
};

const files = (contents: Record<string, string>): Scenario => ({
  ...scenario("plain"),
  content: { kind: "files", files: contents },
});

interface Page {
  total: number;
  next: string | null;
  files: {
    path: string;
    type: string;
    size: number;
    "compressed-size": number | null;
    modified: string | null;
  }[];
}

describe("looking into archives", () => {
  let stage: Stage;
  let place: Place;
  let oc: FakeOc;
  let service: Service;
  /** A ZIP; an image's own tar.gz; a ZIP with one of those in it; a ZIP of difficult names. */
  let zip: number;
  let tar: number;
  let both: number;
  let names: number;
  let folder: string;

  const list = async (id: number, query = ""): Promise<Page> => {
    const reply = await service.fetch(`must-gather/${id}/files${query}`);
    assert.equal(reply.status, 200, await reply.clone().text());
    assert.equal(reply.headers.get("cache-control"), "no-store");
    return await reply.json() as Page;
  };
  const pathsOf = async (id: number, query: string) =>
    (await list(id, query)).files.map(({ path }) => path);
  const urlOf = (id: number, path: string) =>
    `must-gather/${id}/files/${path.split("/").map(encodeURIComponent).join("/")}`;
  const get = (id: number, path: string, query = "", headers: Record<string, string> = {}) =>
    service.fetch(urlOf(id, path) + query, { headers });
  const image = (name: string) => `localhost/${name}-must-gather:latest`;

  before(async () => {
    stage = await openStage({ MAX_CONCURRENT: "4" }, { scenarios: { "names-must": files(NAMES) } });
    ({ place, oc, service } = stage);
    oc.hold("before-exit");
    const ofNames = await service.start({ image: image("names") });
    await oc.reached("before-exit");
    const tree = join(place.folder, "work", String(ofNames.id), "tree");
    const [nodes = ""] = (await readdir(tree, { recursive: true })).filter((path) =>
      path.endsWith("nodes.yaml")
    );
    await writeFile(join(tree, dirname(dirname(nodes)), HUGE.path), HUGE.text);
    oc.release("before-exit");
    const records = await Promise.all(
      [
        { image: image("plain") },
        { image: image("forklift") },
        { image: [image("forklift"), image("plain")] },
      ].map((body) => service.start(body)),
    );
    records.push(ofNames);
    [zip = 0, tar = 0, both = 0, names = 0] = records.map(({ id }) => id);
    for (const { id } of records) {
      const { status, message } = await service.ended(id);
      assert.equal(status, "completed", message);
    }
    const [first = ""] = (await list(names, "?q=nodes.yaml")).files.map(({ path }) => path);
    folder = first.split("/")[0] ?? "";
  });
  after(() => stage.close());

  test("a ZIP is listed with sizes and times, and every file in it is what Python reads", async () => {
    const { files, total, next } = await list(zip, "?limit=10000");
    assert.equal(total, files.length);
    assert.equal(next, null);
    assert.ok(total > 170);
    const record = await service.get(zip);
    assert.equal(record.verdict?.entries, total);
    const archive = join(place.folder, "all.zip");
    const data = await service.fetch(record["archive-url"]);
    await writeFile(archive, Buffer.from(await data.arrayBuffer()));
    const script =
      "import sys,zipfile,json,hashlib\nz=zipfile.ZipFile(sys.argv[1])\nprint(json.dumps({i.filename.rstrip('/'):" +
      "[i.file_size,i.compress_size,hashlib.sha256(z.read(i)).hexdigest()] for i in z.infolist()}))";
    const { stdout } = await run(PYTHON, ["-c", script, archive], { maxBuffer: 2 ** 26 });
    const expected = JSON.parse(stdout) as Record<string, [number, number, string]>;
    assert.deepEqual(files.map(({ path }) => path).sort(), Object.keys(expected).sort());
    const hash = async (bytes: ArrayBuffer) =>
      Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex");
    for (const { path, type, size, "compressed-size": packed, modified } of files) {
      assert.ok(modified !== null && !Number.isNaN(Date.parse(modified)), path);
      if (type !== "file") continue;
      const reply = await get(zip, path);
      assert.equal(reply.headers.get("content-length"), String(size), path);
      assert.deepEqual([size, packed, await hash(await reply.arrayBuffer())], expected[path]);
    }
  });

  test("a prefix, a pattern and a word choose, and pages follow each other", async () => {
    const all = await pathsOf(zip, "?limit=10000");
    const logs = all.filter((path) => path.endsWith(".log"));
    assert.ok(logs.length > 10);
    assert.deepEqual(await pathsOf(zip, "?glob=*.log"), logs);
    assert.deepEqual(
      await pathsOf(zip, "?glob=**/logs/**/current.log&q=NS-ONE"),
      logs.filter((path) => path.includes("ns-one") && path.includes("current")),
    );
    const prefix = `${all.find((path) => path.endsWith("/namespaces"))}/`;
    assert.deepEqual(
      await pathsOf(zip, `?prefix=${encodeURIComponent(prefix)}`),
      all.filter((path) => path.startsWith(prefix)),
    );
    const seen: string[] = [];
    for (let after: string | null = ""; after !== null;) {
      const page: Page = await list(zip, `?limit=50&after=${encodeURIComponent(after)}`);
      assert.equal(page.total, all.length);
      assert.ok(page.files.length <= 50);
      seen.push(...page.files.map(({ path }) => path));
      after = page.next;
    }
    assert.deepEqual(seen, all);
  });

  test("folder by folder, also into archives in the archive", async () => {
    const walked: string[] = [];
    const walk = async (folder: string): Promise<void> => {
      for (
        const { path, type } of (await list(both, `?folder=${encodeURIComponent(folder)}`)).files
      ) {
        walked.push(path);
        if (type === "folder" || type === "archive") await walk(path);
      }
    };
    await walk("");
    const all = (await list(both, "?limit=10000")).files;
    for (const { path } of all) assert.ok(walked.includes(path), path);
    const archives = all.filter(({ type }) => type === "archive");
    assert.equal(archives.length, 1);
    assert.ok(all.some(({ path }) => path.startsWith(`${archives[0]?.path}!/must-gather/`)));
  });

  test("a log in an image's own archive, and the same in the archive of two images", async () => {
    const [inTar = ""] = await pathsOf(tar, "?q=openshift-mtv/logs&glob=*.log");
    const [inZip = ""] = await pathsOf(both, "?q=openshift-mtv/logs&glob=*.log");
    assert.match(inZip, /must-gather\.tar\.gz!\/must-gather\/namespaces\//);
    const first = await (await get(tar, inTar)).text();
    assert.equal(first.length, 20_000);
    assert.equal(await (await get(tar, inTar)).text(), first, "the second time");
    assert.equal(await (await get(both, inZip)).text(), first);
    const part = await get(both, inZip, "", { range: "bytes=100-299" });
    assert.equal(await part.text(), first.slice(100, 300));
  });

  test("difficult names are found as they are listed", async () => {
    for (const [name, content] of [...Object.entries(NAMES), [HUGE.path, HUGE.text] as const]) {
      const path = `${folder}/${
        name.replace("\\", "%5C").replace("?", "%3F").replace("%25", "%2525")
      }`;
      const reply = await get(names, path);
      assert.equal(await reply.text(), content, path);
    }
    // Not encoded, as clients that do not know better send it.
    const raw = await service.fetch(`must-gather/${names}/files/${folder}/namespaces/a b/100%.txt`);
    assert.equal(await raw.text(), "per cent");
    const slashes = await service.fetch(
      `must-gather/${names}/files/${encodeURIComponent(`${folder}/namespaces/a b/100%.txt`)}`,
    );
    assert.equal(await slashes.text(), "per cent");
  });

  test("what comes cannot act in a browser, and says what it is", async () => {
    const reply = await get(names, `${folder}/namespaces/a b/page.html`);
    assert.equal(reply.headers.get("content-type"), "text/html; charset=utf-8");
    assert.match(
      reply.headers.get("content-security-policy") ?? "",
      /^sandbox; default-src 'none'/,
    );
    assert.equal(reply.headers.get("x-content-type-options"), "nosniff");
    assert.equal(reply.headers.get("cache-control"), "no-store");
    assert.match(reply.headers.get("content-disposition") ?? "", /^inline; filename="?page\.html/);
    await reply.body?.cancel();
    const yaml = await get(names, `${folder}/cluster-scoped-resources/nodes.yaml`);
    assert.equal(yaml.headers.get("content-type"), "text/plain; charset=utf-8");
    await yaml.body?.cancel();
  });

  test("parts of a file", async () => {
    const path = `${folder}/namespaces/large.log`;
    const { length } = LOG;
    const cases: [range: string, from: number, to: number][] = [
      ["bytes=0-9", 0, 10],
      ["bytes=1000000-1000099", 1_000_000, 1_000_100],
      ["bytes=-50", length - 50, length],
      [`bytes=${length - 5}-`, length - 5, length],
      ["bytes=10-99999999", 10, length],
    ];
    for (const [range, from, to] of cases) {
      const reply = await get(names, path, "", { range });
      assert.equal(reply.status, 206);
      assert.equal(reply.headers.get("content-range"), `bytes ${from}-${to - 1}/${length}`);
      assert.equal(reply.headers.get("content-length"), String(to - from));
      assert.equal(await reply.text(), LOG.slice(from, to), range);
    }
    const beyond = await get(names, path, "", { range: `bytes=${length}-` });
    assert.equal(beyond.status, 416);
    assert.equal(beyond.headers.get("content-range"), `bytes */${length}`);
    await beyond.body?.cancel();
    const whole = await get(names, path, "", { range: "bytes=0-9", "if-range": '"another"' });
    assert.equal(await whole.text(), LOG);
  });

  test("the last lines, and those with a word", async () => {
    const path = `${folder}/namespaces/large.log`;
    const tail = await get(names, path, "?tail=2");
    assert.equal(await tail.text(), LOG.split("\n").slice(-3).join("\n"));
    const found = await get(names, path, "?grep=LINE%20777%20of&i=1");
    assert.equal(found.headers.get("content-type"), "text/plain; charset=utf-8");
    const lines = LOG.split("\n").slice(774, 779);
    assert.equal(
      await found.text(),
      lines.map((line, n) => `${775 + n}${n === 2 ? ":" : "-"}${line}\n`).join(""),
    );
    assert.equal(await (await get(names, path, "?grep=LINE%20777%20of")).text(), "");
  });

  test("what cannot be is refused with what to do", async () => {
    const path = `${folder}/namespaces/large.log`;
    const cases: [url: string, status: number, detail: RegExp][] = [
      [`must-gather/${zip}/files/nothing`, 404, /no such file/],
      [`must-gather/${names}/files/${folder}`, 404, /a folder; GET files\?folder=/],
      [`must-gather/${names}/files/..%2F..%2Fetc%2Fpasswd`, 404, /no such file/],
      [`must-gather/9999/files`, 404, /no such gather/],
      [`must-gather/${zip}/files?limit=0`, 400, /limit/],
      [`must-gather/${zip}/files?glob=${"*a".repeat(501)}`, 400, /glob/],
      [urlOf(names, path) + "?tail=0", 400, /tail/],
      [urlOf(names, path) + "?grep=", 400, /grep/],
      [urlOf(names, path) + "?grep=a&tail=1", 400, /tail: not with grep/],
    ];
    for (const [url, status, detail] of cases) {
      const reply = await service.fetch(url);
      const problem = await reply.json() as { detail: string };
      assert.equal(reply.status, status, url);
      assert.match(problem.detail, detail);
    }
    const [link] = (await list(zip, "?q=version-link")).files;
    assert.equal(link?.type, "link");
    assert.equal((await get(zip, link?.path ?? "")).status, 404);
  });

  test("HEAD, 416 and 304 open nothing, and readers that go away leave nothing open", async () => {
    const path = `${folder}/namespaces/large.log`;
    const open = async () =>
      (await descriptors(service.pid)).filter((each) =>
        each.startsWith(place.env["WORK_PATH"] ?? "-")
      );
    const before = (await open()).length;
    const whole = await service.fetch(urlOf(names, path), { method: "HEAD" });
    assert.equal(whole.headers.get("content-length"), String(LOG.length));
    const etag = whole.headers.get("etag") ?? "";
    for (let n = 0; n < 20; n++) {
      await service.fetch(urlOf(names, path), { method: "HEAD" });
      await service.fetch(urlOf(names, path) + "?tail=5", { method: "HEAD" });
      await (await get(names, path, "", { range: "bytes=99999999-" })).text();
      assert.equal((await get(names, path, "", { "if-none-match": etag })).status, 304);
    }
    assert.equal((await open()).length, before);
    const port = Number(new URL(service.url).port);
    const clients = await Promise.all(Array.from({ length: 10 }, () => openClient(port)));
    for (const client of clients) {
      client.socket.pause();
      const huge = urlOf(names, `${folder}/${HUGE.path}`);
      client.send(`GET /${huge} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    }
    await until("some are read for", async () => (await open()).length > before);
    for (const client of clients) client.destroy();
    await until("all is let go", async () => (await open()).length === before);
  });

  test("removing a gather while its archive is read takes nothing down", async () => {
    const { id } = await service.start({ image: image("names") });
    await service.ended(id);
    const path = `${folder}/namespaces/large.log`;
    const reading = Array.from({ length: 5 }, () => get(id, path).then((reply) => reply.text()));
    const removed = service.fetch(`must-gather/${id}?purge=1`, { method: "DELETE" });
    assert.equal((await removed).status, 204);
    for (const text of await Promise.all(reading)) assert.ok(text === LOG || text.includes("404"));
    assert.equal((await get(id, path)).status, 404);
  });

  test("an archive that was cut on disk breaks the reply, and does not look whole", async () => {
    const { id } = await service.start({ image: image("names"), "custom-name": "cut" });
    const record = await service.ended(id);
    const path = `${folder}/namespaces/large.log`;
    await list(id);
    const file = join(place.env["WORK_PATH"] ?? "", String(id), "archive.zip");
    await truncate(file, Math.floor(record["archive-size"] / 2));
    await assert.rejects(async () => {
      const reply = await get(id, path);
      assert.equal(reply.status, 200);
      await reply.text();
    }, (error) => !(error instanceof assert.AssertionError));
    await truncate(file, 0);
    const reply = await get(id, path);
    assert.equal(reply.status, 422);
    assert.match(await reply.text(), /cannot be looked into.*download it instead/);
    assert.equal((await service.fetch("healthz")).status, 200);
  });

  test("the record says what reading the archive back found", async () => {
    const { verdict } = await service.get(names);
    assert.equal(verdict?.files, Object.keys(NAMES).length + 2 + (await oks()));
    assert.deepEqual(verdict?.["error-files"], {
      count: 1,
      paths: [`${folder}/namespaces/error.yaml`],
    });
    assert.deepEqual(verdict?.missing, []);
    const own = (await service.get(tar)).verdict;
    assert.equal(own?.files, (await list(tar)).files.filter(({ type }) => type === "file").length);
  });
  /** Files that oc itself leaves beside the image's. */
  const oks = async () =>
    (await list(names)).files.filter(({ path, type }) =>
      type === "file" && path !== "GATHER.json" && !path.startsWith(`${folder}/c`) &&
      !path.startsWith(`${folder}/n`)
    ).length;

  test("an image's archive that is not whole never becomes completed, and is kept", async () => {
    oc.use(files({ "must-gather.tar.gz": "this is no archive" }));
    try {
      const { id } = await service.start({ image: image("forklift"), "custom-name": "broken" });
      const record = await service.ended(id);
      assert.equal(record.status, "error");
      assert.equal(record.reason, "failed");
      assert.match(record.message, /The archive that the image made is not whole: /);
      assert.equal(record.partial, true);
      assert.equal(record.verdict, null);
      const data = await service.fetch(record["archive-url"]);
      assert.equal(await data.text(), "this is no archive");
      const reply = await service.fetch(`must-gather/${id}/files`);
      assert.equal(reply.status, 422);
      assert.match(
        await reply.text(),
        /This archive cannot be looked into: .*; download it instead/,
      );
    } finally {
      oc.use(null);
    }
  });
});

test("who may not call may not look into archives either", async () => {
  const place = await makePlace();
  const authority = await makeAuthority(join(place.folder, "ca"));
  const api = await startApiServer(await authority.issue());
  const oc = await createFakeOc({ folder: place.folder });
  try {
    const kubeconfig = join(place.folder, "kubeconfig");
    await writeFile(
      kubeconfig,
      JSON.stringify({
        "clusters": [{
          name: "c",
          cluster: { "server": api.url, "certificate-authority": authority.path },
        }],
        "contexts": [{ name: "c", context: { cluster: "c", user: "" } }],
        "current-context": "c",
      }),
    );
    const service = await startService(place, {
      OC: oc.path,
      AUTH: "cluster-admin",
      KUBECONFIG: kubeconfig,
    });
    try {
      for (const path of ["must-gather/1/files", "must-gather/1/files/a.log?tail=1"]) {
        assert.equal((await service.fetch(path)).status, 401);
      }
    } finally {
      await service.stop();
    }
  } finally {
    await oc.close();
    await api.close();
    await place.remove();
  }
});
