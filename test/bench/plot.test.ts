import assert from "node:assert/strict";
import { test } from "node:test";
import { plot } from "../../bench/support/plot.ts";

const frame = { title: "a & b", below: "today", x: "x", y: "y", even: "even", worse: "worse" };

/** Where the marks of the plot's first line are: pixels. */
function places(svg: string): { x: number; y: number }[] {
  return [...svg.matchAll(/<circle class="mark c0" cx="([\d.]+)" cy="([\d.]+)"/g)]
    .map(([, x, y]) => ({ x: Number(x), y: Number(y) }))
    .slice(0, -1); // the last stands in the legend
}

test("ten times as much is as far on the right everywhere, and dearer is higher", () => {
  const points = [{ x: 1, y: 1 }, { x: 10, y: 1 }, { x: 100, y: 2 }, { x: 1000, y: 0.5 }];
  const [ten, hundred, thousand] = places(plot(frame, [{ name: "n", group: "g", points }]));
  assert.ok(ten && hundred && thousand);
  assert.ok(Math.abs((hundred.x - ten.x) - (thousand.x - hundred.x)) < 0.2);
  assert.ok(Math.abs((ten.y - hundred.y) - (thousand.y - ten.y)) < 0.2);
  assert.ok(hundred.y < ten.y);
});

test("what is not over 0 has no place on it", () => {
  const points = [{ x: 1, y: 1 }, { x: 10, y: -3 }, { x: 100, y: NaN }, { x: 1000, y: 1 }];
  const svg = plot(frame, [{ name: "n", group: "g", points }]);
  assert.equal(places(svg).length, 1);
  assert.doesNotMatch(svg, /NaN|Infinity/);
});

test("names are text, whatever they hold, and it is readable in light and in dark", () => {
  const svg = plot(frame, [{ name: "<b>", group: "g", points: [{ x: 1, y: 1 }, { x: 10, y: 1 }] }]);
  assert.match(svg, />&lt;b></);
  assert.match(svg, /aria-label="a &amp; b"/);
  assert.match(svg, /prefers-color-scheme: dark/);
});
