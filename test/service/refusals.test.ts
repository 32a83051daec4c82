/** What the service refuses, and with which words. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, test } from "node:test";
import { makePlace, type Place, type Service, startService } from "../support/service.ts";

const json = { "content-type": "application/json" };

describe("bad requests", () => {
  let place: Place;
  let service: Service;

  before(async () => {
    place = await makePlace();
    service = await startService(place, { OC: "embedded" });
  });
  after(async () => {
    await service.stop();
    await place.remove();
  });

  /** Sends headers that `fetch` does not let through. */
  const raw = (method: string, path: string, headers: Record<string, string>) =>
    new Promise<number>((resolve, reject) => {
      const url = new URL(path, service.url);
      request(
        { host: url.hostname, port: url.port, path: url.pathname, method, headers },
        (reply) => {
          reply.resume();
          resolve(reply.statusCode ?? 0);
        },
      ).once("error", reject).end();
    });

  const cases: [string, string, RequestInit, number, RegExp][] = [
    ["an unknown id", "must-gather/999", {}, 404, /no such gather/],
    ["an unknown path", "nothing/here", {}, 404, /nothing here/],
    ["no archive yet", "must-gather/999/data", {}, 404, /no such gather/],
    ["an unknown method", "must-gather", { method: "PUT" }, 405, /use .*GET/],
    ["DELETE by name", "must-gather/plan:x", { method: "DELETE" }, 404, /no such gather/],
    ["malformed JSON", "must-gather", { method: "POST", headers: json, body: "{" }, 400, /JSON/],
    [
      "a wrong type",
      "must-gather",
      { method: "POST", headers: json, body: '{"timeout":5}' },
      400,
      /timeout/,
    ],
    [
      "a zero timeout",
      "must-gather",
      { method: "POST", headers: json, body: '{"timeout":"0s"}' },
      400,
      /above zero/,
    ],
    [
      "JSON without its type",
      "must-gather",
      {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: '{"custom-name":"x"}',
      },
      400,
      /Content-Type/,
    ],
    [
      "another type",
      "must-gather",
      { method: "POST", headers: { "content-type": "text/xml" }, body: "<a/>" },
      415,
      /application\/json/,
    ],
    [
      "a large body",
      "must-gather",
      { method: "POST", headers: json, body: JSON.stringify({ image: "x".repeat(70_000) }) },
      413,
      /65536/,
    ],
    [
      "a command with a dollar",
      "must-gather",
      { method: "POST", headers: json, body: '{"command":"echo $HOME"}' },
      400,
      /\$/,
    ],
    [
      "a command for the embedded gatherer",
      "must-gather",
      { method: "POST", headers: json, body: '{"command":"ls"}' },
      400,
      /LOCAL_COMMANDS=1/,
    ],
    ["a bad status filter", "must-gather?status=done", {}, 400, /status/],
    [
      "a cross-site POST",
      "must-gather",
      { method: "POST", headers: { "origin": "https://evil.example" } },
      403,
      /CORS_ORIGINS/,
    ],
  ];
  for (const [name, path, init, status, words] of cases) {
    test(`${name} is answered with ${status} and what to change`, async () => {
      const reply = await service.fetch(path, init);
      const text = await reply.text();
      assert.equal(reply.status, status, text);
      assert.match(reply.headers.get("content-type") ?? "", /^application\/problem\+json/);
      const problem = JSON.parse(text) as { status: number; detail: string };
      assert.equal(problem.status, status);
      assert.match(problem.detail, words);
    });
  }

  test("405 names the methods that are possible", async () => {
    const reply = await service.fetch("must-gather", { method: "PATCH" });
    assert.match(reply.headers.get("allow") ?? "", /POST/);
  });

  test("a foreign host name is answered with 421, but probes are not asked for theirs", async () => {
    assert.equal(await raw("GET", "/must-gather", { host: "rebound.example" }), 421);
    assert.equal(await raw("GET", "/must-gather", { host: "localhost" }), 200);
    assert.equal(await raw("GET", "/healthz", { host: "10.0.0.7:8080" }), 200);
    assert.equal(await raw("GET", "/readyz", { host: "10.0.0.7:8080" }), 200);
  });

  test("nothing was started by any of it", async () => {
    assert.deepEqual(await (await service.fetch("must-gather")).json(), []);
  });

  test("a slash at the end changes nothing", async () => {
    assert.deepEqual(await (await service.fetch("must-gather/")).json(), []);
  });

  test("the same Idempotency-Key finds the same gather, and not for another request", async () => {
    const send = (body: string) =>
      service.fetch("must-gather", {
        method: "POST",
        headers: { ...json, "idempotency-key": "k1" },
        body,
      });
    const first = await send("{}");
    assert.equal(first.status, 201);
    const { id } = await first.json() as { id: number };
    const second = await send("{}");
    assert.equal(second.status, 200);
    assert.equal((await second.json() as { id: number }).id, id);
    assert.equal((await send('{"timeout":"5m"}')).status, 422);
    assert.equal((await service.ended(id)).status, "completed");
  });
});
