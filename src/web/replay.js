/** The history of one gather, step by step. */
import { button, fill, h, iconButton, setText } from "./dom.js";
import { clock, duration, when } from "./format.js";

/** A step is shown at least and at most so long while they are played: milliseconds. */
const SHORTEST_MS = 900;
const LONGEST_MS = 2_500;

/** Milliseconds with more figures than people need elsewhere. */
export function span(ms) {
  if (ms < 1_000) return `${ms} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : duration(ms);
}

/** The steps of a record, the first of which is that it was made. */
export function stepsOf(record) {
  return [
    { at: record["created-at"], event: "created", from: undefined, to: "new" },
    ...record.transitions,
  ].map((step, index, all) => ({
    ...step,
    index,
    sinceMs: index === 0 ? 0 : Date.parse(step.at) - Date.parse(all[index - 1].at),
  }));
}

/**
 * The controls and the list as `{element, show, reset}`.
 *
 * @param onStep is told the step that is looked at, and whether it is the newest
 */
export function replayView({ onStep }) {
  let steps = [];
  let index = 0;
  let timer;
  const list = h("ol", { class: "replay-steps" });
  const tell = h("output", { class: "hint" });
  const slider = h("input", {
    "type": "range",
    "min": "0",
    "step": "1",
    "aria-label": "Step",
    "on": { input: () => go(Number(slider.value)) },
  });
  const play = button("Play", { kind: "secondary", icon: "play", onClick: toggle });
  const back = iconButton("left", "Step back", () => go(index - 1));
  const forth = iconButton("right", "Step forward", () => go(index + 1));
  const element = h(
    "div",
    { class: "replay" },
    h("div", { class: "replay-controls" }, back, play, forth, slider),
    tell,
    list,
  );

  function pause() {
    clearTimeout(timer);
    timer = undefined;
    setText(play.querySelector("span"), "Play");
  }

  function toggle() {
    if (timer !== undefined) return pause();
    if (index === steps.length - 1) look(0);
    setText(play.querySelector("span"), "Pause");
    next();
  }

  function next() {
    const upcoming = steps[index + 1];
    if (!upcoming || !element.isConnected) return pause();
    timer = setTimeout(() => {
      look(index + 1);
      next();
    }, Math.min(LONGEST_MS, Math.max(SHORTEST_MS, upcoming.sinceMs)));
  }

  function go(to) {
    pause();
    look(Math.min(steps.length - 1, Math.max(0, to)));
  }

  function look(to) {
    index = to;
    slider.value = String(index);
    const { at, event, sinceMs } = steps[index];
    slider.setAttribute("aria-valuetext", `${index + 1} of ${steps.length}: ${event}`);
    setText(
      tell,
      `Step ${index + 1} of ${steps.length}, ${clock(at)}` +
        (index > 0 ? `, after ${span(sinceMs)}` : ""),
    );
    // Not disabled for real: a button that is loses the focus.
    back.setAttribute("aria-disabled", String(index === 0));
    forth.setAttribute("aria-disabled", String(index === steps.length - 1));
    for (const [position, item] of [...list.children].entries()) {
      const row = item.firstChild;
      if (position === index) {
        row.setAttribute("aria-current", "step");
        list.scrollTop = Math.min(
          item.offsetTop - list.offsetTop,
          Math.max(
            list.scrollTop,
            item.offsetTop - list.offsetTop + item.offsetHeight - list.clientHeight,
          ),
        );
      } else row.removeAttribute("aria-current");
    }
    onStep(steps[index], index === steps.length - 1);
  }

  /** Shows a record; who looks at its newest step goes on to look at that. */
  function show(record) {
    const isAtEnd = index >= steps.length - 1;
    const had = steps.length;
    steps = stepsOf(record);
    if (steps.length !== had) {
      fill(list, steps.map((step) => h("li", {}, rowOf(step, () => go(step.index)))));
      slider.max = String(steps.length - 1);
    }
    if (timer === undefined) look(isAtEnd ? steps.length - 1 : index);
  }

  /** Forgets the record: the next one is another gather's. */
  function reset() {
    pause();
    steps = [];
    index = 0;
  }

  return { element, show, reset };
}

function rowOf({ at, event, to, sinceMs, index }, onClick) {
  return h(
    "button",
    { type: "button", class: "replay-step", on: { click: onClick } },
    h("span", { class: "since", text: index === 0 ? "" : `+${span(sinceMs)}` }),
    h("code", { text: event, title: when(at) }),
    h("span", { class: "to", text: to }),
  );
}
