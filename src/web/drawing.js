/** A machine's drawing in the page, with marks that move on it. */
import { call } from "./api.js";
import { h } from "./dom.js";
import { findWays, readArrows } from "./ways.js";
import { tableOf } from "./words.js";

/** A mark takes so long along an arrow: milliseconds. */
const TRAVEL_MS = 700;

/** What was taken just now is shown so long: milliseconds. */
const FLASH_MS = 1_600;

/** Between two points of a way that a mark follows, in the drawing's pixels. */
const STRIDE = 10;

/** Marks of one state stand so far apart, in the drawing's pixels. */
const MARK_ROOM = 34;

/** More than so many of them overlap, so that they take no more room. */
const MARKS_APART = 4;

const SCALES = [0.5, 0.65, 0.8, 1, 1.25, 1.6];

/** Loads the drawing of a machine: `gather`, `stop` or `service`. */
export async function loadDrawing(name, signal) {
  const text = await (await call(`console/${name}.svg`, { signal })).text();
  const svg = document.importNode(
    new DOMParser().parseFromString(text, "image/svg+xml").documentElement,
    true,
  );
  return drawingView(name, svg);
}

/** The drawing as `{element, setMarks, take, showStep, zoom, fit, table}`. */
function drawingView(name, svg) {
  const { width, height } = svg.viewBox.baseVal;
  const states = new Map(
    [...svg.querySelectorAll("[data-state]")].map((element) => {
      const box = element.querySelector("rect");
      const [x, y, w, tall] = ["x", "y", "width", "height"].map((each) =>
        Number(box.getAttribute(each))
      );
      return [element.dataset.state, { element, x, y, width: w, height: tall }];
    }),
  );
  const arrows = readArrows(svg);
  svg.removeAttribute("width");
  svg.removeAttribute("height");

  const marks = new Map();
  const stage = h("div", { class: "stage" }, svg);
  const element = h("div", {
    "class": "drawing",
    "tabindex": "0",
    "role": "region",
    "aria-label": `Drawing of the machine “${name}”`,
  }, stage);
  let scale = 1;

  function setScale(next) {
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = element;
    const middle = [(scrollLeft + clientWidth / 2) / scale, (scrollTop + clientHeight / 2) / scale];
    scale = next;
    stage.style.width = `${width * scale}px`;
    element.scrollTo(middle[0] * scale - clientWidth / 2, middle[1] * scale - clientHeight / 2);
  }

  /** Wide enough to see all of its width, where it can be read then. */
  function fit() {
    const room = element.clientWidth / width;
    setScale(Math.min(1, Math.max(room, 0.7)));
    element.scrollTo(0, 0);
  }

  function zoom(by) {
    const next = by > 0
      ? SCALES.find((each) => each > scale * 1.02)
      : SCALES.findLast((each) => each < scale * 0.98);
    if (next !== undefined) setScale(next);
  }

  function place(mark, state, index, count) {
    const box = states.get(state);
    if (!box) return;
    const room = Math.min(MARK_ROOM, MARK_ROOM * (MARKS_APART - 1) / (count - 1));
    // At its right corner, where its name stays legible; all of them within the drawing.
    const first = Math.min(box.x + box.width, width - MARK_ROOM / 2 - (count - 1) * room);
    mark.x = first + index * room;
    mark.y = box.y;
    mark.element.style.left = `${mark.x / width * 100}%`;
    mark.element.style.top = `${mark.y / height * 100}%`;
  }

  function travel(mark, before, ways) {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const points = [before];
    for (const { way } of ways) {
      const length = way.getTotalLength();
      for (let at = 0; at < length; at += STRIDE) points.push(way.getPointAtLength(at));
    }
    points.push({ x: mark.x, y: mark.y });
    const frames = points.map(({ x, y }) => ({
      transform: `translate(-50%, -50%) translate(${(x - mark.x) * scale}px, ${
        (y - mark.y) * scale
      }px)`,
    }));
    mark.element.animate(frames, { duration: TRAVEL_MS, easing: "ease-in-out" });
  }

  /**
   * Puts the marks where they are now; those that are elsewhere than before go there.
   *
   * @param list `{key, label, title, state, kind, href}`
   * @param step for the mark of `step.key` the way it took: `{from, event, to}`
   */
  function setMarks(list, step) {
    const together = Map.groupBy(list, ({ state }) => state);
    for (const [key, { element: old }] of marks) {
      if (list.some((each) => each.key === key)) continue;
      old.remove();
      marks.delete(key);
    }
    for (const { key, label, title, state, kind, href } of list) {
      let mark = marks.get(key);
      const before = mark && { x: mark.x, y: mark.y, state: mark.element.dataset.state };
      if (!mark) {
        mark = { element: h("a", { class: "mark" }) };
        marks.set(key, mark);
        stage.append(mark.element);
      }
      mark.element.className = `mark ${kind}`;
      mark.element.textContent = label;
      mark.element.dataset.state = state;
      mark.element.setAttribute("href", href);
      mark.element.setAttribute("aria-label", title);
      mark.element.title = title;
      const beside = together.get(state);
      place(mark, state, beside.findIndex((each) => each.key === key), beside.length);
      if (before && (before.x !== mark.x || before.y !== mark.y)) {
        const isStep = step?.key === key && step.from === before.state;
        travel(mark, before, isStep ? findWays(arrows, step) : []);
      }
    }
    for (const [path, { element: state }] of states) {
      state.classList.toggle("occupied", together.has(path));
    }
  }

  /** Shows for a moment that an event was taken, also by a state that it did not leave. */
  function take({ from, event, to }) {
    const taken = from === to
      ? []
      : findWays(arrows, { from, event, to }).flatMap(({ way, line }) => [way, line]);
    if (from === to) {
      for (let path = from;; path = path.slice(0, Math.max(0, path.lastIndexOf(".")))) {
        const rows = states.get(path)?.element.querySelectorAll("[data-event]") ?? [];
        const row = [...rows].find(({ dataset }) => dataset.event === event);
        if (row) taken.push(row);
        if (row || path === "") break;
      }
    }
    for (const each of taken) {
      each?.classList.add("taken");
      setTimeout(() => each?.classList.remove("taken"), FLASH_MS);
    }
  }

  /** Shows one step until another is shown: the arrows it took and the state it led to. `undefined` shows none. */
  function showStep(step) {
    for (const each of svg.querySelectorAll(".chosen")) each.classList.remove("chosen");
    if (!step) return;
    if (step.from !== undefined) {
      for (const { way, line } of findWays(arrows, step)) {
        way.classList.add("chosen");
        line?.classList.add("chosen");
      }
    }
    const box = states.get(step.to);
    if (!box) return;
    box.element.classList.add("chosen");
    const { clientWidth, clientHeight } = element;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    element.scrollTo({
      left: (box.x + box.width / 2) * scale - clientWidth / 2,
      top: (box.y + box.height / 2) * scale - clientHeight / 2,
      behavior: calm ? "auto" : "smooth",
    });
  }

  return { element, setMarks, take, showStep, zoom, fit, table: () => tableOf(arrows, states) };
}
