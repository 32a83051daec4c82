/** That a drawing can be read: nothing in it runs over anything else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MACHINES } from "../../src/draw/draw.ts";
import { type Box, type Layout, placeModel } from "../../src/draw/layout.ts";
import { readModel } from "../../src/draw/model.ts";
import { sizeOf, TEXT } from "../../src/draw/text.ts";

const overlap = (a: Box, b: Box) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** Everything in a drawing over which no arrow may run, by what it is. */
function solids({ states, arrows }: Layout): { name: string; box: Box }[] {
  return [
    ...arrows.flatMap(({ arrow, label }) =>
      label ? [{ name: `label ${arrow.from} ${arrow.to}`, box: label }] : []
    ),
    ...states.map(({ state, rows, x, y, width, height, indent }) => ({
      name: `state ${state.path}`,
      box: state.kind === "compound"
        ? {
          x: x + indent,
          y,
          width: Math.max(sizeOf(rows).width, state.name.length * TEXT.title.width),
          height: TEXT.title.height + sizeOf(rows).height,
        }
        : { x, y, width, height },
    })),
  ];
}

/** An arrow's straight pieces, thin boxes; touching a border is not running over it. */
function pieces(points: Layout["arrows"][number]["points"]): Box[] {
  return points.slice(1).map((to, index) => {
    const from = points[index] ?? to;
    const x = Math.min(from.x, to.x);
    const y = Math.min(from.y, to.y);
    return {
      x: x - 0.1,
      y: y + 0.6,
      width: Math.abs(to.x - from.x) + 0.2,
      height: Math.abs(to.y - from.y) - 1.2,
    };
  });
}

for (const machine of MACHINES) {
  test(`in the picture of ${machine.id} nothing runs over a state, a name or a label`, async () => {
    const layout = await placeModel(readModel(machine));
    const things = solids(layout);
    things.forEach((one, index) => {
      for (const other of things.slice(index + 1)) {
        assert.ok(!overlap(one.box, other.box), `${one.name} over ${other.name}`);
      }
      const { x, y, width, height } = one.box;
      assert.ok(
        x >= 0 && y >= 0 && x + width <= layout.width && y + height <= layout.height,
        one.name,
      );
    });
    for (const { arrow, points } of layout.arrows) {
      for (const { name, box } of things) {
        if (name === `label ${arrow.from} ${arrow.to}`) continue;
        const over = pieces(points).some((piece) => overlap(piece, box));
        assert.ok(!over, `the arrow ${arrow.from} → ${arrow.to} runs over ${name}`);
      }
    }
  });

  test(`every label of ${machine.id} is on its arrow`, async () => {
    for (const { arrow, points, label } of (await placeModel(readModel(machine))).arrows) {
      if (arrow.lines.length === 0) continue;
      assert.ok(
        label && pieces(points).some((piece) => overlap(piece, label)),
        `${arrow.from} ${arrow.to}`,
      );
    }
  });
}
