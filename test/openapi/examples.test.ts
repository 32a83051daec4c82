/**
 * Every example of the document is sent to a running service and gets the documented reply.
 *
 * By then there are: gather 1, completed, of the custom name plan:web, with an archive; gather 2, which runs until it is
 * cancelled; gather 3, ended. Reading examples go first, DELETE last.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { OpenApi, OpenApiOperation } from "../../src/openapi/document.ts";
import { Documented } from "../support/documented.ts";
import type { FakeOc } from "../support/fake-oc.ts";
import type { Service } from "../support/service.ts";
import { openStage, type Stage } from "../support/stage.ts";

const PLAIN = "localhost/plain-must-gather:latest";
const ORDER = ["get", "post", "delete"];

/** One example as the document has it, its parts found by its name. */
interface Sent {
  name: string;
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
  status: number;
  /** Of a problem. */
  reply: unknown;
}

describe("the document's examples", () => {
  let stage: Stage;
  let oc: FakeOc;
  let service: Service;
  const { document } = new Documented();

  before(async () => {
    stage = await openStage({ MAX_CONCURRENT: "1" }); // what is posted waits
    ({ oc, service } = stage);
    await service.start({ "image": PLAIN, "custom-name": "plan:web" });
    await service.ended(1);
    oc.hold("during-gather");
    await service.start({ "image": PLAIN });
    await oc.reached("during-gather");
    await service.start({ "image": PLAIN, "command": "false" });
    await service.fetch("must-gather/3", { method: "DELETE" });
    await service.ended(3);
  });
  after(async () => {
    oc.release("during-gather");
    await stage.close();
  });

  test("is what the service serves", async () => {
    const reply = await service.fetch("openapi.json");
    const served = await reply.json() as OpenApi;
    assert.deepEqual(served.paths, JSON.parse(JSON.stringify(document.paths)));
    assert.deepEqual(served.components, JSON.parse(JSON.stringify(document.components)));
  });

  const all = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, operation]) => examplesOf(method, path, operation))
  ).toSorted((a, b) => ORDER.indexOf(a.method) - ORDER.indexOf(b.method));

  for (const { name, method, path, headers, body, status, reply } of all) {
    test(`${name} is answered with ${status}`, async () => {
      const ending = new AbortController();
      const answer = await service.fetch(path, {
        method: method.toUpperCase(),
        headers,
        signal: ending.signal,
        ...(body !== undefined && { body }),
      });
      try {
        assert.equal(answer.status, status);
        if (reply === undefined) return;
        const value: unknown = await answer.json();
        if (status >= 400) assert.deepEqual(value, reply);
        else assert.equal(typeof value, typeof reply); // its form was checked as it came
      } finally {
        ending.abort(); // events go on
      }
    });
  }
});

function examplesOf(method: string, template: string, operation: OpenApiOperation): Sent[] {
  return Object.entries(operation["x-example-status"]).map(([name, status]) => {
    let path = template.slice(1);
    const query = new URLSearchParams();
    const headers: Record<string, string> = {};
    for (const { in: place, name: parameter, examples } of operation.parameters ?? []) {
      if (!examples?.[name]) continue;
      const value = String(examples[name].value);
      if (place === "path") path = path.replace(`{${parameter}}`, encodeURI(value));
      else if (place === "query") query.set(parameter, value);
      else headers[parameter] = value;
    }
    const bodies = Object.entries(operation.requestBody?.content ?? {});
    const [type, content] = bodies.find(([, { examples }]) => examples?.[name]) ?? [];
    const value = content?.examples?.[name]?.value;
    if (type !== undefined) headers["content-type"] = type;
    const replies = Object.values(operation.responses[status]?.content ?? {});
    return {
      name: `${method.toUpperCase()} ${template}: ${name}`,
      method,
      path: query.size > 0 ? `${path}?${query}` : path,
      headers,
      body: type === undefined ? undefined : bodyOf(type, value),
      status,
      reply: replies.map(({ examples }) => examples?.[name]?.value).find((each) =>
        each !== undefined
      ),
    };
  });
}

function bodyOf(type: string, value: unknown): string {
  return type === "application/json"
    ? JSON.stringify(value)
    : String(new URLSearchParams(value as Record<string, string>));
}
