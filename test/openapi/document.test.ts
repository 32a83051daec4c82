import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { type AppDeps, createApp } from "../../src/app.ts";
import { createDocument, OPERATIONS } from "../../src/openapi/document.ts";
import { Documented } from "../support/documented.ts";

/** Enough to ask an app for its routes. */
const NOTHING = { corsOrigins: [] } as unknown as AppDeps;

describe("the OpenAPI document", () => {
  const documented = new Documented();
  const { document } = documented;

  test("is OpenAPI 3.1", async () => {
    const { valid, errors } = await new Validator().validate(JSON.parse(JSON.stringify(document)));
    assert.deepEqual(errors ?? [], []);
    assert.ok(valid);
  });

  test("has an operation for each route, and a route for each operation", () => {
    const routes = createApp(NOTHING).routes
      .filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, "{$1}")}`);
    const operations = OPERATIONS.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    assert.deepEqual([...new Set(routes)].toSorted(), operations.toSorted());
  });

  test("names each operation and each parameter once", () => {
    const ids = OPERATIONS.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const { id, parameters = [], path } of OPERATIONS) {
      const names = parameters.map((parameter) => parameter.name);
      assert.equal(new Set(names).size, names.length, id);
      const ofPath = parameters.filter((parameter) => parameter.in === "path").map(({ name }) =>
        name
      );
      assert.deepEqual(ofPath, [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name), id);
    }
  });

  test("every example has a documented status, values for known parameters, and the schema's form", () => {
    for (const { id, path, method, parameters = [], body = {}, examples, replies } of OPERATIONS) {
      assert.ok(Object.keys(examples).length > 0, id);
      for (const [name, { with: given = {}, body: sent, status }] of Object.entries(examples)) {
        assert.ok(replies[status], `${id} ${name}`);
        assert.ok(!sent || sent.type in body, `${id} ${name}: ${sent?.type}`);
        for (const key of Object.keys(given)) {
          assert.ok(
            parameters.some((parameter) => parameter.name === key),
            `${id} ${name}: ${key}`,
          );
        }
        const missing = parameters.filter((each) => each.in === "path" && !(each.name in given));
        assert.deepEqual(missing, [], `${id} ${name}`);
        const content = document.paths[path]?.[method]?.responses[status]?.content ?? {};
        for (const { schema, examples: shown = {} } of Object.values(content)) {
          if (!schema) continue;
          if (status !== 416) assert.ok(shown[name], `${id} ${name} shows its reply`);
          if (shown[name]) {
            assert.equal(
              documented.problemsOf(schema, shown[name].value),
              undefined,
              `${id} ${name}`,
            );
          }
        }
      }
    }
  });

  test("describes every key that a request may have, with what the service takes", () => {
    const schema = document.components.schemas["GatherRequest"] as {
      properties: Record<string, { description?: string }>;
    };
    for (const [key, { description }] of Object.entries(schema.properties)) {
      assert.ok(description !== undefined && description.length > 5, key);
    }
    const takes = (value: unknown) => documented.problemsOf(schema, value) === undefined;
    assert.ok(takes({ "volume-percentage": "50", "all-images": "TRUE", "image": ["a", "b"] }));
    assert.ok(takes({ "volume-percentage": 50, "all-images": true, "what-is-this": 1 }));
    assert.ok(!takes({ "volume-percentage": 101 }));
    assert.ok(!takes({ "volume-percentage": 5.5 }));
    assert.ok(!takes({ "custom-name": "x".repeat(257) }));
    assert.ok(!takes({ "node-name": 7 }));
  });

  test("names the version it was made for", () => {
    assert.match(JSON.stringify(createDocument("7.8.9")), /"version":"7\.8\.9"/);
  });
});

describe("the check of replies", () => {
  const documented = new Documented();
  const json = { "content-type": "application/json" };
  const check = (method: string, path: string, reply: Response) =>
    documented.check(method, new URL(path, "http://localhost/"), reply);
  const health = { "name": "n", "version": "1", "status": "ok" };

  test("lets pass what is documented, and leaves its body", async () => {
    const reply = Response.json(health);
    await check("GET", "/healthz/", reply);
    assert.deepEqual(await reply.json(), health);
    await check("HEAD", "/healthz", new Response(null, { headers: json }));
    await check(
      "GET",
      "/must-gather/1/files/a/b.txt",
      new Response("x", {
        headers: { "content-type": "text/plain", "content-security-policy": "x" },
      }),
    );
  });

  test("finds a status, a path, a type, a header or a value that is not", async () => {
    const fails = async (words: RegExp, method: string, path: string, reply: Response) =>
      await assert.rejects(check(method, path, reply), words);
    await fails(/no such status/, "GET", "/healthz", Response.json(health, { status: 202 }));
    await fails(/no such operation/, "GET", "/nowhere", Response.json(health));
    await fails(
      /no text\/html/,
      "GET",
      "/healthz",
      new Response("x", { headers: { "content-type": "text/html" } }),
    );
    await fails(/without its Retry-After/, "GET", "/readyz", Response.json({}, { status: 503 }));
    await fails(/not as documented/, "GET", "/healthz", Response.json({ ...health, more: 1 }));
    await fails(
      /not as documented/,
      "GET",
      "/healthz",
      Response.json({ ...health, status: "bad" }),
    );
  });
});
