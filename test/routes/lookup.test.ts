import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { Hono } from "hono";
import { Problem } from "../../src/problem.ts";
import { findGather, findGatherById, idOf } from "../../src/routes/lookup.ts";
import { endedEntry, stageRegistry } from "../gathers/stage.ts";

/** An app that answers with the id of what a path names, and gathers of these names, from 1. */
async function stage(t: TestContext, names: readonly string[]) {
  const { registry } = await stageRegistry(t);
  names.forEach((customName, index) => registry.add(endedEntry(index + 1, { customName })));
  const app = new Hono({ strict: false })
    .get("/must-gather/:id", (c) => c.text(String(findGather(c, registry).entry.id)))
    .delete("/must-gather/:id", (c) => c.text(String(findGatherById(c, registry).entry.id)))
    .get("/must-gather/:id/data", (c) => c.text(String(findGather(c, registry).entry.id)));
  app.onError((error) =>
    error instanceof Problem ? error.toResponse() : new Response("", { status: 500 })
  );
  return async (path: string, method = "GET") => {
    const reply = await app.request(path, { method });
    return reply.status === 200 ? await reply.text() : reply.status;
  };
}

test("ids are numbers from 1, as they are written", () => {
  assert.equal(idOf("1"), 1);
  assert.equal(idOf("999999999999999"), 999_999_999_999_999);
  for (const text of ["0", "01", "-1", "1.0", "1e3", " 1", "1 ", "", "x", "9".repeat(16), "١"]) {
    assert.equal(idOf(text), undefined, text);
  }
});

test("a number names the gather with that id, and only where there is none the name", async (t) => {
  const get = await stage(t, ["2", "plain", "7"]);
  assert.equal(await get("/must-gather/2"), "2");
  assert.equal(await get("/must-gather/7"), "3");
  assert.equal(await get("/must-gather/4"), 404);
});

test("a name names the newest of that name, encoded or not, with a trailing slash or none", async (t) => {
  const get = await stage(t, [
    "plan:a",
    "plan:a",
    "vm:web (prod)",
    "100%",
    "a/b",
    "%41",
    "grüße",
  ]);
  for (
    const [path, id] of [
      ["/must-gather/plan:a", "2"],
      ["/must-gather/plan%3Aa", "2"],
      ["/must-gather/plan:a/", "2"],
      ["/must-gather/plan:a/data", "2"],
      ["/must-gather/vm:web%20(prod)", "3"],
      ["/must-gather/vm:web (prod)/data", "3"],
      ["/must-gather/100%25", "4"],
      ["/must-gather/100%", "4"],
      ["/must-gather/a%2Fb", "5"],
      ["/must-gather/%41", "6"],
      ["/must-gather/%2541", "6"],
      ["/must-gather/gr%C3%BC%C3%9Fe", "7"],
    ] as const
  ) assert.equal(await get(path), id, path);
});

test("what names nothing is 404, and no name is no name", async (t) => {
  const get = await stage(t, ["", "a"]);
  for (const path of ["b", "%20", "A", "..%2F1", "%00", "%", "constructor"]) {
    assert.equal(await get(`/must-gather/${path}`), 404, path);
  }
});

test("where the wrong one must not be hit, only a number names a gather", async (t) => {
  const get = await stage(t, ["a", "7"]);
  assert.equal(await get("/must-gather/2", "DELETE"), "2");
  assert.equal(await get("/must-gather/7", "DELETE"), 404);
  assert.equal(await get("/must-gather/a", "DELETE"), 404);
});
