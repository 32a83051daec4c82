import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { FirstSignal } from "../../src/oc/first-signal.ts";
import { atEnd } from "../support/folder.ts";

function stage() {
  const sent: string[] = [];
  const first = new FirstSignal((name, target) => sent.push(`${name} ${target}`));
  return { first, sent };
}

test("SIGINT waits until the binding is named, and comes once", () => {
  const { first, sent } = stage();
  first.signal("SIGINT", "leader");
  assert.deepEqual(sent, []);
  first.free();
  assert.deepEqual(sent, ["SIGINT leader"]);
  first.free();
  assert.deepEqual(sent, ["SIGINT leader"]);
});

test("once the binding is named no signal waits", () => {
  const { first, sent } = stage();
  first.free();
  first.signal("SIGINT", "leader");
  first.signal("SIGTERM", "leader");
  assert.deepEqual(sent, ["SIGINT leader", "SIGTERM leader"]);
});

test("an oc that names nothing is told after five seconds", (t) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  atEnd(t, () => mock.timers.reset());
  const { first, sent } = stage();
  first.signal("SIGINT", "leader");
  mock.timers.tick(4999);
  assert.deepEqual(sent, []);
  mock.timers.tick(1);
  assert.deepEqual(sent, ["SIGINT leader"]);
});

test("SIGTERM waits as SIGINT does, and comes instead", (t) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  atEnd(t, () => mock.timers.reset());
  const { first, sent } = stage();
  first.signal("SIGINT", "leader");
  mock.timers.tick(1500);
  first.signal("SIGTERM", "group");
  assert.deepEqual(sent, []);
  mock.timers.tick(3500);
  assert.deepEqual(sent, ["SIGTERM group"]);
});

test("SIGKILL is not held back, and comes instead", (t) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  atEnd(t, () => mock.timers.reset());
  const { first, sent } = stage();
  first.signal("SIGINT", "leader");
  first.signal("SIGKILL", "group");
  mock.timers.tick(6000);
  assert.deepEqual(sent, ["SIGKILL group"]);
});
