/** The gathers that can be looked at. */
import { fill, h, icon } from "./dom.js";
import { hasEnded, statusOf } from "./format.js";

/** The list as `{element, show}`. What runs comes first, then what waits; the newest of each first. */
export function inspectList() {
  const list = h("ul", { class: "gathers" });
  const none = h("p", {
    class: "hint",
    text: "Nothing is being gathered. Start one in the console and watch it here.",
  });

  /** Shows gathers as links to where `machine` is drawn; that with the id `selected` is marked. */
  function show(gathers, machine, selected) {
    const sorted = [...gathers].toSorted((a, b) => rankOf(a) - rankOf(b) || b.id - a.id);
    none.hidden = sorted.some((each) => !hasEnded(each));
    const items = new Map([...list.children].map((each) => [Number(each.dataset.id), each]));
    sorted.forEach((gather, index) => {
      const item = items.get(gather.id) ?? h("li", { "data-id": gather.id }, h("a", {}));
      items.delete(gather.id);
      showItem(item.firstChild, gather, `#/${machine}/${gather.id}`, gather.id === selected);
      if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
    });
    for (const item of items.values()) item.remove();
  }

  return { element: h("div", {}, none, list), show };
}

function rankOf(gather) {
  if (hasEnded(gather)) return 2;
  return gather.status === "new" ? 1 : 0;
}

function showItem(link, gather, href, isSelected) {
  const { id, name = "", state } = gather;
  const [, sign, kind] = statusOf(gather);
  link.setAttribute("href", href);
  if (isSelected) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
  const text = `${name} ${state} ${kind}`;
  if (link.dataset.text === text) return;
  link.dataset.text = text;
  link.title = `${name}: ${state}`;
  fill(
    link,
    h("span", { class: `number ${hasEnded(gather) ? kind : "live"}`, text: id }),
    h("span", { class: "gather-name", text: name }),
    h(
      "span",
      { class: `status ${kind}` },
      icon(sign),
      h("span", { text: state.split(".").at(-1) }),
    ),
  );
}
