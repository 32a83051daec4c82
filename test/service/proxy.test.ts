/** The service behind proxies that take a prefix off, and as pages of other sites see it. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { GatherRecord } from "../../src/schema/record.ts";
import { PATIENCE_MS, type Service } from "../support/service.ts";
import { openStage, type Stage } from "../support/stage.ts";
import { startStrippingProxy, type StrippingProxy } from "../support/stripping-proxy.ts";

const json = { "content-type": "application/json" };
const CONSOLE = "https://console.example";

const prefixes = [
  ["the UI's", "/must-gather-api/"],
  ["the OpenShift console's", "/api/proxy/plugin/forklift-console-plugin/must-gather-api/"],
] as const;

describe("behind a proxy", () => {
  let stage: Stage;
  let service: Service;
  /** An ended gather with an archive, and what is in it. */
  let made: GatherRecord;
  let archive: Buffer;

  before(async () => {
    stage = await openStage({
      MUST_GATHER_IMAGE: "localhost/forklift-must-gather:latest",
      CORS_ORIGINS: CONSOLE,
    });
    ({ service } = stage);
    const { id } = await service.start({ "custom-name": "plan:p/1 x" });
    made = await service.ended(id);
    assert.equal(made.status, "completed", made.message);
    const data = await service.fetch(made["archive-url"]);
    archive = Buffer.from(await data.arrayBuffer());
    assert.ok(archive.length > 100);
  });
  after(() => stage.close());

  for (const [whose, prefix] of prefixes) {
    describe(`that is ${whose}`, () => {
      let proxy: StrippingProxy;
      before(async () => proxy = await startStrippingProxy(prefix, service.url));
      after(async () => {
        assert.deepEqual(proxy.astray, []);
        await proxy.close();
      });

      /** Asks as a browser does: `url` relative to what it belongs to. */
      const ask = (url: string, init: RequestInit = {}, base = proxy.base) =>
        fetch(new URL(url, base), { signal: AbortSignal.timeout(PATIENCE_MS), ...init });
      const bytes = async (reply: Response) => Buffer.from(await reply.arrayBuffer());

      for (const path of ["must-gather", "must-gather/"]) {
        test(`the Location of a POST to ${path} leads to the gather`, async () => {
          const reply = await ask(path, { method: "POST", headers: json, body: "{}" });
          assert.equal(reply.status, 201);
          const { id } = await reply.json() as GatherRecord;
          await service.ended(id);
          const location = reply.headers.get("location") ?? "";
          assert.doesNotMatch(location, /^\/|:\/\//);
          const url = new URL(location, new URL(path, proxy.base));
          assert.equal(url.href, new URL(`must-gather/${id}`, proxy.base).href);
          const found = await ask(url.href);
          assert.equal((await found.json() as GatherRecord).id, id);
        });
      }

      test("archive-url leads to the archive, whole and in ranges", async () => {
        const listed = await (await ask("must-gather/")).json() as GatherRecord[];
        const url = listed.find(({ id }) => id === made.id)?.["archive-url"] ?? "";
        assert.doesNotMatch(url, /^\/|:\/\//);
        const whole = await ask(url);
        assert.equal(whole.headers.get("content-length"), String(archive.length));
        assert.match(whole.headers.get("content-disposition") ?? "", /^attachment; filename/);
        assert.ok((await bytes(whole)).equals(archive));

        const part = await ask(url, { headers: { range: "bytes=10-49" } });
        assert.equal(part.status, 206);
        assert.equal(part.headers.get("content-range"), `bytes 10-49/${archive.length}`);
        assert.ok((await bytes(part)).equals(archive.subarray(10, 50)));
        const rest = await ask(url, {
          headers: { "range": "bytes=50-", "if-range": whole.headers.get("etag") ?? "" },
        });
        assert.equal(rest.status, 206);
        assert.ok((await bytes(rest)).equals(archive.subarray(50)));
        const head = await ask(url, { method: "HEAD" });
        assert.equal(head.headers.get("content-length"), String(archive.length));
      });

      test("a link leads to the archive", async () => {
        const reply = await ask(`must-gather/${made.id}/link`, { method: "POST" });
        assert.equal(reply.status, 201);
        const { url } = await reply.json() as { url: string };
        assert.doesNotMatch(url, /^\/|:\/\//);
        assert.ok((await bytes(await ask(url))).equals(archive));
      });

      test("gathers are found by names in any spelling, and polled with what was known", async () => {
        const name = "plan:p/1 x";
        const reply = await ask(`must-gather/${encodeURIComponent(name)}`);
        assert.equal((await reply.json() as GatherRecord).id, made.id);
        const etag = reply.headers.get("etag") ?? "";
        const known = await ask(`must-gather/${made.id}`, { headers: { "if-none-match": etag } });
        assert.equal(known.status, 304);
        assert.equal(known.headers.get("etag"), etag);
      });

      test("what fails says so through it too", async () => {
        const reply = await ask("must-gather/999");
        assert.equal(reply.status, 404);
        assert.equal(reply.headers.get("content-type"), "application/problem+json");
        assert.equal(reply.headers.get("x-content-type-options"), "nosniff");
        await reply.arrayBuffer();
      });

      test("no reply names the service's own address", async () => {
        const { host } = new URL(service.url);
        for (const path of ["", "must-gather", `must-gather/${made.id}`, "healthz", "nowhere"]) {
          const reply = await ask(path);
          const said = await reply.text() + [...reply.headers.values()].join("\n");
          assert.ok(!said.includes(host), path);
          assert.doesNotMatch(said, /"\/must-gather\/\d/, path);
        }
      });
    });
  }

  test("a page of a named origin may ask, and one of another may not", async () => {
    const preflight = (origin: string) =>
      service.fetch("must-gather", {
        method: "OPTIONS",
        headers: {
          origin,
          "access-control-request-method": "POST",
          "access-control-request-headers": "content-type",
        },
      });
    const allowed = await preflight(CONSOLE);
    assert.equal(allowed.status, 204);
    assert.equal(allowed.headers.get("access-control-allow-origin"), CONSOLE);
    const other = await preflight("https://evil.example");
    assert.equal(other.headers.get("access-control-allow-origin"), null);
    assert.equal(other.status, 405);
    await other.arrayBuffer();

    const post = (origin: string) =>
      service.fetch("must-gather", {
        method: "POST",
        headers: { ...json, origin, "sec-fetch-site": "cross-site" },
        body: "{}",
      });
    const evil = await post("https://evil.example");
    assert.equal(evil.status, 403);
    await evil.arrayBuffer();
    const ours = await post(CONSOLE);
    assert.equal(ours.status, 201);
    assert.equal(ours.headers.get("access-control-allow-origin"), CONSOLE);
    assert.match(ours.headers.get("access-control-expose-headers") ?? "", /\bLocation\b/);
    const { id } = await ours.json() as GatherRecord;
    await service.ended(id);
  });
});
