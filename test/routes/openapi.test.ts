import assert from "node:assert/strict";
import { test } from "node:test";
import { openApiRoutes } from "../../src/routes/openapi.ts";

test("a document that could not be written once is written for the next who asks, and then kept", async () => {
  let times = 0;
  const app = openApiRoutes({
    version: "1.2.3",
    importDocument() {
      if (++times === 1) return Promise.reject(new Error("too many open files"));
      return import("../../src/openapi/document.ts");
    },
  });
  assert.equal((await app.request("/openapi.json")).status, 500);
  for (let asked = 0; asked < 2; asked++) {
    const reply = await app.request("/openapi.json");
    assert.equal(reply.status, 200);
    assert.equal((await reply.json() as { info: { version: string } }).info.version, "1.2.3");
  }
  assert.equal(times, 2);
});
