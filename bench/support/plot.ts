/** A plot of how things grow, as SVG: both axes logarithmic, in the reader's light or dark. */

/** A line of it. */
export interface Series {
  name: string;
  /** Those of a group have a colour in common. */
  group: string;
  /** Both over 0, from left to right. */
  points: readonly { x: number; y: number }[];
}

/** What stands around the lines. */
export interface Frame {
  title: string;
  /** When and where it was measured. */
  below: string;
  x: string;
  y: string;
  /** Written below y = 1, and above it. */
  even: string;
  worse: string;
}

/** In pixels. */
const WIDTH = 960;
const PLOT = { left: 76, top: 52, right: 640, bottom: 500 };
const LEGEND = { left: 664, swatch: 34, line: 19, group: 27 };
const HEIGHT = 572;

/** In light and in dark; told apart by those who see few colours too (after Okabe and Ito). */
const COLOURS = [
  ["#0072b2", "#56b4e9"],
  ["#b5540a", "#e69f00"],
  ["#00785a", "#2fc79a"],
  ["#a3447f", "#e39ac5"],
  ["#7a6a00", "#f0e442"],
  ["#c8102e", "#ff8a7a"],
] as const;

/** Lines of one group. */
const DASHES = ["", "7 4", "2 3", "11 3 2 3"] as const;

const STYLE = `
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.paper { fill: #ffffff; } .grid { stroke: #d9dee3; } .frame { stroke: #6e7781; fill: none; }
.faint { fill: #59636e; font-size: 12px; } .title { font-size: 16px; font-weight: 600; }
.worse { fill: #ffebe9; } .even { stroke: #59636e; stroke-width: 1.5; }
.line { fill: none; stroke-width: 2; } .mark { stroke: none; }
${COLOURS.map(([light], index) => toned(index, light)).join("\n")}
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .paper { fill: #0d1117; } .grid { stroke: #2a313a; } .frame { stroke: #8b949e; }
.faint { fill: #9ba5b0; } .worse { fill: #3a1a1c; } .even { stroke: #9ba5b0; }
${COLOURS.map(([, dark], index) => toned(index, dark)).join("\n")}
}`;

function toned(index: number, colour: string): string {
  return `.line.c${index} { stroke: ${colour}; } .mark.c${index} { fill: ${colour}; }`;
}

