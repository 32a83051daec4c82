import assert from "node:assert/strict";
import { test } from "node:test";
import { createProgress, drawn, type View } from "../../src/cli/progress.ts";

const VIEW: View = { phase: "gathering", percent: null, figures: "12 lines", last: "gathered a" };
const PLAIN = { color: false, unicode: false };

/** A terminal that keeps what is written. */
function terminal(isTTY: boolean) {
  const written: string[] = [];
  return { written, isTTY, columns: 60, write: (text: string) => written.push(text) };
}

test("the line holds phase, bar, time, figures and the last words", () => {
  assert.equal(
    drawn({ ...VIEW, percent: 42.9 }, 61_000, 100, PLAIN),
    "gathering   ########............  42%  1:01  12 lines  gathered a",
  );
});

test("the line is never as long as the terminal is wide", () => {
  for (const columns of [1, 10, 33, 50, 80]) {
    const line = drawn({ ...VIEW, last: "🎉x".repeat(500) }, 0, columns, PLAIN);
    assert.ok([...line].length <= columns - 1, `${columns}`);
  }
  assert.equal([...drawn({ ...VIEW, last: "x".repeat(500) }, 0, 80, PLAIN)].length, 79);
});

test("the bar moves to and fro while nothing is known of the end", () => {
  const bars = Array.from(
    { length: 31 },
    (_, step) => drawn(VIEW, step * 100, 33, PLAIN).slice(12),
  );
  assert.equal(bars[0], "#####...............");
  assert.equal(bars[15], "...............#####");
  assert.equal(bars[30], bars[0]);
  assert.equal(new Set(bars).size, 16);
});

test("colors and block characters are used where they may be", () => {
  const draw = (env: Record<string, string>) => {
    const out = terminal(true);
    const progress = createProgress(out, env);
    progress.show({ ...VIEW, percent: 100 });
    progress.pause();
    return out.written.join("");
  };
  assert.match(draw({ LANG: "C.UTF-8" }), /\x1b\[36m█{20}\x1b\[0m/);
  assert.doesNotMatch(draw({ LANG: "C", NO_COLOR: "1" }), /\x1b\[\d+m|█/);
  assert.match(draw({ TERM: "dumb" }), /^gathering \(100 %, 12 lines\): gathered a\n$/);
});

test("lines that stay are written above the line that moves", () => {
  const out = terminal(true);
  const progress = createProgress(out, { NO_COLOR: "1" });
  progress.tell("before");
  progress.show(VIEW);
  progress.tell("between");
  progress.pause();
  progress.pause();
  progress.tell("after");
  const seen = out.written.map((text) => text.replace(/#.*/s, "BAR"));
  const clear = "\r\x1b[2K";
  assert.deepEqual(seen, [
    "before\n",
    `${clear}\x1b[?7lgathering   BAR`,
    `${clear}between\n`,
    `${clear}\x1b[?7lgathering   BAR`,
    clear,
    "after\n",
  ]);
});

test("without a terminal a line comes for every phase, and seldom within one", () => {
  const out = terminal(false);
  const progress = createProgress(out, {});
  for (let line = 0; line < 100; line++) progress.show({ ...VIEW, last: `${line}` });
  progress.show({ phase: "packing", percent: 50, figures: "", last: "" });
  progress.pause();
  assert.deepEqual(out.written, ["gathering (12 lines): 0\n", "packing (50 %)\n"]);
});
