/** What holds for a gather whatever happens in whatever order: every path of its machine, replayed and judged. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type GatherEvent, type GatherInput, gatherMachine } from "../../machines/gather.ts";
import { type Edge, explore, type Place, reach, tell } from "./paths.ts";
import { replayAll } from "./replay.ts";

const input: GatherInput = {
  id: 7,
  timeoutMs: 1_200_000,
  timeoutGraceMs: 300_000,
  stopGraceMs: 10_000,
};

/** Every event, with every payload that a guard tells apart. */
const events: GatherEvent[] = [
  { type: "gather.start" },
  { type: "gather.recover", reason: "" },
  { type: "gather.recover", reason: "timeout" },
  { type: "gather.abandon" },
  { type: "gather.cancel", keep: false },
  { type: "gather.cancel", keep: true },
  { type: "gather.interrupt", graceMs: 5_000, salvage: false },
  { type: "gather.interrupt", graceMs: 5_000, salvage: true },
  { type: "gather.hurry" },
  { type: "disk.full" },
  { type: "oc.collecting" },
  { type: "oc.copying" },
  { type: "oc.copied" },
  { type: "process.exited", code: 0, orphans: false },
  { type: "process.exited", code: 0, orphans: true },
  { type: "process.exited", code: 1, orphans: false },
  { type: "process.exited", code: 1, orphans: true },
  { type: "process.exited", code: null, orphans: false },
  { type: "process.exited", code: null, orphans: true },
  { type: "process.gone" },
  { type: "process.signal", signal: "SIGINT", target: "leader" },
  { type: "pack.done", found: "data" },
  { type: "pack.done", found: "fallback" },
  { type: "pack.done", found: "nothing" },
  { type: "pack.failed", diskFull: true },
  { type: "pack.failed", diskFull: false },
];

const places = explore(gatherMachine, input, events);
const edges = places.flatMap((place) => place.edges);
const live = places.filter(({ state }) => state.status === "active");
const final = places.filter(({ state }) => state.status === "done");
const isFinal = ({ state }: Place) => state.status === "done";
const at = (...names: string[]) =>
  places.filter((place) => names.some((name) => place.name.startsWith(name)));
const told = ({ from, event }: Edge) => tell([...from.path, { event, state: from.state }]);

test("the list of events misses none that the machine knows", () => {
  const listed = new Set<string>(events.map(({ type }) => type));
  const missing = gatherMachine.events.filter((type) =>
    !listed.has(type) && !type.startsWith("xstate.")
  );
  assert.deepEqual(missing, []);
  const accepted = new Set(edges.map(({ event }) => event.type));
  assert.deepEqual(gatherMachine.events.filter((type) => !accepted.has(type)), []);
});

test("a running gather follows a shortest path to every state and every event accepted there", async () => {
  await replayAll(places, {
    machine: gatherMachine,
    input,
    children: {
      process: "callback",
      stop: "callback",
      salvage: "promise",
      reap: "promise",
      pack: "callback",
    },
    senders: {
      "oc.": "process",
      "process.exited": "process",
      "process.gone": "process",
      "pack.": "pack",
    },
  });
});

test("a gather ends as completed or error, once, and until then is live", () => {
  assert.deepEqual([...new Set(final.map(({ name }) => name))].sort(), ["completed", "error"]);
  assert.equal(live.length + final.length, places.length);
  for (const { state, path } of live) assert.ok(state.hasTag("live"), tell(path));
  for (const { state, path } of final) assert.equal(state.tags.size, 0, tell(path));
});

test("from every live state the end can be reached", () => {
  for (const place of live) assert.ok([...reach([place])].some(isFinal), tell(place.path));
});

test("no gather ends while its process or an orphan of it lives", () => {
  for (const { state, path } of [...final, ...at("inprogress.reaping", "inprogress.packing")]) {
    assert.equal(state.context.process, "gone", tell(path));
  }
});

test("a process is taken for gone only when it said so or could not be started", () => {
  const proofs = ["process.exited", "process.gone", "xstate.error.actor.process"];
  const ends = edges.filter(({ from, to }) =>
    from.state.context.process !== "gone" && to.state.context.process === "gone"
  );
  assert.ok(ends.length > 0);
  for (const edge of ends) {
    assert.ok(proofs.includes(edge.event.type), told(edge));
    assert.ok(!edge.event["orphans"], told(edge));
  }
});

test("whatever ran is reaped before it ends, also what runs no more", () => {
  const ran = at("inprogress.gathering", "inprogress.copying", "inprogress.stopping");
  const unreaped = reach(ran, ({ name }) => name === "inprogress.reaping");
  assert.ok(ran.length > 0);
  assert.deepEqual([...unreaped].filter(isFinal).map(({ path }) => tell(path)), []);
  assert.deepEqual(
    [...unreaped].filter(({ name }) => name === "inprogress.packing").map(({ path }) => tell(path)),
    [],
  );
});

test("every error has a reason, and nothing that is completed has one", () => {
  for (const { name, state, path } of final) {
    assert.equal(state.context.reason !== "", name === "error", tell(path));
    assert.deepEqual(state.output, { reason: state.context.reason }, tell(path));
  }
});

test("a reason, once given, stays", () => {
  for (const edge of edges.filter(({ from }) => from.state.context.reason !== "")) {
    assert.equal(edge.to.state.context.reason, edge.from.state.context.reason, told(edge));
  }
});

test("cancel is accepted in every live state, and with keep in all but the one that keeps already", () => {
  const refusing = (keep: boolean) =>
    live.filter(({ state }) => !state.can({ type: "gather.cancel", keep })).map(({ name }) => name);
  assert.deepEqual(refusing(false), []);
  assert.deepEqual([...new Set(refusing(true))], ["inprogress.salvaging"]);
});

test("after cancel, deadline, full disk, interruption or recovery no gather is completed", () => {
  const isStop = ({ from, event }: Edge) =>
    ["gather.cancel", "gather.interrupt", "gather.recover", "disk.full"].includes(event.type) ||
    /^xstate\.after\.(deadline|overallDeadline|stall|copyLimit|packLimit)\./.test(event.type) ||
    (event.type === "gather.hurry" && from.name === "inprogress.packing");
  const stops = edges.filter(isStop);
  assert.equal(new Set(stops.map(({ event }) => event.type)).size, 10);
  for (const edge of stops) {
    const ends = [...reach([edge.to])].filter(isFinal);
    assert.ok(ends.length > 0, told(edge));
    assert.ok(ends.every(({ name }) => name === "error"), told(edge));
  }
});

test("only an oc that ended with 0 and brought data is completed", () => {
  const completions = edges.filter(({ from, to }) => !isFinal(from) && to.name === "completed");
  assert.ok(completions.length > 0);
  for (const edge of completions) {
    assert.deepEqual(edge.event, { type: "pack.done", found: "data" });
    assert.equal(edge.from.state.context.exitCode, 0, told(edge));
  }
});