/** Draws it. Points that are not over 0 have no place on it and are left out. */
export function plot(frame: Frame, all: readonly Series[]): string {
  const series = all.map((each) => ({
    ...each,
    points: each.points.filter(({ x, y }) => x > 0 && y > 0 && Number.isFinite(x * y)),
  }));
  const [xs, ys] = [
    series.flatMap(({ points }) => points.map(({ x }) => x)),
    series.flatMap(({ points }) => points.map(({ y }) => y)),
  ];
  const x = axis(1, Math.max(...xs), PLOT.left, PLOT.right, [1]);
  const y = axis(Math.min(...ys) / 1.1, Math.max(...ys, 1.9) * 1.1, PLOT.bottom, PLOT.top, [
    1,
    2,
    5,
  ]);
  const groups = [...new Set(series.map(({ group }) => group))];
  const even = y.at(1);
  const middle = (PLOT.top + PLOT.bottom) / 2;
  const parts = [
    `<rect class="paper" width="${WIDTH}" height="${HEIGHT}" rx="8"/>`,
    `<rect class="worse" x="${PLOT.left}" y="${PLOT.top}" width="${
      PLOT.right - PLOT.left
    }" height="${round(even - PLOT.top)}"/>`,
    ...x.ticks.map((tick) =>
      `<path class="grid" d="M${round(x.at(tick))} ${PLOT.top}V${PLOT.bottom}"/>` +
      text(x.at(tick), PLOT.bottom + 20, `× ${tick.toLocaleString("en")}`, 'text-anchor="middle"')
    ),
    ...y.ticks.map((tick) =>
      `<path class="grid" d="M${PLOT.left} ${round(y.at(tick))}H${PLOT.right}"/>` +
      text(PLOT.left - 8, y.at(tick) + 4, String(tick), 'text-anchor="end"')
    ),
    `<path class="even" d="M${PLOT.left} ${round(even)}H${PLOT.right}"/>`,
    text(PLOT.right - 8, PLOT.top + 18, frame.worse, 'class="faint" text-anchor="end"'),
    text(PLOT.left + 8, PLOT.bottom - 10, frame.even, 'class="faint"'),
    `<path class="frame" d="M${PLOT.left} ${PLOT.top}V${PLOT.bottom}H${PLOT.right}"/>`,
    text(PLOT.left, 30, frame.title, 'class="title"'),
    text((PLOT.left + PLOT.right) / 2, PLOT.bottom + 42, frame.x, 'text-anchor="middle"'),
    text(0, 0, frame.y, `text-anchor="middle" transform="translate(20 ${middle}) rotate(-90)"`),
    text(PLOT.left, HEIGHT - 10, frame.below, 'class="faint"'),
  ];
  let row = PLOT.top;
  for (const [index, group] of groups.entries()) {
    parts.push(text(LEGEND.left, row + 4, group, 'class="faint"'));
    row += LEGEND.line;
    const lines = series.filter((each) => each.group === group);
    for (const [which, { name, points }] of lines.entries()) {
      const colour = `c${index % COLOURS.length}`;
      const dash = DASHES[which % DASHES.length];
      const look = `class="line ${colour}"${dash ? ` stroke-dasharray="${dash}"` : ""}`;
      const places = points.map((each) => ({ x: round(x.at(each.x)), y: round(y.at(each.y)) }));
      const sign = LEGEND.left + LEGEND.swatch / 2;
      parts.push(
        `<path ${look} d="${
          places.map((at, n) => `${n === 0 ? "M" : "L"}${at.x} ${at.y}`).join("")
        }"/>`,
        ...places.slice(1).map((at) => mark(at.x, at.y, which, colour)),
        `<path ${look} d="M${LEGEND.left} ${row}h${LEGEND.swatch}"/>`,
        mark(sign, row, which, colour),
        text(LEGEND.left + LEGEND.swatch + 8, row + 4, name),
      );
      row += LEGEND.line;
    }
    row += LEGEND.group - LEGEND.line;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${
    escape(frame.title)
  }">\n<style>${STYLE}\n</style>\n${parts.join("\n")}\n</svg>\n`;
}

/** A logarithmic one: where a value lies between two pixels, and those that are written at it. */
function axis(least: number, most: number, from: number, to: number, steps: readonly number[]) {
  const [low, high] = [Math.log(least), Math.log(most)];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(least)); 10 ** power <= most; power++) {
    // Made from text, so that 0.2 is not 0.2000…1.
    ticks.push(...steps.map((step) => Number(`${step}e${power}`)));
  }
  return {
    at: (value: number) => from + (Math.log(value) - low) / (high - low) * (to - from),
    ticks: ticks.filter((tick) => tick >= least && tick <= most),
  };
}

/** A dot, a square, a triangle or a diamond. */
function mark(x: number, y: number, which: number, colour: string): string {
  const shapes = [
    `<circle class="mark ${colour}" cx="${x}" cy="${y}" r="4"/>`,
    `<path class="mark ${colour}" d="M${x - 4} ${y - 4}h8v8h-8z"/>`,
    `<path class="mark ${colour}" d="M${x} ${y - 5}l5 9h-10z"/>`,
    `<path class="mark ${colour}" d="M${x} ${y - 5}l5 5l-5 5l-5 -5z"/>`,
  ];
  return shapes[which % shapes.length] ?? "";
}

function text(x: number, y: number, content: string, attributes = ""): string {
  const place = x === 0 && y === 0 ? "" : ` x="${round(x)}" y="${round(y)}"`;
  return `<text${place}${attributes && ` ${attributes}`}>${escape(content)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
