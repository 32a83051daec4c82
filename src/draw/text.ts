/** The words of a drawing, and the room that they take. */
import type { Arrow, Line, State } from "./model.ts";

/** Sizes in pixels. Monospaced fonts are 0.6 em wide or less; a title is wider than Arial would make it. */
export const TEXT = {
  title: { height: 20, width: 8 },
  row: { height: 16, width: 6.65 },
} as const;

/** A row of a state or of an arrow, with what kind of thing it tells. */
export interface Row {
  kind: "tags" | "invoke" | "entry" | "exit" | "event" | "delay" | "done" | "always";
  text: string;
  /** The transition that the row stands for. */
  line?: Line;
}

/** What stands in the box of a state, below its name. */
export function rowsOf(state: State): Row[] {
  const named = (kind: Row["kind"], word: string, names: string[]): Row[] =>
    names.map((name) => ({ kind, text: `${word} ${name}` }));
  return [
    ...(state.tags.length > 0
      ? [{ kind: "tags" as const, text: `tags ${state.tags.join(", ")}` }]
      : []),
    ...named("invoke", "invoke", state.invokes),
    ...named("entry", "entry /", state.entry),
    ...named("exit", "exit /", state.exit),
    ...state.inside.map((line) => ({
      ...tellLine(line),
      text: (line.reenters ? "↻ " : "") + tellLine(line).text + effectOf(line),
    })),
  ];
}

/** What stands on an arrow. */
export function labelOf(arrow: Arrow): Row[] {
  return arrow.lines.map(tellLine);
}

/** The room that rows need, in pixels. */
export function sizeOf(rows: readonly Row[]): { width: number; height: number } {
  const longest = Math.max(0, ...rows.map(({ text }) => text.length));
  return { width: Math.ceil(longest * TEXT.row.width), height: rows.length * TEXT.row.height };
}

/** What a transition does that leads to no other state; one that does nothing keeps the state around from answering. */
function effectOf({ actions, reenters }: Line): string {
  if (actions.length > 0) return ` / ${actions.join(", ")}`;
  return reenters ? "" : " / –";
}

function tellLine(line: Line): Row {
  const { event, guard, otherwise } = line;
  const kind = event === "always"
    ? "always"
    : event.startsWith("after ")
    ? "delay"
    : / (?:done|failed)$/.test(event)
    ? "done"
    : "event";
  return { kind, text: event + (guard ? ` [${guard}]` : otherwise ? " [else]" : ""), line };
}
