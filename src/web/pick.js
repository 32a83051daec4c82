/** A list under a field to choose from; what is typed sifts it. Typing on without choosing is as good. */
import { fill, h, setText } from "./dom.js";
import { age } from "./format.js";

/** So many are shown; more typing finds the others. */
const MOST_SHOWN = 50;

let count = 0;

/**
 * Makes a field one to choose from. Gives what sets its items: `{name, place, about, status, last, words}`, of which `name` goes into the
 * field and `onChoose` is given the whole item.
 */
export function pickFrom({ element, input }, { label, onChoose }) {
  const id = `pick-${++count}`;
  let items = [];
  let shown = [];
  let at = -1;
  let isOpen = false;

  const list = h("ul", { id, "class": "pick-list", "role": "listbox", "aria-label": label });
  const told = h("p", { "class": "hint pick-told", "role": "status" });
  const box = h("div", { class: "pick", hidden: true }, list, told);
  element.insertBefore(box, input.nextSibling);
  for (
    const [name, value] of [
      ["role", "combobox"],
      ["aria-autocomplete", "list"],
      ["aria-controls", id],
      ["aria-expanded", "false"],
    ]
  ) input.setAttribute(name, value);

  function toggle(open) {
    isOpen = open && items.length > 0;
    box.hidden = !isOpen;
    input.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) {
      sift();
      box.scrollIntoView({ block: "nearest" });
    } else mark(-1);
  }

  function sift() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = items.filter((item) => words.every((word) => item.words.includes(word)));
    shown = found.slice(0, MOST_SHOWN);
    fill(list, shown.map((item, index) => option(item, index)));
    setText(
      told,
      found.length > shown.length
        ? `The first ${shown.length} of ${found.length}; type to see others`
        : found.length === 0
        ? "None in the list is called so"
        : "",
    );
    mark(-1);
  }

  function option(item, index) {
    return h(
      "li",
      {
        "id": `${id}-${index}`,
        "role": "option",
        "aria-selected": "false",
        "on": {
          mousedown: (event) => event.preventDefault(), // the field keeps the focus
          click: () => choose(item),
        },
      },
      h(
        "span",
        { class: "pick-name" },
        h("b", { text: item.name }),
        h("small", { text: item.about }),
      ),
      h(
        "span",
        { class: "pick-more" },
        h("span", { text: item.status }),
        h("small", { text: item.last ? `gathered ${age(item.last["created-at"])}` : "" }),
      ),
    );
  }

  function mark(index) {
    at = index;
    [...list.children].forEach((each, i) => each.setAttribute("aria-selected", String(i === at)));
    if (at === -1) input.removeAttribute("aria-activedescendant");
    else {
      input.setAttribute("aria-activedescendant", `${id}-${at}`);
      list.children[at].scrollIntoView({ block: "nearest" });
    }
  }

  function choose(item) {
    input.value = item.name;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    onChoose(item);
    toggle(false);
  }

  input.addEventListener("focus", () => toggle(true));
  input.addEventListener("click", () => toggle(true));
  input.addEventListener("blur", () => toggle(false));
  input.addEventListener("input", () => toggle(true));
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) toggle(true);
      if (shown.length === 0) return;
      const step = event.key === "ArrowDown" ? 1 : -1;
      mark(at === -1 && step === -1 ? shown.length - 1 : (at + step + shown.length) % shown.length);
    } else if (event.key === "Enter" && isOpen && at !== -1) {
      event.preventDefault(); // chooses; a second one sends the form
      choose(shown[at]);
    } else if (event.key === "Escape" && isOpen) {
      event.preventDefault(); // closes the list, not the dialog
      toggle(false);
    }
  });

  return {
    set(next) {
      items = next;
      if (document.activeElement === input) toggle(true);
    },
  };
}

/** The plans of the service's answer as items. */
export function planItems({ plans }) {
  return plans.map((plan) => ({
    name: plan.name,
    place: plan.namespace,
    about: `in ${plan.namespace} · ${plan.vms === 1 ? "1 VM" : `${plan.vms} VMs`}`,
    status: plan.status,
    last: plan["last-gather"],
    words: `${plan.name} ${plan.namespace} ${plan.status}`.toLowerCase(),
  }));
}

/** The VMs of the service's answer as items. */
export function vmItems({ vms }) {
  return vms.map((vm) => {
    const other = vm["source-name"] === vm.name ? vm["source-id"] : vm["source-name"];
    return {
      name: vm.name,
      place: vm.namespace,
      about: [vm.namespace && `in ${vm.namespace}`, other, `plan ${vm.plan}`].filter(Boolean)
        .join(" · "),
      status: vm.status,
      last: vm["last-gather"],
      words: `${vm.name} ${vm.namespace} ${vm["source-name"]} ${vm["source-id"]} ${vm.plan}`
        .toLowerCase(),
    };
  });
}
