import assert from "node:assert/strict";
import { test } from "node:test";
import { Hono, type MiddlewareHandler } from "hono";
import { hostGuard, hostTest, isLoopback, siteGuard } from "../src/guards.ts";
import { Problem } from "../src/problem.ts";

/** An app behind one guard, which answers 200 to everything that gets through. */
function behind(guard: MiddlewareHandler) {
  const app = new Hono();
  app.onError((error) =>
    error instanceof Problem ? error.toResponse() : new Response("", { status: 500 })
  );
  app.use(guard).all("/*", (c) => c.text("in"));
  return async (method: string, url: string, headers: Record<string, string> = {}) =>
    (await app.request(url, { method, headers })).status;
}

test("names of this machine are told from those that others may own", () => {
  for (const name of ["localhost", "127.0.0.1", "127.8.9.10", "[::1]"]) {
    assert.ok(isLoopback(name), name);
  }
  for (
    const name of [
      "127.0.0.1.example.com",
      "localhost.example.com",
      "x127.0.0.1",
      "notlocalhost",
      "127.example.com",
      "0.0.0.0",
      "[::2]",
      "[::1].x",
      "",
    ]
  ) assert.ok(!isLoopback(name), name);
});

test("without authentication only loopback names and the configured one are served", async () => {
  const cases: [configured: string | undefined, url: string, status: number][] = [
    [undefined, "http://localhost:8080/x", 200],
    [undefined, "http://LOCALHOST/x", 200],
    [undefined, "http://127.0.0.1:8080/x", 200],
    [undefined, "http://127.1:8080/x", 200], // a browser writes the address in full
    [undefined, "http://[::1]:8080/x", 200],
    [undefined, "http://[0:0:0:0:0:0:0:1]:8080/x", 200],
    [undefined, "http://evil.example:8080/x", 421],
    [undefined, "http://127.0.0.1.evil.example/x", 421],
    [undefined, "http://undefined/x", 421],
    ["box.example", "http://box.example/x", 200],
    ["Box.Example", "http://box.example/x", 200],
    ["box.example", "http://other.example/x", 421],
    ["box.example", "http://localhost/x", 200],
    ["192.0.2.7", "http://192.0.2.7:8080/x", 200],
    ["2001:DB8::0:7", "http://[2001:db8::7]:8080/x", 200],
    ["2001:db8::7", "http://[2001:db8::8]/x", 421],
    ["::", "http://evil.example/x", 421],
    ["0.0.0.0", "http://evil.example/x", 421],
    ["no name", "http://no/x", 421],
  ];
  for (const [configured, url, status] of cases) {
    const request = behind(hostGuard(hostTest(configured)));
    for (const method of ["GET", "POST"]) {
      assert.equal(await request(method, url), status, `${method} ${url} with ${configured}`);
    }
  }
});

test("requests that change something are refused when a browser says they come from elsewhere", async () => {
  const url = "http://here.example:8080/must-gather";
  const cases: [headers: Record<string, string>, status: number][] = [
    [{}, 200], // no browser
    [{ "sec-fetch-site": "same-origin" }, 200],
    [{ "sec-fetch-site": "none" }, 200], // typed by the user
    [{ "sec-fetch-site": "same-site" }, 403],
    [{ "sec-fetch-site": "cross-site" }, 403],
    [{ "sec-fetch-site": "something new" }, 403],
    [{ origin: "http://here.example:8080" }, 200],
    [{ origin: "https://here.example:8080" }, 200], // TLS may end in front of us
    [{ origin: "http://here.example" }, 403],
    [{ origin: "http://here.example:8081" }, 403],
    [{ origin: "http://evil.example" }, 403],
    [{ origin: "http://here.example:8080.evil.example" }, 403],
    [{ origin: "null" }, 403],
    [{ origin: "" }, 403],
    [{ origin: "http://evil.example", "sec-fetch-site": "same-origin" }, 403],
    [{ origin: "http://here.example:8080", "sec-fetch-site": "cross-site" }, 403],
    [{ origin: "https://ui.example" }, 200],
    [{ origin: "https://ui.example", "sec-fetch-site": "cross-site" }, 200],
    [{ origin: "https://ui.example.evil.example" }, 403],
    [{ origin: "http://ui.example" }, 403],
  ];
  for (const tokenIsChecked of [false, true]) {
    const request = behind(siteGuard(["https://ui.example"], tokenIsChecked));
    for (const [headers, status] of cases) {
      for (const method of ["POST", "DELETE", "PUT", "PATCH"]) {
        const what = `${method} ${JSON.stringify(headers)}`;
        assert.equal(await request(method, url, headers), status, what);
      }
      for (const method of ["GET", "HEAD", "OPTIONS"]) {
        assert.equal(await request(method, url, headers), 200, method);
      }
    }
  }
});

test("a bearer token opens the door to another site only where it is checked", async () => {
  const url = "http://here.example/must-gather";
  const site = { "origin": "http://evil.example", "sec-fetch-site": "cross-site" };
  const checked = behind(siteGuard([], true));
  const unchecked = behind(siteGuard([], false));
  assert.equal(await checked("POST", url, { ...site, authorization: "Bearer abc" }), 200);
  assert.equal(await checked("POST", url, { ...site, authorization: "bearer abc" }), 200);
  assert.equal(await checked("POST", url, { ...site, authorization: "Basic abc" }), 403);
  assert.equal(await checked("POST", url, site), 403);
  assert.equal(await unchecked("POST", url, { ...site, authorization: "Bearer abc" }), 403);
});
