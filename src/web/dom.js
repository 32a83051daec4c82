/** Building the page. Data only ever becomes text nodes and attributes: nothing here reads markup. */

const SVG = "http://www.w3.org/2000/svg";

/** Drawn in a box of 16 by 16 with a line 1.6 wide. */
const ICONS = {
  check: "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13M5 8.2l2.1 2.1L11 6.2",
  cross: "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4",
  close: "M4 4l8 8M12 4l-8 8",
  key: "M5.5 7a3.2 3.2 0 1 0 0 6.4a3.2 3.2 0 1 0 0-6.4M8 8l5.5-5.5M11 5l2 2",
  clock: "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13M8 4.5V8l2.5 1.5",
  spin: "M14.2 8A6.2 6.2 0 1 1 8 1.8",
  ban: "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13M3.6 3.6l8.8 8.8",
  warn: "M8 2L1.5 13.5h13zM8 6.5v3M8 11.6v.2",
  info: "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13M8 7.4v4M8 4.8v.2",
  download: "M8 1.8v8.4M4.8 7.2L8 10.4l3.2-3.2M2 13.8h12",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.3V2.5h-8v8h2.8",
  folder: "M1.8 12.8V3.5h4.4l1.6 1.8h6.4v7.5z",
  file: "M3.5 1.8h6l3 3v9.4h-9zM9.3 2v3h3",
  archive: "M2 2.5h12v3.2H2zM3 5.8v7.7h10V5.8M6.3 8.6h3.4",
  link:
    "M6.5 9.5l3-3M7.5 4.7l1.4-1.4a2.7 2.7 0 0 1 3.8 3.8l-1.4 1.4M8.5 11.3l-1.4 1.4a2.7 2.7 0 0 1-3.8-3.8l1.4-1.4",
  right: "M6 3.5L10.5 8L6 12.5",
  left: "M10 3.5L5.5 8L10 12.5",
  play: "M4.5 2.5L13 8L4.5 13.5z",
  plus: "M8 2.5v11M2.5 8h11",
  minus: "M2.5 8h11",
  fit: "M1.5 3v10M14.5 3v10M3.5 8h9M5.8 5.5L3.5 8l2.3 2.5M10.2 5.5L12.5 8l-2.3 2.5",
  up: "M3.5 10L8 5.5l4.5 4.5",
  down: "M3.5 6L8 10.5L12.5 6",
  sun:
    "M8 5a3 3 0 1 0 0 6a3 3 0 1 0 0-6M8 1v1.4M8 13.6V15M1 8h1.4M13.6 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
  moon: "M13.5 9.8A6 6 0 1 1 6.2 2.5a4.8 4.8 0 0 0 7.3 7.3z",
  dot: "M8 6.2a1.8 1.8 0 1 0 0 3.6a1.8 1.8 0 1 0 0-3.6",
  box: "M1.8 9.5l2-6.5h8.4l2 6.5v4H1.8zM2 9.5h3.7l1 1.8h2.6l1-1.8H14",
};

/**
 * Makes an element. `props` are attributes, but for `on` (listeners by event), `text`, and properties that have no
 * attribute (`value`, `checked`). What is null, undefined or false is left out.
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) {
        element.addEventListener(event, listener);
      }
    } else if (name === "text") element.textContent = value;
    else if (name === "value" || name === "checked") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(
    ...children.flat(Infinity).filter((child) =>
      child !== null && child !== undefined && child !== false
    ),
  );
  return element;
}

/** A picture for what stands beside it as text; screen readers pass it by. */
export function icon(name, extra = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", `icon icon-${name} ${extra}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A button; `kind` is primary, secondary, danger, plain or link. */
export function button(label, { kind = "secondary", icon: name, onClick, ...props } = {}) {
  return h(
    "button",
    { type: "button", class: `button ${kind}`, on: onClick && { click: onClick }, ...props },
    name && icon(name),
    h("span", { text: label }),
  );
}

/** A button with a sign alone; `label` is its name and its tooltip. */
export function iconButton(name, label, onClick) {
  return h("button", {
    "type": "button",
    "class": "button plain",
    "title": label,
    "aria-label": label,
    "on": { click: onClick },
  }, icon(name));
}

/** Replaces what is in an element. */
export function fill(element, ...children) {
  element.replaceChildren(
    ...children.flat(Infinity).filter((child) =>
      child !== null && child !== undefined && child !== false
    ),
  );
  return element;
}

/** Sets a text only where it differs, so that nothing is read out or selected anew. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Tells screen readers. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}

/** Shows a short message for some seconds. */
export function toast(text, kind = "success") {
  const element = h(
    "div",
    { class: `toast ${kind}`, role: kind === "danger" ? "alert" : "status" },
    icon(kind === "danger" ? "cross" : "check"),
    h("span", { text }),
  );
  document.getElementById("toasts").append(element);
  setTimeout(() => element.remove(), kind === "danger" ? 10_000 : 5_000);
}

/** Puts a text on the clipboard; where the browser does not let pages, it says so. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied");
  } catch {
    toast("The browser does not let this page copy; select the text instead", "danger");
  }
}
