/** The machines as data: a diagram drawn from their configuration must show all that there is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { AnyStateMachine } from "xstate";
import { gatherMachine } from "../../machines/gather.ts";
import { serviceMachine } from "../../machines/service.ts";
import { stopMachine } from "../../machines/stop.ts";

const machines: AnyStateMachine[] = [gatherMachine, stopMachine, serviceMachine];

/** Where a function may stand: it hands data to what is named, and decides nothing. */
const dataKeys = ["context", "input", "output", "params"];

/** Every function below `value` that stands elsewhere, as its path. */
function inlineFunctions(value: unknown, path: string): string[] {
  if (typeof value === "function") return [path];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    dataKeys.includes(key) ? [] : inlineFunctions(inner, `${path}.${key}`)
  );
}

/** The state nodes of a machine, the root first. */
function nodes(node: AnyStateMachine["root"]): AnyStateMachine["root"][] {
  return [node, ...Object.values(node.states).flatMap(nodes)];
}

/** What the configuration names of each kind. */
function namesIn(machine: AnyStateMachine) {
  const names = {
    actions: new Set<string>(),
    guards: new Set<string>(),
    actors: new Set<string>(),
    delays: new Set<string>(),
  };
  const nameOf = (reference: unknown) =>
    typeof reference === "string" ? reference : (reference as { type: string }).type;
  for (const node of nodes(machine.root)) {
    const transitions = [...node.transitions.values(), node.always ?? []].flat();
    for (const { guard } of transitions) if (guard) names.guards.add(nameOf(guard));
    // A timer is set and cleared by actions of XState's own, which are functions.
    const actions = [...node.entry, ...node.exit, ...transitions.flatMap((each) => each.actions)];
    for (const action of actions) {
      if (typeof action !== "function") names.actions.add(nameOf(action));
    }
    for (const { src } of node.invoke) names.actors.add(nameOf(src));
    for (const { delay } of node.after) names.delays.add(String(delay));
  }
  return names;
}

for (const machine of machines) {
  test(`the configuration of ${machine.id} holds names, no functions`, () => {
    assert.deepEqual(inlineFunctions(machine.config, machine.id), []);
  });

  test(`${machine.id} has an implementation for every name, and a use for every implementation`, () => {
    const { actions, actors, delays, guards } = machine.implementations;
    const implementations = { actions, actors, delays, guards };
    const named = namesIn(machine);
    for (const kind of ["actions", "actors", "delays", "guards"] as const) {
      const implemented = Object.keys(implementations[kind]);
      assert.deepEqual([...named[kind]].sort(), implemented.sort(), kind);
    }
  });
}

test("every actor may fail without ending the process", () => {
  const actors = machines.flatMap(({ root }) =>
    nodes(root).flatMap(({ invoke, transitions }) =>
      invoke.map(({ id }) => ({ id, answered: transitions.has(`xstate.error.actor.${id}`) }))
    )
  );
  assert.equal(actors.length, 8);
  assert.deepEqual(actors.filter(({ answered }) => !answered), []);
});

test("the guard against functions sees one wherever it stands", () => {
  const inline = () => {};
  const config = {
    entry: inline,
    on: { go: [{ guard: inline, actions: ["named", inline] }] },
    states: { a: { invoke: { src: inline, input: inline }, after: { 5: { actions: inline } } } },
  };
  assert.deepEqual(inlineFunctions(config, "m"), [
    "m.entry",
    "m.on.go.0.guard",
    "m.on.go.0.actions.1",
    "m.states.a.invoke.src",
    "m.states.a.after.5.actions",
  ]);
});
