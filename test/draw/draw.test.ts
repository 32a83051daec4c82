/** The pictures of the machines: they show all that is in the definitions, and those that are committed are these. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { test } from "node:test";
import { and, type AnyStateMachine, createMachine, fromPromise, not } from "xstate";
import { drawAll, drawMachine, MACHINES } from "../../src/draw/draw.ts";
import { eventName } from "../../src/gathers/step.ts";

type Node = AnyStateMachine["root"];

const unescaped = (text: string) =>
  text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));

/** The groups of a picture by what they stand for: `state <path>` or `label <from> <to>`. */
function groupsOf(svg: string): Map<string, string> {
  const groups = new Map<string, string>();
  const pattern =
    /<g class="(state|label)[^"]*" data-(?:state|from)="([^"]*)"(?: data-to="([^"]*)")?>(.*?)<\/g>/g;
  for (const [, kind, path, to, content = ""] of svg.matchAll(pattern)) {
    const key = [kind, path, to].filter((each) => each !== undefined).join(" ");
    assert.ok(!groups.has(key), `${key} is drawn twice`);
    groups.set(key, content);
  }
  return groups;
}

function statesOf(node: Node): Node[] {
  return [node, ...Object.values(node.states).flatMap(statesOf)];
}

const nameOf = (reference: unknown) =>
  typeof reference === "string" ? reference : (reference as { type: string }).type;

/** The texts in a part of a picture. */
const textsOf = (content: string) =>
  [...content.matchAll(/<text[^>]*>([^<]*)/g)].map(([, text = ""]) => unescaped(text));

/** What XState knows of a machine and a picture of it does not show. */
function missingIn(svg: string, machine: AnyStateMachine): string[] {
  const groups = groupsOf(svg);
  const missing: string[] = [];
  for (const node of statesOf(machine.root)) {
    const path = node.path.join(".");
    const box = groups.get(`state ${path}`);
    if (box === undefined) {
      missing.push(`state ${path}`);
      continue;
    }
    const rows = textsOf(box);
    const need = (text: string) =>
      rows.some((row) => row.includes(text)) || missing.push(`${path}: ${text}`);
    need(node.key);
    for (const tag of node.tags) need(tag);
    for (const { src } of node.invoke) need(`invoke ${nameOf(src)}`);
    for (const when of ["entry", "exit"] as const) {
      for (const action of node[when]) {
        // A timer is set and cleared by actions of XState's own, which are functions.
        if (typeof action !== "function") need(`${when} / ${nameOf(action)}`);
      }
    }
    const transitions = [...node.transitions.values(), node.always ?? []].flat();
    for (const { eventType, guard, target, actions } of transitions) {
      const event = eventType === "" ? "always" : eventName(eventType);
      const words = event + (guard ? ` [${nameOf(guard)}]` : "");
      const [to] = target ?? [];
      const isElsewhere = to !== undefined && to !== node;
      const part = isElsewhere ? groups.get(`label ${path} ${to.path.join(".")}`) : box;
      const wordsOf = (text: string) =>
        textsOf(text).join().replace(/^↻ /, "").replace(/ \/ .*$/, "").replace(/ \[else\]$/, "");
      const line = part?.match(/<text[^>]*>.*?<\/text>/g)?.find((text) => wordsOf(text) === words);
      if (line === undefined) missing.push(`${path}: ${words}`);
      for (const action of actions) {
        if (!line?.includes(nameOf(action))) missing.push(`${path}: ${words} / ${nameOf(action)}`);
      }
    }
  }
  return missing;
}

for (const { file, svg } of await drawAll()) {
  const name = basename(file.pathname);

  test(`machines/${name} is the picture of the machine as it is`, async () => {
    const committed = await readFile(file, "utf8").catch(() => "");
    assert.ok(committed === svg, `machines/${name} is out of date: npm run draw`);
  });
}

for (const machine of MACHINES) {
  test(`the picture of ${machine.id} shows every state, transition, guard, delay, actor, action and tag`, async () => {
    assert.deepEqual(missingIn(await drawMachine(machine), machine), []);
  });
}

/** A small machine, changed. */
const machineWith = (changes: object, inside: object = {}) =>
  createMachine(
    {
      id: "m",
      initial: "a",
      states: { a: { on: { go: "b" }, ...inside }, b: { type: "final" } },
      ...changes,
    } as Parameters<typeof createMachine>[0],
  ) as AnyStateMachine;

test("whatever is added to a machine is in its picture, and missed where it is not", async () => {
  const plain = await drawMachine(machineWith({}));
  const changes = [
    { on: { go: { target: "b", guard: "g" } } },
    { on: { go: [{ target: "b", guard: "g" }, { target: "b" }, "a"] } },
    { on: { go: "b", stay: { actions: { type: "note", params: { why: "x<y" } } } } },
    { on: { go: { target: "b", actions: "note" } } },
    { after: { soon: "b" } },
    { after: { 500: "b" } },
    { always: { guard: "g", target: "b" } },
    { invoke: { src: "work", id: "work", onDone: "b", onError: "b" } },
    { entry: "greet" },
    { exit: { type: "part" } },
    { tags: ["busy"] },
    { initial: "c", states: { c: { on: { up: "#m.b" } } } },
  ];
  for (const change of changes) {
    const machine = machineWith({}, change);
    assert.deepEqual(missingIn(await drawMachine(machine), machine), []);
    assert.notDeepEqual(missingIn(plain, machine), [], JSON.stringify(change));
  }
});

test("a machine with something that a picture has no sign for is refused, not drawn wrong", async () => {
  const refused: [AnyStateMachine, RegExp][] = [
    [machineWith({ type: "parallel", initial: undefined }), /type parallel/],
    [machineWith({}, { initial: "c", states: { c: {}, h: { type: "history" } } }), /type history/],
    [machineWith({}, { initial: "c", states: { c: { type: "final" } }, onDone: "b" }), /onDone/],
    [machineWith({}, { on: { "*": "b" } }), /event \*/],
    [machineWith({}, { on: { "go.*": "b" } }), /event go\.\*/],
    [machineWith({}, { on: { go: { target: "b", guard: () => true } } }), /guard: has no name/],
    [machineWith({}, { on: { go: { target: "b", guard: and(["g", "h"]) } } }), /guard/],
    [machineWith({}, { on: { go: { target: "b", guard: not("g") } } }), /guard/],
    [machineWith({}, { on: { go: { target: "b", actions: () => {} } } }), /action: has no name/],
    [machineWith({}, { on: { go: { target: "b", meta: {} } } }), /"meta"/],
    [machineWith({}, { entry: () => {} }), /action: has no name/],
    [machineWith({}, { description: "words" }), /"description"/],
    [machineWith({}, { invoke: { src: fromPromise(async () => {}) } }), /invoke: has no name/],
    [machineWith({}, { invoke: { src: "work", onSnapshot: "b" } }), /"onSnapshot"/],
    [
      machineWith({}, { initial: { target: "c", actions: "note" }, states: { c: {} } }),
      /initial transition/,
    ],
  ];
  for (const [machine, why] of refused) {
    await assert.rejects(drawMachine(machine), (error: Error) => {
      assert.ok(error instanceof TypeError);
      assert.match(error.message, why);
      return true;
    });
  }
});
