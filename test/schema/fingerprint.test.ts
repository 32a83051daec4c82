import assert from "node:assert/strict";
import { test } from "node:test";
import { requestFingerprint, sameOptions } from "../../src/schema/fingerprint.ts";
import type { RawGatherRequest } from "../../src/schema/options.ts";
import { parseGatherRequest } from "../../src/schema/request.ts";

const parse = (raw: RawGatherRequest) =>
  parseGatherRequest(raw, {
    defaults: { image: "quay.io/a/b", timeout: "20m" },
    maxTimeoutMs: 86_400_000,
    features: { version: "4.22.0", flags: new Set(["host-network"]) },
    knownServer: () => true,
    embedded: false,
    localCommands: false,
  });

test("requests that ask for the same are the same, also spelled out or back from a journal", () => {
  const one = parse({ "custom-name": "plan:a" });
  const spelledOut = parse({ "timeout": "20m", "image": ["quay.io/a/b"], "custom-name": "plan:a" });
  assert.ok(sameOptions(one, spelledOut));
  const reversed = Object.fromEntries(Object.entries(JSON.parse(JSON.stringify(one))).reverse());
  assert.ok(sameOptions(one, reversed as typeof one));
});

test("any option that differs makes another request", () => {
  const base = parse({});
  const others: readonly RawGatherRequest[] = [
    { "custom-name": "x" },
    { "image": "quay.io/a/c" },
    { "image-stream": "a/b" },
    { "node-name": "n" },
    { "command": "ls" },
    { "source-dir": "/x" },
    { "timeout": "21m" },
    { "server": "https://x" },
    { "host-network": true },
  ];
  for (const raw of others) {
    assert.ok(!sameOptions(base, parse(raw)), JSON.stringify(raw));
    assert.notEqual(requestFingerprint(base), requestFingerprint(parse(raw)), JSON.stringify(raw));
  }
});

test("a fingerprint is SHA-256 in hex and does not depend on the order of keys", () => {
  assert.match(requestFingerprint(parse({})), /^[0-9a-f]{64}$/);
  assert.equal(
    requestFingerprint({ image: ["b", "a"], timeout: "1m" }),
    requestFingerprint({ timeout: "1m", image: ["b", "a"] }),
  );
  assert.notEqual(
    requestFingerprint({ image: ["b", "a"] }),
    requestFingerprint({ image: ["a", "b"] }),
  );
});
