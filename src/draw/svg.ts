/** A drawing as SVG. Its elements name the states and transitions they stand for, so that a page can point at them. */
import { DOT, type Layout, type PlacedArrow, type PlacedState } from "./layout.ts";
import { TEXT } from "./text.ts";

/** The corners of arrows are so round: pixels. */
const ROUND = 6;

/**
 * Writes one.
 *
 * @param css how its classes look; a page that has its own drops it
 */
export function toSvg(id: string, layout: Layout, css: string): string {
  const { width, height } = layout;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="machine" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${
      escape(`The states of ${id}, and what leads from one to another`)
    }" data-machine="${escape(id)}">`,
    `<style>\n${css.trim()}\n</style>`,
    `<defs><marker id="${id}-head" viewBox="0 0 10 10" refX="9" refY="5" markerUnits="userSpaceOnUse" markerWidth="10" markerHeight="10" orient="auto-start-reverse"><path class="head" d="M1 1L9 5L1 9z"/></marker></defs>`,
    ...layout.states.map(drawState),
    ...layout.arrows.map((each) => drawWay(each, id)),
    ...layout.starts.map(({ x, y }) =>
      `<circle class="start" cx="${x}" cy="${y}" r="${DOT / 2}"/>`
    ),
    ...layout.arrows.map(drawLabel),
    "</svg>\n",
  ].filter((part) => part !== "").join("\n");
}

function drawState({ state, rows, x, y, width, height, depth, indent }: PlacedState): string {
  const isFinal = state.kind === "final";
  const parts = [
    `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="8"/>`,
    isFinal &&
    `<rect class="ring" x="${x + 3}" y="${y + 3}" width="${width - 6}" height="${
      height - 6
    }" rx="5.5"/>`,
    state.kind === "compound" &&
    `<path class="rule" d="M${x} ${y + headHeight(rows.length)}h${width}"/>`,
    `<text class="name" x="${x + indent}" y="${y + 20}">${escape(state.name)}</text>`,
    ...rows.map(({ kind, text, line }, index) =>
      `<text class="row ${kind}" x="${x + indent}" y="${y + 20 + (index + 1) * TEXT.row.height}"${
        line ? lineData(line.event, line.guard) : ""
      }>${escape(text)}</text>`
    ),
  ];
  return `<g class="state ${state.kind}${depth === 0 ? " machine-frame" : ""} depth-${
    depth % 2
  }" data-state="${escape(state.path)}">${parts.filter(Boolean).join("")}</g>`;
}

function headHeight(rows: number): number {
  return TEXT.title.height + rows * TEXT.row.height + 10;
}

/** An arrow from a state to one inside it begins with a dot on the border: else it looks as if it came from outside. */
function drawWay({ arrow, points }: PlacedArrow, id: string): string {
  const isInitial = arrow.lines.length === 0;
  const [first] = points;
  const isInward = !isInitial && (arrow.from === "" || arrow.to.startsWith(`${arrow.from}.`));
  return `<path class="way${isInitial ? " initial" : ""}" d="${
    roundedPath(points)
  }" marker-end="url(#${id}-head)"${ends(arrow)}/>` +
    (isInward && first ? `<circle class="source" cx="${first.x}" cy="${first.y}" r="4"/>` : "");
}

function drawLabel({ arrow, rows, label }: PlacedArrow): string {
  if (!label) return "";
  const { x, y, width, height } = label;
  const texts = rows.map(({ kind, text, line }, index) =>
    `<text class="row ${kind}" x="${x + 6}" y="${y + 3 + (index + 0.75) * TEXT.row.height}"${
      line ? lineData(line.event, line.guard) : ""
    }>${escape(text)}${
      line && line.actions.length > 0 ? `<title>/ ${escape(line.actions.join(", "))}</title>` : ""
    }</text>`
  );
  return `<g class="label"${
    ends(arrow)
  }><rect x="${x}" y="${y}" width="${width}" height="${height}" rx="4"/>${texts.join("")}</g>`;
}

function ends({ from, to }: { from: string; to: string }): string {
  return ` data-from="${escape(from)}" data-to="${escape(to)}"`;
}

function lineData(event: string, guard: string): string {
  return ` data-event="${escape(event)}"${guard ? ` data-guard="${escape(guard)}"` : ""}`;
}

/** A way with its corners rounded off. */
function roundedPath(points: readonly { x: number; y: number }[]): string {
  return points.map((point, index) => {
    const before = points[index - 1];
    const after = points[index + 1];
    if (!before) return `M${point.x} ${point.y}`;
    if (!after) return `L${point.x} ${point.y}`;
    const from = towards(point, before);
    const to = towards(point, after);
    return `L${from.x} ${from.y}Q${point.x} ${point.y} ${to.x} ${to.y}`;
  }).join("");
}

/** The point so far from a corner that its rounding begins there. */
function towards(corner: { x: number; y: number }, other: { x: number; y: number }) {
  const length = Math.hypot(other.x - corner.x, other.y - corner.y);
  const part = length === 0 ? 0 : Math.min(ROUND, length / 2) / length;
  const at = (a: number, b: number) => Math.round((a + (b - a) * part) * 100) / 100;
  return { x: at(corner.x, other.x), y: at(corner.y, other.y) };
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (each) => `&#${each.charCodeAt(0)};`);
}
