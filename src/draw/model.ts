/**
 * What is to be drawn of a machine, read from its own definition. What a drawing cannot show is refused, so that no picture
 * says less than its machine.
 */
import type { AnyStateMachine } from "xstate";

type Node = AnyStateMachine["root"];
type Definition = Node["transitions"] extends Map<string, (infer T)[]> ? T : never;

/** One transition. */
export interface Line {
  /** As the journal writes it: `gather.cancel`, `after deadline`, `reap done`, `reap failed`; or `always`. */
  event: string;
  /** The guard's name; `""` where there is none. */
  guard: string;
  /** Others of the same event are tried before it. */
  otherwise: boolean;
  actions: string[];
  /** Leaves its state and enters it again. */
  reenters: boolean;
}

/** All transitions from one state to another. */
export interface Arrow {
  from: string;
  to: string;
  lines: Line[];
}

/** One state, with those inside it. */
export interface State {
  /** Dotted; `""` for the machine itself. */
  path: string;
  name: string;
  kind: "atomic" | "compound" | "final";
  tags: string[];
  invokes: string[];
  entry: string[];
  exit: string[];
  /** Transitions that lead to no other state. */
  inside: Line[];
  /** The path of the state that is entered first. */
  initial: string | undefined;
  states: State[];
}

/** A machine. */
export interface Model {
  id: string;
  root: State;
  arrows: Arrow[];
}

/** What the parts of a definition may hold; the context and what is handed to actors is data and not drawn. */
const KEYS = {
  // deno-fmt-ignore
  state: ["id", "type", "initial", "states", "on", "after", "always", "invoke", "entry", "exit", "tags", "context", "output"],
  transition: ["target", "guard", "actions", "reenter"],
  invoke: ["src", "id", "input", "onDone", "onError"],
  reference: ["type", "params"],
} as const;

/** Reads a machine. Throws a TypeError that names the first thing that a drawing has no sign for. */
export function readModel(machine: AnyStateMachine): Model {
  const arrows = new Map<string, Arrow>();
  const root = readState(machine.root, arrows);
  return { id: machine.id, root, arrows: [...arrows.values()] };
}

function readState(node: Node, arrows: Map<string, Arrow>): State {
  const { kind } = checkState(node);
  const path = pathOf(node);
  const inside: Line[] = [];
  for (const [event, definitions] of eventsOf(node)) {
    definitions.forEach((definition, index) => {
      const line: Line = {
        event,
        guard: definition.guard === undefined ? "" : nameOf(definition.guard, `${node.id}: guard`),
        otherwise: index > 0,
        actions: definition.actions.map((action) => tellAction(action, node.id)),
        reenters: definition.reenter,
      };
      const [target, ...more] = definition.target ?? [];
      if (more.length > 0) refuse(node.id, `${event} has several targets`);
      if (target === undefined || target === node) return inside.push(line);
      const to = pathOf(target);
      const key = `${path} ${to}`;
      const arrow = arrows.get(key) ?? { from: path, to, lines: [] };
      arrows.set(key, arrow);
      return arrow.lines.push(line);
    });
  }
  return {
    path,
    name: node.key,
    kind,
    tags: [...node.tags],
    invokes: node.invoke.map(({ src }) => nameOf(src, `${node.id}: invoke`)),
    entry: actionsOf(node.config.entry, node.id),
    exit: actionsOf(node.config.exit, node.id),
    inside,
    initial: kind === "compound" ? initialOf(node) : undefined,
    states: Object.values(node.states).map((state) => readState(state, arrows)),
  };
}

/** Each event that a state answers, under the name that the journal has for it. */
function eventsOf(node: Node): [string, Definition[]][] {
  const names = new Map<string, string>();
  for (const { eventType, delay } of node.after) names.set(eventType, `after ${delay}`);
  for (const { id } of node.invoke) {
    names.set(`xstate.done.actor.${id}`, `${id} done`);
    names.set(`xstate.error.actor.${id}`, `${id} failed`);
  }
  const events = [...node.transitions].map(([type, definitions]): [string, Definition[]] => {
    const name = names.get(type) ?? type;
    if (/[*]|^xstate\./.test(name)) refuse(node.id, `there is no sign for the event ${name}`);
    return [name, definitions];
  });
  if (node.always) events.push(["always", node.always]);
  return events;
}

/** Refuses what is not known before XState has put it into its own form, which hides some of it. */
function checkState(node: Node): { kind: State["kind"] } {
  const { config, type, id } = node;
  checkKeys(config, KEYS.state, id);
  if (type !== "atomic" && type !== "compound" && type !== "final") {
    return refuse(id, `there is no sign for the type ${type}`);
  }
  const transitions: unknown[] = [
    ...Object.values(config.on ?? {}),
    ...Object.values(config.after ?? {}),
    config.always,
  ];
  for (const invoke of listOf(config.invoke)) {
    checkKeys(invoke as object, KEYS.invoke, `${id}: invoke`);
    const { src, onDone, onError } = invoke as Record<"src" | "onDone" | "onError", unknown>;
    nameOf(src, `${id}: invoke`); // XState gives one that has no name a name of its own
    transitions.push(onDone, onError);
  }
  for (const transition of transitions.flatMap(listOf)) {
    if (typeof transition !== "string") {
      checkKeys(transition as object, KEYS.transition, `${id}: transition`);
    }
  }
  return { kind: type };
}

function initialOf(node: Node): string {
  const [target, ...more] = node.initial.target;
  if (target === undefined || more.length > 0 || node.initial.actions.length > 0) {
    return refuse(node.id, "its initial transition is more than one target");
  }
  return pathOf(target);
}

function actionsOf(config: unknown, where: string): string[] {
  return listOf(config).map((action) => tellAction(action, where));
}

/** An action's name, with the parameters that are the same each time: `signal SIGINT leader`. */
function tellAction(action: unknown, where: string): string {
  const name = nameOf(action, `${where}: action`);
  const { params } = action as { params?: unknown };
  if (typeof params !== "object" || params === null) return name;
  return [name, ...Object.values(params).filter((each) => each !== null)].join(" ");
}

/** The name of an action, a guard or an actor. One that has none is a function in the definition. */
function nameOf(reference: unknown, where: string): string {
  if (typeof reference === "string") return reference;
  const { type } = (reference ?? {}) as { type?: unknown };
  if (typeof reference !== "object" || typeof type !== "string") {
    return refuse(where, "has no name");
  }
  checkKeys(reference as object, KEYS.reference, where);
  return type;
}

function checkKeys(part: object, known: readonly string[], where: string): void {
  const unknown = Object.entries(part).find(([key, value]) =>
    value !== undefined && !known.includes(key)
  );
  if (unknown) refuse(where, `there is no sign for "${unknown[0]}"`);
}

function listOf(value: unknown): unknown[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

function pathOf(node: Node): string {
  return node.path.join(".");
}

function refuse(where: string, what: string): never {
  throw new TypeError(`Cannot draw ${where}: ${what}`);
}
