/** A drawing in words. */
import { h } from "./dom.js";

/** All transitions as a table, for those who cannot see the drawing. */
export function tableOf(arrows, states) {
  const wordsOf = (line) => line.firstChild.textContent;
  const does = (line) => line.querySelector("title")?.textContent.replace(/^\/ /, "") ?? "";
  const shown = (path) => path || "any";
  const rows = [
    ...arrows.filter(({ isInitial }) => !isInitial).flatMap(({ from, to, lines }) =>
      lines.map((line) => [from, wordsOf(line), does(line), to])
    ),
    ...[...states].flatMap(([path, { element }]) =>
      [...element.querySelectorAll("[data-event]")].map((row) => {
        const [words, actions = ""] = wordsOf(row).split(" / ");
        return [path, words, actions === "–" ? "" : actions, path];
      })
    ),
  ].toSorted(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  return h(
    "table",
    { class: "table" },
    h(
      "thead",
      {},
      h("tr", {}, ["State", "Event", "Does", "To"].map((text) => h("th", { scope: "col", text }))),
    ),
    h(
      "tbody",
      {},
      rows.map(([from, event, actions, to]) =>
        h(
          "tr",
          {},
          h("td", { text: shown(from) }),
          h("td", {}, h("code", { text: event })),
          h("td", { text: actions }),
          h("td", { text: from === to ? "stays" : shown(to) }),
        )
      ),
    ),
  );
}
