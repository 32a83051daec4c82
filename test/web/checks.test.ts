/** The form's checks against those of the service: the form refuses nothing that the service takes, nor the other way round. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import { RequestSchema } from "../../src/schema/options.ts";
import { commandLine } from "../../src/oc/command.ts";

type Check = (text: string) => string;
const { CHECKS, EXCLUSIONS, targetedCommand } = await import(
  new URL("../../src/web/checks.js", import.meta.url).href
) as {
  CHECKS: Record<string, Check>;
  EXCLUSIONS: string[][];
  targetedCommand: (of: { namespace: string; plan?: string; vm?: string }) => string;
};

const SAMPLES: Record<string, readonly string[]> = {
  // deno-fmt-ignore
  "image": ["quay.io/org/name:tag", "name", "localhost:5000/a/b@sha256:" + "a".repeat(64), "a, b/c", "Bad Image", "a/B", "-a", "a:", "a@b", "[::1]:5000/x", "a".repeat(513)],
  "image-stream": ["openshift/must-gather:latest", "a/b", "a", "A/b", "a/b/c", "a/b:"],
  "node-name": ["worker-0.example.com", "Worker", "-a", "a..b", "a".repeat(254)],
  "source-dir": ["/must-gather/", "/a/b", "a", "/", "/a/../b", "/a b", "/..a"],
  // deno-fmt-ignore
  "timeout": ["20m", "1h30m", "90s", "1.5h", ".5h", "+2m", "0", "0s", "0.0h", "-1m", "20", "1 m", "1d", "m", "5µs", "5μs"],
  "since": ["2h", "0s", "x"],
  // deno-fmt-ignore
  "since-time": ["2026-01-02T15:04:05Z", "2026-01-02T15:04:05.123+02:00", "2026-01-02", "2026-13-02T15:04:05Z", "2026-01-02t15:04:05z", "now"],
  "volume-percentage": ["1", "100", "0", "101", "1.5", "x", "007"],
  "custom-name": ["plan:web", "ä".repeat(128), "ä".repeat(129), "a\tb"],
};

test("a value is refused at the form exactly where the service refuses it", () => {
  for (const [key, samples] of Object.entries(SAMPLES)) {
    for (const sample of samples) {
      const taken = v.safeParse(RequestSchema, { [key]: sample }).success;
      assert.equal(CHECKS[key]?.(sample) === "", taken, `${key}: ${sample}`);
    }
  }
  for (const [one, other] of EXCLUSIONS) {
    assert.ok(one && one in RequestSchema.entries);
    assert.ok(other && other in RequestSchema.entries);
  }
});

test("the command of a plan, a VM or a namespace is the form that the service quotes", () => {
  assert.equal(
    commandLine(targetedCommand({ namespace: "shop", vm: "web (prod)" })),
    "NS=shop VM='web (prod)' /usr/bin/targeted",
  );
  assert.equal(
    commandLine(targetedCommand({ namespace: "shop", plan: "p1" })),
    "NS=shop PLAN=p1 /usr/bin/targeted",
  );
  assert.equal(commandLine(targetedCommand({ namespace: "shop" })), "NS=shop /usr/bin/targeted");
});

test("a character that no command may hold is named as it is typed", () => {
  for (const bad of ["$", "`", "\\", "\n", "é"]) {
    assert.notEqual(CHECKS["command"]?.(`a${bad}b`), "");
    assert.throws(() => commandLine([`a${bad}b`]));
  }
  assert.equal(CHECKS["command"]?.("web (prod)"), "");
});
