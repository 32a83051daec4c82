/** Ending a process group: who is signalled with what, and when. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createActor, setup, SimulatedClock } from "xstate";
import {
  type SignalEvent,
  type StopEvent,
  type StopInput,
  stopMachine,
} from "../../machines/stop.ts";
import { advance } from "./clock.ts";
import { explore, reach, tell } from "./paths.ts";
import { replayAll } from "./replay.ts";

const graceMs = 10_000;

/** Runs the machine under a parent that writes down each signal as `<seconds> <signal> <target>`. */
function begin({ leaderDead = false }: Partial<StopInput> = {}) {
  const clock = new SimulatedClock();
  const signals: string[] = [];
  const parent = setup({
    types: { events: {} as SignalEvent },
    actors: { stop: stopMachine },
    actions: {
      note: (_, { signal, target }: SignalEvent) => {
        signals.push(`${clock.now() / 1_000} ${signal} ${target}`);
      },
    },
  }).createMachine({
    invoke: { src: "stop", id: "stop", input: { graceMs, leaderDead } },
    on: { "process.signal": { actions: { type: "note", params: ({ event }) => event } } },
  });
  const actor = createActor(parent, { clock }).start();
  const stop = actor.getSnapshot().children.stop!;
  return { clock, signals, send: (type: StopEvent["type"]) => stop.send({ type }) };
}

test("the leader is asked, after a grace told, after another the whole group is killed, again each grace", () => {
  const { clock, signals } = begin();
  assert.deepEqual(signals, ["0 SIGINT leader"]);
  advance(clock, 4 * graceMs);
  assert.deepEqual(signals, [
    "0 SIGINT leader",
    "10 SIGTERM leader",
    "20 SIGKILL group",
    "30 SIGKILL group",
    "40 SIGKILL group",
  ]);
});

test("no second signal follows within a grace", () => {
  const { clock, signals } = begin();
  for (const count of [1, 2, 3, 4]) {
    advance(clock, graceMs - 1);
    assert.equal(signals.length, count);
    advance(clock, 1);
    assert.equal(signals.length, count + 1);
  }
});

test("what a leader leaves behind is killed at once, whether it was asked or told", () => {
  const asked = begin();
  advance(asked.clock, 3_000);
  asked.send("leader.exited");
  assert.deepEqual(asked.signals, ["0 SIGINT leader", "3 SIGKILL group"]);

  const told = begin();
  advance(told.clock, 12_000);
  told.send("leader.exited");
  assert.deepEqual(told.signals, ["0 SIGINT leader", "10 SIGTERM leader", "12 SIGKILL group"]);
  advance(told.clock, graceMs);
  assert.equal(told.signals.at(-1), "22 SIGKILL group");
});

test("a leader dead from the start is not asked: its group is killed, again each grace", () => {
  const { clock, signals } = begin({ leaderDead: true });
  advance(clock, 2 * graceMs);
  assert.deepEqual(signals, ["0 SIGKILL group", "10 SIGKILL group", "20 SIGKILL group"]);
});

test("hurry kills the group at once, and once", () => {
  const { clock, signals, send } = begin();
  advance(clock, 2_000);
  send("stop.hurry");
  send("stop.hurry");
  send("leader.exited");
  assert.deepEqual(signals, ["0 SIGINT leader", "2 SIGKILL group"]);
  advance(clock, graceMs);
  assert.equal(signals.at(-1), "12 SIGKILL group");
});

/** Alone it has no parent to signal to. */
const machine = stopMachine.provide({ actions: { signal: () => {} } });
const events: StopEvent[] = [
  { type: "leader.exited" },
  { type: "stop.hurry" },
];

for (const leaderDead of [false, true]) {
  const input = { graceMs, leaderDead };
  const places = explore(machine, input, events);

  test(`it follows a shortest path to every state and event (leader ${leaderDead ? "dead" : "alive"})`, async () => {
    await replayAll(places, { machine, input });
  });

  test(`it never goes back to a milder signal, and always comes to kill (leader ${leaderDead ? "dead" : "alive"})`, () => {
    const order = ["asking", "insisting", "killing"];
    for (const { from, to } of places.flatMap(({ edges }) => edges)) {
      assert.ok(order.indexOf(from.name) <= order.indexOf(to.name), tell(to.path));
      assert.ok(!from.state.context.leaderDead || to.state.context.leaderDead, tell(to.path));
    }
    for (const place of places) {
      assert.ok([...reach([place])].some(({ name }) => name === "killing"), tell(place.path));
      assert.ok(!place.state.context.leaderDead || place.name === "killing", tell(place.path));
    }
  });
}
