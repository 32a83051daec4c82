/** The card with the drawing of a machine. */
import { fill, h, iconButton, setText } from "./dom.js";
import { loadDrawing } from "./drawing.js";

const MACHINES = {
  gather: "The life of one gather",
  stop: "Ending the process group of a gather, while that is stopping",
  service: "The life of the service",
};

/** The card as `{element, name, show}`. */
export function machineCard() {
  let drawing;
  const tabs = Object.keys(MACHINES).map((name) => h("a", { text: name }));
  const about = h("p", { class: "hint" });
  const place = h("div", { class: "drawing-place" });
  const words = h("div", { class: "words-table", tabindex: "0" });
  const element = h(
    "section",
    { "class": "card machine-card", "aria-label": "Machine" },
    h(
      "div",
      { class: "bar" },
      h("h1", { class: "sr", text: "Inspector" }),
      h("nav", { "class": "tabs", "aria-label": "Machines" }, tabs),
      about,
      h(
        "div",
        { class: "zoom" },
        iconButton("minus", "Smaller", () => drawing?.zoom(-1)),
        iconButton("plus", "Larger", () => drawing?.zoom(1)),
        iconButton("fit", "Fit the width", () => drawing?.fit()),
      ),
    ),
    place,
    h("details", { class: "words" }, h("summary", { text: "In words" }), words),
  );

  /** Names a machine, and in the addresses of the others the gather that is looked at. */
  function name(machine, id) {
    setText(about, MACHINES[machine]);
    for (const tab of tabs) {
      const each = tab.textContent;
      tab.href = `#/${each}${id === undefined || each === "service" ? "" : `/${id}`}`;
      if (each === machine) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
  }

  /** Loads the drawing of a machine and shows it. */
  async function show(machine, signal) {
    drawing = await loadDrawing(machine, signal);
    fill(place, drawing.element);
    fill(words, drawing.table());
    drawing.fit();
    return drawing;
  }

  return { element, name, show };
}
