/** Where everything in a drawing stands: the Eclipse Layout Kernel's layered layout, nested states in one go. */
import elk, { type ElkExtendedEdge, type ElkNode, type ElkPoint } from "elkjs/lib/elk.bundled.js";
import type { Arrow, Model, State } from "./model.ts";
import { labelOf, type Row, rowsOf, sizeOf, TEXT } from "./text.ts";

/** A rectangle in pixels, from the drawing's upper left corner. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A state where it stands; `depth` counts the states around it. */
export interface PlacedState extends Box {
  state: State;
  rows: Row[];
  depth: number;
  /** How far its name and rows stand from its left side, so that no arrow runs through them. */
  indent: number;
}

/** An arrow where it runs, bend by bend. That of an initial state has no label. */
export interface PlacedArrow {
  arrow: Arrow;
  rows: Row[];
  points: ElkPoint[];
  label: Box | undefined;
}

/** A drawing before it is one. */
export interface Layout {
  width: number;
  height: number;
  states: PlacedState[];
  /** The dots from which the arrows to initial states come. */
  starts: { x: number; y: number; of: string }[];
  arrows: PlacedArrow[];
}

/** In pixels. */
const PADDING = 12;
const LABEL_PADDING = 6;
export const DOT = 10;

const OPTIONS = {
  "elk.algorithm": "layered",
  "elk.direction": "DOWN",
  "elk.hierarchyHandling": "INCLUDE_CHILDREN",
  "elk.json.shapeCoords": "ROOT",
  "elk.json.edgeCoords": "ROOT",
  "elk.edgeRouting": "ORTHOGONAL",
  "elk.randomSeed": "1",
  "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
  "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
  "elk.layered.spacing.nodeNodeBetweenLayers": "28",
  "elk.layered.spacing.edgeNodeBetweenLayers": "18",
  "elk.layered.spacing.edgeEdgeBetweenLayers": "12",
  "elk.spacing.nodeNode": "28",
  "elk.spacing.edgeNode": "18",
  "elk.spacing.edgeEdge": "14",
  "elk.spacing.edgeLabel": "4",
  "elk.spacing.labelLabel": "8",
};

/** Places all of a machine. The same machine always comes out the same. */
export async function placeModel(model: Model): Promise<Layout> {
  const graph: ElkNode = {
    id: "drawing",
    layoutOptions: { ...OPTIONS, "elk.padding": "[top=6,left=6,bottom=6,right=6]" },
    children: [toNode(model.root)],
    edges: [...model.arrows.map(toEdge), ...statesOf(model.root).flatMap(toInitialEdge)],
  };
  const placed = await new elk.default().layout(graph);
  const nodes = new Map(nodesOf(placed).map((node) => [node.id, node]));
  const edges = new Map((placed.edges ?? []).map((edge) => [edge.id, edge]));
  const initial = statesOf(model.root).filter((state) => state.initial !== undefined);
  const arrows = [
    ...model.arrows.map((arrow) => placeArrow(arrow, edges.get(arrowId(arrow)))),
    ...initial.map(({ path, initial = "" }) =>
      placeArrow({ from: path, to: initial, lines: [] }, edges.get(startId(path)))
    ),
  ];
  const place = (state: State, depth: number): PlacedState[] => {
    const box = boxOf(nodes.get(stateId(state.path)));
    const indent = indentOf(state, box, arrows);
    return [
      { ...box, state, rows: rowsOf(state), depth, indent },
      ...state.states.flatMap((inner) => place(inner, depth + 1)),
    ];
  };
  return {
    width: Math.ceil(placed.width ?? 0),
    height: Math.ceil(placed.height ?? 0),
    states: place(model.root, 0),
    starts: initial.map(({ path }) => {
      const { x, y } = boxOf(nodes.get(startId(path)));
      return { x: x + DOT / 2, y: y + DOT / 2, of: path };
    }),
    arrows,
  };
}

const stateId = (path: string) => `state ${path}`;
const startId = (path: string) => `start ${path}`;
const arrowId = ({ from, to }: Arrow) => `arrow ${from} ${to}`;

