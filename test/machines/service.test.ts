/** The life of the service: when it is ready, and how it ends. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createActor, fromCallback, fromPromise, SimulatedClock, waitFor } from "xstate";
import { type HurryEvent, type ServiceEvent, serviceMachine } from "../../machines/service.ts";
import { explore, nameOf, reach, tell } from "./paths.ts";
import { replayAll } from "./replay.ts";

const input = { drainGraceMs: 25_000 };

/** A started service whose parts end when the test says so; `log` has what they were told. */
function begin() {
  const clock = new SimulatedClock();
  const log: string[] = [];
  const open = Promise.withResolvers<void>();
  const recover = Promise.withResolvers<void>();
  const part = (name: string, { promise }: PromiseWithResolvers<void>) =>
    fromPromise<void>(({ signal }) => {
      signal.addEventListener("abort", () => log.push(`${name} aborted`));
      return promise;
    });
  const machine = serviceMachine.provide({
    actors: {
      open: part("open", open),
      recover: part("recover", recover),
      drain: fromCallback<HurryEvent>(({ receive }) => {
        log.push("drain started");
        receive(({ type }) => log.push(type));
        return () => log.push("drain ended");
      }),
    },
  });
  const actor = createActor(machine, { input, clock }).start();
  return {
    clock,
    log,
    open,
    recover,
    send: (event: ServiceEvent) => actor.send(event),
    state: () => nameOf(actor.getSnapshot().value),
    isReady: () => actor.getSnapshot().hasTag("ready"),
    comesTo: (name: "recovering" | "serving" | "draining" | "stopped" | "failed") =>
      waitFor(actor, (snapshot) => snapshot.matches(name), { timeout: 2_000 }),
  };
}

/** A service in each state from which it can be told to drain. */
const live = {
  starting: () => Promise.resolve(begin()),
  recovering: async () => {
    const service = begin();
    service.open.resolve();
    await service.comesTo("recovering");
    return service;
  },
  serving: async () => {
    const service = await live.recovering();
    service.recover.resolve();
    await service.comesTo("serving");
    return service;
  },
};

test("the service is ready once its journal is read, before the rest is recovered, until it drains", async () => {
  assert.equal((await live.starting()).isReady(), false);
  assert.equal((await live.recovering()).isReady(), true);
  const service = await live.serving();
  assert.equal(service.isReady(), true);
  service.send({ type: "service.drain" });
  assert.equal(service.isReady(), false);
});

test("a journal that cannot be opened fails the service; what cannot be recovered does not", async () => {
  const service = begin();
  service.open.reject(new Error("taken"));
  const { context } = await service.comesTo("failed");
  assert.equal(context.failure, "taken");

  const recovering = await live.recovering();
  recovering.recover.reject(new Error("unreadable"));
  await recovering.comesTo("serving");
});

for (const [name, arrive] of Object.entries(live)) {
  test(`a drain while ${name} ends when nothing is left to wait for`, async () => {
    const service = await arrive();
    assert.equal(service.state(), name);
    service.send({ type: "service.drain" });
    assert.equal(service.state(), "draining");
    service.clock.increment(input.drainGraceMs - 1);
    assert.equal(service.state(), "draining");
    service.send({ type: "drain.done" });
    assert.equal(service.state(), "stopped");
    const aborted = { starting: "open aborted", recovering: "recover aborted" }[name];
    assert.deepEqual(service.log, [
      ...(aborted === undefined ? [] : [aborted]),
      "drain started",
      "drain ended",
    ]);
  });
}

test("a second drain hurries the first and starts no other", async () => {
  const service = await live.serving();
  service.send({ type: "service.drain" });
  service.send({ type: "service.drain" });
  assert.equal(service.state(), "draining");
  assert.deepEqual(service.log, ["drain started", "drain.hurry"]);
});

test("the grace ends a drain that does not, counted from the first request", async () => {
  const service = await live.serving();
  service.send({ type: "service.drain" });
  service.clock.increment(20_000);
  service.send({ type: "service.drain" });
  service.clock.increment(4_999);
  assert.equal(service.state(), "draining");
  service.clock.increment(1);
  assert.equal(service.state(), "stopped");
});

test("a drain that fails ends the service", () => {
  const machine = serviceMachine.provide({
    actors: { open: fromPromise(() => Promise.resolve()) },
  });
  const actor = createActor(machine, { input, clock: new SimulatedClock() }).start();
  actor.send({ type: "service.drain" });
  assert.equal(actor.getSnapshot().value, "stopped");
});

const events: ServiceEvent[] = [{ type: "service.drain" }, { type: "drain.done" }];
const places = explore(serviceMachine, input, events);

test("the service follows a shortest path to every state and every event accepted there", async () => {
  assert.equal(places.length, 6);
  await replayAll(places, {
    machine: serviceMachine,
    input,
    children: { open: "promise", recover: "promise", drain: "callback" },
    senders: { "drain.": "drain" },
  });
});

test("in every state that is not final a drain is accepted, and leads only to stopped", () => {
  for (const { name, state, path, edges } of places) {
    assert.equal(state.status === "done", name === "stopped" || name === "failed", tell(path));
    assert.equal(state.context.failure !== "", name === "failed", tell(path));
    if (state.status === "done") continue;
    const drain = edges.find(({ event }) => event.type === "service.drain");
    assert.ok(drain && state.can(drain.event), tell(path));
    assert.deepEqual([...reach([drain.to])].map((place) => place.name), ["draining", "stopped"]);
  }
});
