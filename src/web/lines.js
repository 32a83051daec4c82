/** A long text by lines: numbers, search, wrapping, and following its end. Bounded, whatever is put in. */
import { announce, fill, h, iconButton } from "./dom.js";

/** So many lines are shown; the oldest go. */
export const MOST_LINES = 5_000;

/** So much of one line. */
const LONGEST_LINE = 4_000;

/**
 * Makes the view. `follows` shows the switch that keeps the newest line in sight; `extra` is put into its toolbar.
 */
export function linesView({ label, follows = false, extra = [], empty = "Nothing yet" }) {
  const rows = h("ol", { class: "lines-rows" });
  const note = h("p", { class: "lines-note", text: empty });
  const box = h(
    "div",
    {
      "class": "lines",
      "tabindex": "0",
      "role": follows ? "log" : "region",
      "aria-label": label,
      "aria-live": "off",
    },
    note,
    rows,
  );
  const search = h("input", {
    "type": "search",
    "placeholder": "Search",
    "aria-label": `Search in ${label.toLowerCase()}`,
    "class": "search",
  });
  const found = h("span", { "class": "found", "role": "status" });
  const wrap = toggle("Wrap", true, (on) => box.classList.toggle("nowrap", !on));
  const tail = toggle("Follow", true, (on) => on && toEnd());
  let first = 1; // number of the first line shown
  let rest; // the row of a line that has not ended
  let matches = [];
  let current = -1;
  let programmatic = false;

  box.addEventListener("scroll", () => {
    if (!follows || programmatic) return;
    tail.set(box.scrollHeight - box.scrollTop - box.clientHeight < 24);
  });
  search.addEventListener("input", () => find());
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    step(event.shiftKey ? -1 : 1);
  });

  function toEnd() {
    programmatic = true;
    box.scrollTop = box.scrollHeight;
    requestAnimationFrame(() => programmatic = false);
  }

  function mark(row) {
    const text = row.textContent;
    const wanted = search.value.toLowerCase();
    const at = wanted === "" ? -1 : text.toLowerCase().indexOf(wanted);
    if (at === -1) {
      if (row.firstElementChild) row.textContent = text;
      return false;
    }
    const parts = [];
    let from = 0;
    for (let i = at; i !== -1; i = text.toLowerCase().indexOf(wanted, from)) {
      parts.push(text.slice(from, i), h("mark", { text: text.slice(i, i + wanted.length) }));
      from = i + wanted.length;
    }
    fill(row, ...parts, text.slice(from));
    return true;
  }

  function find() {
    matches = [...rows.children].filter(mark);
    current = -1;
    if (matches.length > 0) step(1);
    tell();
  }

  function step(by) {
    if (matches.length === 0) return;
    matches[current]?.classList.remove("current");
    current = current === -1 && by < 0
      ? matches.length - 1
      : (current + by + matches.length) % matches.length;
    tail.set(false);
    matches[current].classList.add("current");
    // Not scrollIntoView: that moves the page too.
    const row = matches[current];
    box.scrollTop = row.offsetTop - box.clientHeight / 2;
    tell();
  }

  function tell() {
    found.textContent = search.value === ""
      ? ""
      : matches.length === 0
      ? "none"
      : current === -1
      ? `${matches.length} found`
      : `${current + 1} of ${matches.length}`;
  }

  /** Adds a text; `isGrep`: each line brings its number and a mark, as the service's `?grep=` writes them. */
  function append(text, isGrep = false) {
    const pieces = text.split("\n");
    const made = [];
    pieces.forEach((piece, index) => {
      const isLast = index === pieces.length - 1;
      if (rest && index === 0) {
        setLine(rest, rest.textContent + piece);
        if (!isLast) rest = undefined;
        return;
      }
      if (isLast && piece === "") return;
      const row = h("li");
      setLine(row, isGrep ? numbered(row, piece) : piece);
      made.push(row);
      if (isLast) rest = row;
    });
    rows.append(...made);
    const over = rows.childElementCount - MOST_LINES;
    if (over > 0) {
      for (let i = 0; i < over; i++) rows.firstElementChild.remove();
      first += over;
      rows.style.counterReset = `line ${first - 1}`;
      note.textContent = `Only the newest ${MOST_LINES.toLocaleString()} lines are shown here`;
    }
    note.hidden = rows.childElementCount > 0 && first === 1;
    if (search.value !== "") {
      matches.push(...made.filter(mark));
      matches = matches.filter((row) => row.isConnected);
      tell();
    }
    if (follows && tail.isOn()) toEnd();
  }

  function numbered(row, line) {
    const [, number, mark, text] = /^(\d+)([:-])(.*)$/s.exec(line) ?? [];
    row.className = number === undefined ? "gap" : mark === ":" ? "" : "context";
    if (number === undefined) return line;
    row.style.counterSet = `line ${number}`;
    return text;
  }

  function setLine(row, line) {
    row.textContent = line.length > LONGEST_LINE
      ? `${line.slice(0, LONGEST_LINE)} … (${line.length} characters)`
      : line;
  }

  function clear(text = empty) {
    rows.replaceChildren();
    rows.style.counterReset = "";
    first = 1;
    rest = undefined;
    matches = [];
    current = -1;
    note.textContent = text;
    note.hidden = false;
    tell();
  }

  const bar = h(
    "div",
    { class: "bar" },
    h(
      "div",
      { class: "search-box" },
      search,
      iconButton("up", "Previous match", () => step(-1)),
      iconButton("down", "Next match", () => step(1)),
      found,
    ),
    h("div", { class: "bar-end" }, follows && tail.element, wrap.element, extra),
  );
  return {
    element: h("div", { class: "lines-view" }, bar, box),
    append,
    clear,
    query: () => search.value,
    stopFollowing() {
      tail.element.hidden = true;
    },
  };
}

function toggle(label, on, onChange) {
  const input = h("input", { type: "checkbox", checked: on });
  input.addEventListener("change", () => {
    onChange(input.checked);
    announce(`${label} ${input.checked ? "on" : "off"}`);
  });
  return {
    element: h("label", { class: "switch" }, input, h("span", { text: label })),
    isOn: () => input.checked,
    set: (value) => input.checked = value,
  };
}
