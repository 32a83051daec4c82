import assert from "node:assert/strict";
import { test } from "node:test";
import { Hono } from "hono";
import { crossOrigin } from "../src/headers.ts";
import { Problem } from "../src/problem.ts";
import { createServer } from "../src/server.ts";

const OURS = "https://console.example";
const ALSO_OURS = "http://localhost:9000";

/** An app of which every route but one asks for a token, behind CORS for `origins`. */
function appFor(...origins: string[]) {
  const app = new Hono();
  app.onError((error) => error instanceof Problem ? error.toResponse() : Response.error());
  return app
    .use(crossOrigin(origins))
    .use(async (c, next) => {
      if (c.req.header("authorization") === undefined) {
        throw new Problem({ status: 401, detail: "Send a token" });
      }
      await next();
    })
    .get("/bytes", () => new Response(new Uint8Array(3), { headers: { etag: '"e"' } }))
    .get("/varies", (c) => {
      c.header("Vary", "Accept");
      return c.text("text");
    })
    .get("/known", (c) => {
      c.header("ETag", '"e"');
      return c.body(null, 304);
    });
}

const authorization = "Bearer x";

function preflight(origin: string): RequestInit {
  return {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type",
    },
  };
}

/** The headers of a reply that let another site in. */
function opened({ headers }: Response): string[] {
  return [...headers.keys()].filter((name) => name.startsWith("access-control-"));
}

test("without CORS_ORIGINS no other site is let in, and nothing varies", async () => {
  const app = appFor();
  const reply = await app.request("/bytes", { headers: { origin: OURS, authorization } });
  assert.equal(reply.status, 200);
  assert.deepEqual(opened(reply), []);
  assert.equal(reply.headers.get("vary"), null);
  assert.equal((await app.request("/bytes", preflight(OURS))).status, 401);
});

test("a named origin may read replies and the headers that matter, with no credentials of the browser's", async () => {
  const app = appFor(OURS, ALSO_OURS);
  for (const origin of [OURS, ALSO_OURS]) {
    const reply = await app.request("/bytes", { headers: { origin, authorization } });
    assert.equal(reply.status, 200);
    assert.equal((await reply.arrayBuffer()).byteLength, 3);
    assert.equal(reply.headers.get("access-control-allow-origin"), origin);
    assert.equal(reply.headers.get("access-control-allow-credentials"), null);
    assert.equal(reply.headers.get("cross-origin-resource-policy"), "cross-origin");
    assert.equal(reply.headers.get("vary"), "Origin");
    assert.equal(reply.headers.get("etag"), '"e"');
    const exposed = reply.headers.get("access-control-expose-headers")?.toLowerCase().split(",");
    for (
      const name of [
        "etag",
        "location",
        "content-disposition",
        "repr-digest",
        "retry-after",
        "preference-applied",
        "content-range",
      ]
    ) assert.ok(exposed?.includes(name), name);
  }
});

test("a preflight of a named origin is answered without a token, and kept for a bounded time", async () => {
  const reply = await appFor(OURS).request("/bytes", preflight(OURS));
  assert.equal(reply.status, 204);
  assert.equal(reply.headers.get("access-control-allow-origin"), OURS);
  assert.equal(reply.headers.get("access-control-allow-methods"), "GET,HEAD,POST,DELETE");
  assert.equal(reply.headers.get("access-control-max-age"), "600");
  assert.match(reply.headers.get("vary") ?? "", /Origin/);
  const allowed = reply.headers.get("access-control-allow-headers")?.toLowerCase().split(",");
  for (
    const name of [
      "authorization",
      "content-type",
      "idempotency-key",
      "if-none-match",
      "prefer",
      "range",
    ]
  ) assert.ok(allowed?.includes(name), name);
});

test("an origin that is not named exactly gets nothing, and replies say that they depend on it", async () => {
  const app = appFor(OURS);
  for (
    const origin of [
      "https://evil.example",
      "https://console.example.evil.example",
      "https://console.example:8443",
      "http://console.example",
      "HTTPS://CONSOLE.EXAMPLE",
      "null",
      "*",
      "",
    ]
  ) {
    const reply = await app.request("/bytes", { headers: { origin, authorization } });
    assert.equal(reply.status, 200);
    assert.deepEqual(opened(reply), [], origin);
    assert.equal(reply.headers.get("vary"), "Origin");
    const refused = await app.request("/bytes", preflight(origin));
    assert.equal(refused.status, 401);
    assert.deepEqual(opened(refused), [], origin);
  }
  const without = await app.request("/bytes", { headers: { authorization } });
  assert.equal(without.headers.get("vary"), "Origin", "a cache must not give it to an origin");
});

test("a page of a named origin can read refusals too", async () => {
  const reply = await appFor(OURS).request("/bytes", { headers: { origin: OURS } });
  assert.equal(reply.status, 401);
  assert.equal(reply.headers.get("access-control-allow-origin"), OURS);
  assert.equal(reply.headers.get("content-type"), "application/problem+json");
});

test("what a route itself varies on, and its 304, stay", async () => {
  const app = appFor(OURS);
  for (const origin of [OURS, "https://evil.example"]) {
    const varies = await app.request("/varies", { headers: { origin, authorization } });
    assert.equal(varies.headers.get("vary"), "Accept, Origin");
    const known = await app.request("/known", { headers: { origin, authorization } });
    assert.equal(known.status, 304);
    assert.equal(known.headers.get("etag"), '"e"');
  }
});

test("every reply says how browsers have to treat it, unless its route says otherwise", async (t) => {
  const none = () => {};
  const app = new Hono()
    .get("/plain", (c) => c.text("text"))
    .get("/none", (c) => c.body(null, 304))
    .get("/stream", () => new Response(new Blob(["x".repeat(100_000)]).stream()))
    .get("/page", (c) => c.html("<p>", 200, { "Content-Security-Policy": "default-src 'self'" }))
    .get("/broken", () => {
      throw new Error("broken");
    });
  const server = createServer({
    host: "127.0.0.1",
    port: 0,
    tls: undefined,
    fetch: app.fetch,
    log: { error: none, warn: none, info: none, debug: none },
  });
  const { port } = await server.listen();
  t.after(() => server.close(AbortSignal.abort()));
  const ask = async (path: string) => {
    const reply = await fetch(`http://127.0.0.1:${port}${path}`);
    await reply.arrayBuffer();
    return reply;
  };
  const closed = "default-src 'none'; frame-ancestors 'none'";
  t.mock.method(console, "error", none); // Hono tells of what no handler of errors took
  for (
    const [path, status, policy] of [
      ["/plain", 200, closed],
      ["/none", 304, closed],
      ["/stream", 200, closed],
      ["/nothing-here", 404, closed],
      ["/broken", 500, closed],
      ["/page", 200, "default-src 'self'"],
    ] as const
  ) {
    const { status: got, headers } = await ask(path);
    assert.equal(got, status);
    assert.equal(headers.get("content-security-policy"), policy, path);
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("referrer-policy"), "no-referrer");
    assert.equal(headers.get("x-frame-options"), "DENY");
    assert.equal(headers.get("cross-origin-resource-policy"), "same-origin");
    assert.equal(headers.get("strict-transport-security"), null, "not without TLS");
  }
});