/** The name of a state and its rows. */
function headOf(state: State): { width: number; height: number } {
  const text = sizeOf(rowsOf(state));
  return {
    width: Math.max(text.width, state.name.length * TEXT.title.width),
    height: TEXT.title.height + text.height + PADDING,
  };
}

/**
 * Arrows into a state that holds others run through its head, and the layout does not know what is written there: the text
 * goes into the first gap between them that is wide enough.
 */
function indentOf(state: State, box: Box, arrows: readonly PlacedArrow[]): number {
  if (state.kind !== "compound") return PADDING;
  const head = headOf(state);
  const crossings = arrows.flatMap(({ points }) => crossingsOf(points, box.y, box.y + head.height))
    .map((x) => x - box.x)
    .filter((x) => x > 0 && x < box.width)
    .toSorted((a, b) => a - b);
  let left = 0;
  for (const x of [...crossings, box.width]) {
    if (x - left >= head.width + 2 * PADDING) return left + PADDING;
    left = x;
  }
  throw new Error(`no room for the name of ${state.path} between the arrows that cross it`);
}

/** Where a way is between two heights. */
function crossingsOf(points: readonly ElkPoint[], top: number, bottom: number): number[] {
  return points.flatMap((point, index) => {
    const before = points[index - 1] ?? point;
    const isWithin = Math.max(point.y, before.y) > top && Math.min(point.y, before.y) < bottom;
    return isWithin ? [before.x, point.x] : [];
  });
}

function toNode(state: State): ElkNode {
  const head = headOf(state);
  const { height } = head;
  const width = head.width + 2 * PADDING;
  if (state.kind !== "compound") {
    return { id: stateId(state.path), width: Math.max(width, 96), height };
  }
  return {
    id: stateId(state.path),
    children: [
      { id: startId(state.path), width: DOT, height: DOT },
      ...state.states.map(toNode),
    ],
    layoutOptions: {
      "elk.padding": `[top=${height + PADDING},left=18,bottom=18,right=18]`,
      "elk.nodeSize.constraints": "MINIMUM_SIZE",
      "elk.nodeSize.minimum": `(${width},${height})`,
    },
  };
}

function toEdge(arrow: Arrow): ElkExtendedEdge {
  const { width, height } = sizeOf(labelOf(arrow));
  return {
    id: arrowId(arrow),
    sources: [stateId(arrow.from)],
    targets: [stateId(arrow.to)],
    labels: [{
      text: arrowId(arrow),
      width: width + 2 * LABEL_PADDING,
      height: height + LABEL_PADDING,
      layoutOptions: { "elk.edgeLabels.placement": "CENTER", "elk.edgeLabels.inline": "true" },
    }],
  };
}

function toInitialEdge(state: State): ElkExtendedEdge[] {
  if (state.initial === undefined) return [];
  const id = startId(state.path);
  return [{ id, sources: [id], targets: [stateId(state.initial)] }];
}

function placeArrow(arrow: Arrow, edge: ElkExtendedEdge | undefined): PlacedArrow {
  const [section, ...more] = edge?.sections ?? [];
  if (section === undefined || more.length > 0) throw new Error(`no way for ${arrowId(arrow)}`);
  const { startPoint, bendPoints = [], endPoint } = section;
  const [label] = edge?.labels ?? [];
  return {
    arrow,
    rows: labelOf(arrow),
    points: [startPoint, ...bendPoints, endPoint].map(({ x, y }) => ({ x: round(x), y: round(y) })),
    label: label && boxOf(label),
  };
}

function statesOf(state: State): State[] {
  return [state, ...state.states.flatMap(statesOf)];
}

function nodesOf(node: ElkNode): ElkNode[] {
  return [node, ...(node.children ?? []).flatMap(nodesOf)];
}

function boxOf(shape: Partial<Box> | undefined): Box {
  if (shape?.x === undefined || shape.y === undefined) throw new Error("a shape has no place");
  const { x, y, width = 0, height = 0 } = shape;
  return { x: round(x), y: round(y), width: round(width), height: round(height) };
}

function round(value: number): number {
  return Math.round(value * 2) / 2;
}
