/** What files of an archive are shown as. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { contentTypeOf } from "../../src/routes/content-type.ts";

test("text is text whatever it is called, and what is no text is not", () => {
  const types: Record<string, string> = {
    "a/current.log": "text/plain; charset=utf-8",
    "a/pods.yaml": "text/plain; charset=utf-8",
    "version": "text/plain; charset=utf-8",
    "a.d/version": "text/plain; charset=utf-8",
    "a.constructor": "text/plain; charset=utf-8",
    "events.JSON": "application/json",
    "event-filter.html": "text/html; charset=utf-8",
    "evil.svg": "image/svg+xml",
    "audit.log.gz": "application/gzip",
    "etcd.db": "application/octet-stream",
  };
  for (const [path, type] of Object.entries(types)) assert.equal(contentTypeOf(path), type, path);
});
