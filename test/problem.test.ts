import assert from "node:assert/strict";
import { test } from "node:test";
import { badRequest, Problem } from "../src/problem.ts";

test("a problem becomes application/problem+json with its status, its phrase and its headers", async () => {
  const problem = new Problem({ status: 405, detail: "Use GET", headers: { allow: "GET, HEAD" } });
  const reply = problem.toResponse();
  assert.equal(reply.status, 405);
  assert.equal(reply.headers.get("content-type"), "application/problem+json");
  assert.equal(reply.headers.get("allow"), "GET, HEAD");
  assert.deepEqual(await reply.json(), {
    type: "about:blank",
    title: "Method Not Allowed",
    status: 405,
    detail: "Use GET",
  });
});

test("a problem can be answered twice, each reply with a body of its own", async () => {
  const problem = badRequest("timeout: must be a string");
  assert.equal(await problem.toResponse().text(), await problem.toResponse().text());
});

test("a problem is an error whose message is its detail, and may name its own title", () => {
  const problem = new Problem({ status: 507, detail: "4 GiB short", title: "No room" });
  assert.ok(problem instanceof Error);
  assert.equal(problem.message, "4 GiB short");
  assert.equal(problem.title, "No room");
});
