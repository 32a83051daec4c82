/** The console's files as they are served. */
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { test } from "node:test";
import { Hono } from "hono";
import { lazily } from "../../src/lazy.ts";
import { consoleRoutes, readConsole } from "../../src/routes/console.ts";

const app = new Hono().route("/", consoleRoutes({ console: lazily(readConsole) }))
  .get("/", (c) => c.text("plain"));
const get = (path: string, headers: Record<string, string> = {}) => app.request(path, { headers });

test("a browser gets the page, and everybody else the text", async () => {
  const page = await get("/", { accept: "text/html,application/xhtml+xml,*/*;q=0.8" });
  assert.equal(page.headers.get("content-type"), "text/html; charset=utf-8");
  assert.match(page.headers.get("vary") ?? "", /Accept\b/);
  assert.match(await page.text(), /<title>Must-gather/);
  for (const accept of ["*/*", "application/json", "text/html;q=0, */*"]) {
    assert.equal(await (await get("/", { accept })).text(), "plain");
  }
  assert.equal(await (await get("/")).text(), "plain");
});

test("the policy lets in nothing inline and nothing from elsewhere", async () => {
  const policy = (await get("/", { accept: "text/html" })).headers.get("content-security-policy");
  assert.ok(policy?.startsWith("default-src 'none'; script-src 'self'; style-src 'self';"));
  assert.ok(!policy?.includes("unsafe"));
});

test("every file in the folder is served with its type, and again only when it has changed", async () => {
  const names = (await readdir(new URL("../../src/web/", import.meta.url)))
    .filter((name) => /\.(?:js|css|svg)$/.test(name));
  assert.ok(names.length > 15);
  for (const name of names) {
    const reply = await get(`/console/${name}`);
    assert.equal(reply.status, 200, name);
    const type = { js: "text/javascript", css: "text/css", svg: "image/svg+xml" }[
      name.split(".")[1] ?? ""
    ];
    assert.ok(type && reply.headers.get("content-type")?.startsWith(type), name);
    const text = await reply.text();
    const etag = reply.headers.get("etag") ?? "";
    assert.match(etag, /^"[\w-]{43}"$/);
    assert.equal((await get(`/console/${name}`, { "if-none-match": etag })).status, 304);
    const packed = await get(`/console/${name}`, { "accept-encoding": "gzip, br" });
    assert.equal(packed.headers.get("content-encoding"), "gzip");
    assert.notEqual(packed.headers.get("etag"), etag);
    const unpacked = packed.body?.pipeThrough(new DecompressionStream("gzip")) ?? null;
    assert.equal(await new Response(unpacked).text(), text);
  }
});

test("nothing but the files that are named is there, however it is asked for", async () => {
  const paths = ["index.html", "screenshots", "..%2fapp.ts", "%2e%2e/app.ts", "x.js", "__proto__"];
  for (const path of paths) assert.equal((await get(`/console/${path}`)).status, 404, path);
});

test("no address in the page or its modules begins at the root or names a host", async () => {
  const files = await readConsole();
  for (const [name, { plain }] of files) {
    const text = new TextDecoder().decode(plain);
    assert.doesNotMatch(text, /(?:href|src)="\//, name);
    assert.doesNotMatch(text, /https?:\/\/(?!www\.w3\.org)/, name);
    assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write/, name);
  }
});
