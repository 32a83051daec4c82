/** What a person sees while waiting: one line that is drawn again and again on a terminal, and plain lines elsewhere. */
import { setInterval } from "node:timers";
import { clockTime } from "./text.ts";

/** How often the line is drawn on a terminal, and how often a plain line may come within one phase. Milliseconds. */
const DRAW_MS = 100;
const PLAIN_MS = 5000;

/** Width of the bar, and of the block that moves in it while nothing is known of the end; in characters. */
const BAR_WIDTH = 20;
const BLOCK_WIDTH = 5;

/** Wide enough for the longest phase, `downloading`. */
const PHASE_WIDTH = 11;

/** A terminal that does not tell its width is taken to be as wide as they always were. */
const COLUMNS = 80;

/** How far it is. Texts are fit for a terminal already. */
export interface View {
  phase: string;
  /** 0 to 100; null where nothing is known. */
  percent: number | null;
  /** Figures: `1,234 lines, 5.6 MiB`. */
  figures: string;
  /** What was said last. */
  last: string;
}

/** Shows how far it is. */
export interface Progress {
  show: (view: View) => void;
  /** Prints a line that stays. */
  tell: (line: string) => void;
  /** Takes the moving line away; the next `show` brings it back. */
  pause: () => void;
}

/** Where the progress goes: standard error, so that standard output holds the result alone. */
export interface Terminal {
  write: (text: string) => unknown;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
}

/** Chooses the form: a terminal that can move its cursor gets the bar. */
export function createProgress(
  out: Terminal,
  env: Readonly<Record<string, string | undefined>>,
): Progress {
  if (!out.isTTY || env["TERM"] === "dumb") return plainLines(out);
  const locale = env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "";
  return movingLine(out, { color: !env["NO_COLOR"], unicode: /utf-?8/i.test(locale) });
}

function plainLines(out: Terminal): Progress {
  let shown: View | undefined;
  let shownAt = -Infinity;
  return {
    show(view) {
      const isNewPhase = view.phase !== shown?.phase;
      const isNews = view.last !== shown?.last || view.figures !== shown?.figures;
      if (!isNewPhase && !(isNews && performance.now() - shownAt >= PLAIN_MS)) return;
      const percent = view.percent === null ? "" : `${Math.floor(view.percent)} %`;
      const figures = [percent, view.figures].filter(Boolean).join(", ");
      out.write(`${view.phase}${figures && ` (${figures})`}${view.last && `: ${view.last}`}\n`);
      shown = view;
      shownAt = performance.now();
    },
    tell: (line) => void out.write(`${line}\n`),
    pause() {},
  };
}

interface Style {
  color: boolean;
  unicode: boolean;
}

function movingLine(out: Terminal, style: Style): Progress {
  const startedAt = performance.now();
  let view: View | undefined;
  let timer: NodeJS.Timeout | undefined;
  const clear = "\r\x1b[2K";

  function draw(): void {
    if (!view) return;
    const elapsed = performance.now() - startedAt;
    const text = drawn(view, elapsed, out.columns || COLUMNS, style);
    // Without wrapping, characters of double width cannot push the line onto the next.
    out.write(`${clear}\x1b[?7l${text}\x1b[?7h`);
  }
  return {
    show(next) {
      view = next;
      if (timer) return;
      draw();
      timer = setInterval(draw, DRAW_MS);
      timer.unref();
    },
    tell(line) {
      out.write(`${timer ? clear : ""}${line}\n`);
      if (timer) draw();
    },
    pause() {
      if (timer) out.write(clear);
      clearInterval(timer);
      timer = undefined;
    },
  };
}

/** The line, never longer than the terminal is wide. */
export function drawn(view: View, elapsedMs: number, columns: number, style: Style): string {
  const percent = view.percent === null ? "" : ` ${String(Math.floor(view.percent)).padStart(3)}%`;
  const paint = (code: number, text: string) =>
    style.color && text !== "" ? `\x1b[${code}m${text}\x1b[0m` : text;
  const parts: [text: string, color: number | undefined][] = [
    [`${view.phase.padEnd(PHASE_WIDTH)} `, undefined],
    [bar(view.percent, elapsedMs, style.unicode), 36],
    [`${percent}  ${clockTime(elapsedMs)}`, undefined],
    [view.figures && `  ${view.figures}`, undefined],
    [view.last && `  ${view.last}`, 2],
  ];
  let room = columns - 1; // a cursor behind the last column is on the next line in some terminals
  return parts.map(([text, color]) => {
    const cut = [...text].slice(0, room).join("");
    room -= [...cut].length;
    return color === undefined ? cut : paint(color, cut);
  }).join("");
}

function bar(percent: number | null, elapsedMs: number, unicode: boolean): string {
  const [full, empty] = unicode ? ["█", "░"] : ["#", "."];
  if (percent !== null) {
    const filled = Math.floor(Math.min(Math.max(percent, 0), 100) / 100 * BAR_WIDTH);
    return full.repeat(filled) + empty.repeat(BAR_WIDTH - filled);
  }
  const way = BAR_WIDTH - BLOCK_WIDTH;
  const step = Math.floor(elapsedMs / DRAW_MS) % (2 * way);
  const before = step <= way ? step : 2 * way - step;
  return empty.repeat(before) + full.repeat(BLOCK_WIDTH) + empty.repeat(way - before);
}
