/** Replaying the paths over a machine on a running actor, with a fake clock and stand-ins for its child actors. */
import assert from "node:assert/strict";
import {
  type AnyEventObject,
  type AnyStateMachine,
  createActor,
  fromCallback,
  fromPromise,
  SimulatedClock,
} from "xstate";
import { serializeSnapshot } from "xstate/graph";
import { type Edge, failure, internalEvents, type Place, type Step, tell } from "./paths.ts";

/**
 * Whether a timer, or an actor's end, would have to come twice without having been started again: the search has no memory
 * and offers it, a running machine cannot.
 */
function isSpent(owners: Map<string, string>, { event, from }: Edge): boolean {
  const owner = owners.get(event.type);
  if (owner === undefined) return false;
  const isWaiting = (step: Step) => step.state._nodes.some(({ id }) => id === owner);
  const last = from.path.findLastIndex((step) => step.event.type === event.type);
  return last !== -1 && from.path.slice(last).every(isWaiting);
}

/** What a replay needs to know of a machine. */
export interface ReplayOptions {
  machine: AnyStateMachine;
  input: unknown;
  /** Its child actors, replaced by ones that do what the path says and nothing else. */
  children?: Record<string, "promise" | "callback">;
  /** Events that come from a child actor: the start of their type, and the child. */
  senders?: Record<string, string>;
}

interface Child {
  send(event: AnyEventObject): void;
  finish(): void;
  fail(): void;
}

/** A delay that a path names, in fake milliseconds. */
const SHORT = 10;
/** A delay that a path does not name: longer than any replay. */
const NEVER = 2 ** 31 - 1;

/** Makes a function that replays a path on a new actor and fails where the actor's state is not the path's. */
function createReplay(options: ReplayOptions): (path: Step[]) => Promise<void> {
  const { machine, input, children = {}, senders = {} } = options;
  const running = new Map<string, Child>();
  let named = new Set<string>();

  const silent = () => assert.fail("a promise sends nothing and a callback does not finish");
  const standIns = {
    promise: (name: string) =>
      fromPromise(() =>
        new Promise<void>((resolve, reject) => {
          const fail = () => reject(failure);
          running.set(name, { send: silent, finish: resolve, fail });
        })
      ),
    callback: (name: string) =>
      fromCallback(({ sendBack, receive, self }) => {
        receive(({ type }) => {
          if (type === "test.fail") throw failure;
        });
        const fail = () => self.send({ type: "test.fail" });
        running.set(name, { send: sendBack, finish: silent, fail });
      }),
  };
  const delay = (name: string) => () => named.has(name) ? SHORT : NEVER;
  const driven = machine.provide({
    actors: Object.fromEntries(
      Object.entries(children).map(([name, kind]) => [name, standIns[kind](name)]),
    ),
    delays: Object.fromEntries(
      Object.keys(machine.implementations.delays).map((name) => [name, delay(name)]),
    ),
  });
  const child = (id: string) => running.get(id) ?? assert.fail(`the actor "${id}" does not run`);

  return async (path) => {
    running.clear();
    named = new Set(
      path.filter(({ event }) => event.type.startsWith("xstate.after."))
        .map(({ event }) => event.type.split(".")[2]!),
    );
    const clock = new SimulatedClock();
    const delivered: string[] = [];
    const actor = createActor(driven, {
      input,
      clock,
      inspect: (seen) => {
        if (seen.type === "@xstate.event" && seen.actorRef === actor) {
          delivered.push(seen.event.type);
        }
      },
    });
    const cause = (event: AnyEventObject) => {
      const [, kind, , id] = event.type.split(".");
      if (event.type === "xstate.init") return actor.start();
      if (event.type.startsWith("xstate.after.")) return clock.increment(SHORT);
      if (event.type.startsWith("xstate.")) {
        return kind === "done" ? child(id!).finish() : child(id!).fail();
      }
      const sender = Object.keys(senders).find((prefix) => event.type.startsWith(prefix));
      return sender === undefined ? actor.send(event) : child(senders[sender]!).send(event);
    };
    for (const [index, { event, state }] of path.entries()) {
      delivered.length = 0;
      cause(event);
      // A promise that settles tells its actor a few microtasks later.
      for (let turn = 0; turn < 10 && delivered.length === 0; turn++) await Promise.resolve();
      const now = actor.getSnapshot();
      if (delivered.join() !== event.type || serializeSnapshot(now) !== serializeSnapshot(state)) {
        assert.deepEqual(
          [delivered, now.status, now.value, now.context],
          [[event.type], state.status, state.value, state.context],
          `after ${tell(path.slice(0, index + 1))}`,
        );
      }
      assert.equal(now.status, state.status);
    }
    actor.stop();
  };
}

/**
 * Replays a shortest path to every pair of a state and an event it accepts, and thereby to every state. Fails unless
 * every state was reached, and every event was replayed in every state (value) that accepts it.
 */
export async function replayAll(places: Place[], options: ReplayOptions): Promise<void> {
  const owners = internalEvents(options.machine);
  const replay = createReplay(options);
  const reached = new Set<Place>([places[0]!]);
  const accepted = new Set<string>();
  const replayed = new Set<string>();
  for (const edge of places.flatMap(({ edges }) => edges)) {
    const pair = `${edge.from.name} ${JSON.stringify(edge.event)}`;
    accepted.add(pair);
    if (isSpent(owners, edge)) continue;
    await replay([...edge.from.path, { event: edge.event, state: edge.to.state }]);
    replayed.add(pair);
    reached.add(edge.to);
  }
  assert.deepEqual([...replayed].sort(), [...accepted].sort());
  assert.equal(reached.size, places.length);
}
