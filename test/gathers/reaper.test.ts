import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { CredentialStore } from "../../src/gathers/credentials.ts";
import type { Made } from "../../src/gathers/entry.ts";
import type { Gatherer } from "../../src/gathers/gatherer.ts";
import { Reaper } from "../../src/gathers/reaper.ts";
import { until } from "../support/until.ts";
import { endedEntry, request, stageRegistry } from "./stage.ts";

const MAIN = "https://main.example:6443";

/** A reaper that looks after one gather, which left a namespace in the cluster of `server`. */
async function stage(t: TestContext, server = "") {
  const { registry, folder, log } = await stageRegistry(t);
  const made: Made = {
    kind: "namespace",
    name: "openshift-must-gather-abcde",
    deleted: false,
    gone: false,
  };
  const held = registry.add(endedEntry(1, {
    request: request({ server }),
    made: [made],
    leftovers: [`namespace/${made.name}`],
    finishedAt: new Date().toISOString(),
  }));
  const calls: string[] = [];
  const gives: PromiseWithResolvers<void>[] = [];
  const deletion = Promise.withResolvers<void>();
  const credentials = {
    give(id, server, token) {
      calls.push(`give ${id} ${server} ${token}`);
      const giving = Promise.withResolvers<void>();
      gives.push(giving);
      return giving.promise;
    },
    take(id) {
      calls.push(`take ${id}`);
      return Promise.resolve();
    },
    isOfMain: (server) => server === "" || server === MAIN,
  } as Partial<CredentialStore> as CredentialStore;
  const gatherer = {
    async reap(_, __, removed) {
      calls.push("reap");
      await deletion.promise;
      removed(made);
    },
    stands: () => Promise.resolve(false),
  } as Partial<Gatherer> as Gatherer;
  const stop = new AbortController();
  t.after(() => stop.abort());
  const reaper = new Reaper(
    { registry, gatherer, credentials, workPath: folder, log },
    stop.signal,
  );
  reaper.tend(held);
  return { reaper, calls, gives, deletion };
}

test("a caller's token is used for what the main cluster holds, which knows it, and shown to no other", async (t) => {
  for (const server of ["", MAIN]) {
    const { reaper, calls } = await stage(t, server);
    reaper.retryAs("token");
    assert.deepEqual(calls, [`give 1 ${server} token`]);
  }
  const { reaper, calls } = await stage(t, "https://other.example:6443");
  reaper.retryAs("token");
  assert.deepEqual(calls, []);
});

test("a token that is written down when nothing is left to delete is taken away again", async (t) => {
  const { reaper, calls, gives, deletion } = await stage(t);
  reaper.retryAs("first");
  gives[0]?.resolve();
  await until("it tries again", () => calls.includes("reap"));
  const { now } = Date;
  t.after(() => Date.now = now);
  Date.now = () => now() + 31_000; // from then on another caller's may be used
  reaper.retryAs("second");
  deletion.resolve();
  await until("all is gone", () => calls.includes("take 1"));
  gives[1]?.resolve();
  await until("it is taken away", () => calls.filter((call) => call === "take 1").length === 2);
  assert.deepEqual(calls, ["give 1  first", "reap", "give 1  second", "take 1", "take 1"]);
});
