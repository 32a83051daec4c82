/** Line 8: how lines 1 to 7 grow by ten times and ten times again, as a table and a plot. */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { growthOfDownload, growthOfPacking } from "./growth/archives.ts";
import { growthOfEnds, growthOfOutput } from "./growth/gathers.ts";
import { type Extent, type Growth, steepness } from "./growth/growth.ts";
import { growthOfBoots, growthOfTransitions } from "./growth/journal.ts";
import { growthOfPolling } from "./growth/polling.ts";
import { measuring } from "./support/options.ts";
import { plot } from "./support/plot.ts";
import { figure, machine, say, table } from "./support/table.ts";

/** Where the plot is kept. */
const PLOT = fileURLToPath(new URL("growth.svg", import.meta.url));

/** In the order of the lines, by which they are told. */
const measures: readonly ((extent: Extent) => Promise<Growth[]>)[] = [
  growthOfPolling,
  growthOfOutput,
  growthOfEnds,
  growthOfTransitions,
  growthOfBoots,
  growthOfPacking,
  growthOfDownload,
];

/** Measures, prints, and draws `growth.svg`; with `--tenth`, or on Deno, it draws nothing. */
export async function benchGrowth(args: string[]): Promise<void> {
  const { scale, runs, runtime } = measuring(args, 3);
  const where = machine();
  say(`Growth on ${runtime}: ${where}; medians of ${runs} interleaved rounds after one to warm up`);
  const all: Growth[] = [];
  for (const measure of measures) all.push(...await measure({ scale, runs, runtime }));
  all.sort((one, other) => one.group.localeCompare(other.group));
  table(
    ["", "a cost", "sizes", "costs", "the largest, times the cheapest smaller one"],
    all.map((each) => [
      `${each.group}: ${each.name}`,
      each.unit,
      `${each.points.map(({ size }) => figureOfSize(size)).join(" / ")} ${each.of}`,
      each.points.map(({ cost }) => figure(cost)).join(" / "),
      figure(steepness(each)),
    ]),
  );
  if (scale !== 1 || runtime !== "node") return;
  const frame = {
    title: "What a unit of work costs as the work grows",
    below: where,
    x: "how much there is, times the smallest",
    y: "CPU (or memory) a unit, times that of the smallest",
    even: "grows as its work, or less",
    worse: "grows faster than its work",
  };
  const series = all.map(({ points, ...each }) => {
    const [first] = points;
    const beside = points.map(({ size, cost }) => ({
      x: size / (first?.size ?? NaN),
      y: cost / (first?.cost ?? NaN),
    }));
    return { ...each, points: beside };
  });
  await writeFile(PLOT, plot(frame, series));
}

function figureOfSize(size: number): string {
  return Number.isInteger(size) ? size.toLocaleString("en") : figure(size);
}
