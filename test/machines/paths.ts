/**
 * All that a machine can do, as shortest paths over it.
 *
 * The search calls the machine's transition function only: no actor runs, no time passes. That a running machine does the
 * same is what `replay.ts` shows.
 */
import assert from "node:assert/strict";
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from "xstate";
import {
  adjacencyMapToArray,
  getAdjacencyMap,
  getShortestPaths,
  serializeSnapshot,
} from "xstate/graph";

/** What a child actor that fails fails with. */
export const failure = new Error("told to fail");

/** An event and the state it led to; the first of a path is the start of the machine. */
export interface Step {
  event: AnyEventObject;
  state: AnyMachineSnapshot;
}

/** One event accepted in one state. */
export interface Edge {
  event: AnyEventObject;
  from: Place;
  to: Place;
}

/** One state of the machine, which is its value and its context together, and what leads on from it. */
export interface Place {
  /** The state's value, dotted: `inprogress.gathering.starting`. */
  name: string;
  state: AnyMachineSnapshot;
  /** A shortest way here. */
  path: Step[];
  edges: Edge[];
}

/** The dotted name of a state's value; throws on parallel states, which these machines do not have. */
export function nameOf(value: unknown): string {
  if (typeof value === "string") return value;
  const entries = Object.entries(value as Record<string, unknown>);
  const [entry] = entries;
  assert.ok(entry && entries.length === 1, "parallel states have no single name");
  return `${entry[0]}.${nameOf(entry[1])}`;
}

/** The events of a path in one line, for messages. */
export function tell(path: Step[]): string {
  return path.map(({ event }) => JSON.stringify(event)).join(" → ");
}

/** The events the machine gives itself (timers, ends and failures of its actors), each with the state that waits for it. */
export function internalEvents(machine: AnyStateMachine): Map<string, string> {
  const owners = new Map<string, string>();
  const visit = (node: AnyStateMachine["root"]) => {
    for (const { eventType } of node.after) owners.set(eventType, node.id);
    for (const { id } of node.invoke) {
      owners.set(`xstate.done.actor.${id}`, node.id);
      owners.set(`xstate.error.actor.${id}`, node.id);
    }
    for (const child of Object.values(node.states)) visit(child);
  };
  visit(machine.root);
  return owners;
}

/**
 * Every state that `events` and the machine's own events can lead to, the start first.
 * An event counts as accepted where a transition answers it, also one that changes nothing.
 */
export function explore(
  machine: AnyStateMachine,
  input: unknown,
  events: readonly AnyEventObject[],
): Place[] {
  const own = [...internalEvents(machine).keys()].map((type) => ({ type, error: failure }));
  const options = {
    input,
    limit: 20_000,
    events: (state: AnyMachineSnapshot) =>
      // In a final state the transition function still answers; a running machine has ended.
      state.status !== "active"
        ? []
        : [...events, ...own].filter((event) => machine.getTransitionData(state, event).length > 0),
  };
  const places = new Map<string, Place>();
  for (const { state, steps } of getShortestPaths(machine, options)) {
    const name = nameOf(state.value);
    places.set(serializeSnapshot(state), { name, state, path: steps, edges: [] });
  }
  const place = (state: AnyMachineSnapshot) => places.get(serializeSnapshot(state))!;
  for (const edge of adjacencyMapToArray(getAdjacencyMap(machine, options))) {
    const from = place(edge.state);
    from.edges.push({ event: edge.event, from, to: place(edge.nextState) });
  }
  return [...places.values()];
}

/** Every place reachable from those given, themselves included, not going through any that `barred` names. */
export function reach(
  starts: readonly Place[],
  barred: (place: Place) => boolean = () => false,
): Set<Place> {
  const reached = new Set(starts);
  for (const place of reached) {
    for (const { to } of place.edges) if (!barred(to)) reached.add(to);
  }
  return reached;
}
