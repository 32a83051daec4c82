import assert from "node:assert/strict";
import { test } from "node:test";
import type { OcAnswer } from "../../src/oc/features.ts";
import { reap, type Standing } from "../../src/oc/reap.ts";

const NAMESPACE: Standing = { kind: "namespace", name: "openshift-must-gather-abcde" };
const BINDING: Standing = { kind: "clusterrolebinding", name: "must-gather-vwxyz" };

const DELETED: OcAnswer = { code: 0, stdout: "", stderr: "" };
const forbidden = (words: string): OcAnswer => ({ code: 1, stdout: "", stderr: words });

/** Reaps with an oc that gives these answers in turn, the last of them from then on. */
function reapWith(
  standing: readonly Standing[],
  answers: readonly (OcAnswer | (() => OcAnswer))[],
  signal = new AbortController().signal,
) {
  const calls: string[] = [];
  const removed: string[] = [];
  const refused: string[] = [];
  const done = reap(
    standing,
    (args) => {
      const answer = answers[Math.min(calls.length, answers.length - 1)];
      calls.push(args.join(" "));
      return Promise.resolve(typeof answer === "function" ? answer() : answer ?? DELETED);
    },
    signal,
    ({ name }) => removed.push(name),
    ({ name }, why) => refused.push(`${name}: ${why}`),
  );
  return { calls, removed, refused, done };
}

test("each object is deleted by its name, without waiting, whether it is there or not", async () => {
  const { calls, removed, refused, done } = reapWith([NAMESPACE, BINDING], [DELETED]);
  await done;
  assert.deepEqual(calls, [
    "delete namespace openshift-must-gather-abcde --wait=false --ignore-not-found=true",
    "delete clusterrolebinding must-gather-vwxyz --wait=false --ignore-not-found=true",
  ]);
  assert.deepEqual(removed, [NAMESPACE.name, BINDING.name]);
  assert.deepEqual(refused, []);
});

test("nothing to delete calls nothing", async () => {
  const { calls, done } = reapWith([], [DELETED]);
  await done;
  assert.deepEqual(calls, []);
});

test("what is refused is tried again a second later, and why is told", async (t) => {
  const service = setInterval(() => {}, 1000); // its pauses keep no process alive by themselves
  t.after(() => clearInterval(service));
  const words = "warning: some\nError from server (Forbidden): no\n";
  const { calls, removed, refused, done } = reapWith([BINDING], [forbidden(words), DELETED]);
  const started = performance.now();
  await done;
  assert.ok(performance.now() - started > 900);
  assert.equal(calls.length, 2);
  assert.deepEqual(removed, [BINDING.name]);
  assert.deepEqual(refused, [`${BINDING.name}: Error from server (Forbidden): no`]);
});

test("one that is refused holds up no other", async () => {
  const stop = new AbortController();
  const { removed, done } = reapWith([NAMESPACE, BINDING], [forbidden("no"), DELETED], stop.signal);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(removed, [BINDING.name]);
  stop.abort();
  await done;
});

test("an abort ends the trying at once, also within a pause", async () => {
  const stop = new AbortController();
  const started = performance.now();
  const { calls, done } = reapWith([BINDING], [forbidden("no")], stop.signal);
  setTimeout(() => stop.abort(), 20);
  await done;
  assert.ok(performance.now() - started < 900);
  assert.equal(calls.length, 1);
});

test("an answer that an abort cut is no refusal, one that came all the same counts", async () => {
  for (const answer of [DELETED, forbidden("oc was stopped before it answered")]) {
    const stop = new AbortController();
    const { removed, refused, done } = reapWith([BINDING], [() => {
      stop.abort();
      return answer;
    }], stop.signal);
    await done;
    assert.equal(removed.length, answer.code === 0 ? 1 : 0);
    assert.deepEqual(refused, []);
  }
});

test("nothing is tried when it is over before it begins", async () => {
  const { calls, done } = reapWith([BINDING], [DELETED], AbortSignal.abort());
  await done;
  assert.deepEqual(calls, []);
});
