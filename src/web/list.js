/** The page of all gathers. */
import { callJson } from "./api.js";
import { announce, button, fill, h, icon, setText } from "./dom.js";
import { age, hasEnded, nameOf, progressLine, size, statusOf, when } from "./format.js";
import { follow } from "./live.js";
import { openStartForm } from "./start.js";

/** So many gathers are shown at first, and so many more each time. */
const PAGE = 100;

/** Changes that come together are asked about once: milliseconds. */
const GATHER_MS = 150;

/** Shows the page in `main` until `signal` aborts. */
export function listPage(main, { signal, onState }) {
  const rows = new Map();
  let limit = PAGE;
  let text = "";
  let timer;
  let hasMore = false;

  const start = () =>
    openStartForm((record) => {
      announce(`${nameOf(record)} started`);
      location.hash = `#/gathers/${record.id}`;
    });
  const body = h("tbody");
  const table = h(
    "table",
    { class: "table" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        ["Status", "Name", "Image", "Started", "Size"].map((each) =>
          h("th", { scope: "col", text: each })
        ),
      ),
    ),
    body,
  );
  const filter = h("input", {
    "type": "search",
    "class": "search",
    "placeholder": "Filter by name, status or image",
    "aria-label": "Filter gathers",
    "on": {
      input: () => {
        text = filter.value.toLowerCase();
        sift();
      },
    },
  });
  const none = h("p", {
    class: "hint",
    text: "None of these gathers matches the filter.",
    hidden: true,
  });
  const more = button("Show older gathers", {
    kind: "link",
    hidden: true,
    onClick: () => {
      limit += PAGE;
      void look().catch(() => {});
    },
  });
  const content = h("div", {}, h("p", { class: "loading", text: "Loading…" }));
  const count = h("span", { class: "count" });
  fill(
    main,
    h(
      "div",
      { class: "page-head" },
      h("h1", {}, "Gathers ", count),
      button("Start gathering", { kind: "primary", icon: "plus", onClick: start }),
    ),
    content,
  );

  async function look() {
    const records = await callJson(`must-gather?limit=${limit}`, { signal });
    hasMore = records.length === limit;
    const known = new Set(records.map(({ id }) => id));
    for (const [id, row] of rows) {
      if (known.has(id)) continue;
      row.element.remove();
      rows.delete(id);
    }
    for (const record of records) put(record);
    show();
  }

  function put(record) {
    const row = rows.get(record.id);
    if (row) return row.update(record);
    const made = makeRow(record);
    rows.set(record.id, made);
    const before = [...body.children].find((each) => Number(each.dataset.id) < record.id);
    body.insertBefore(made.element, before ?? null);
  }

  function show() {
    setText(count, rows.size === 0 ? "" : `${rows.size}${hasMore ? "+" : ""}`);
    more.hidden = !hasMore;
    if (rows.size === 0) {
      if (!content.querySelector(".empty")) fill(content, empty(start));
    } else if (!table.isConnected) {
      fill(
        content,
        h("div", { class: "card" }, h("div", { class: "bar" }, filter), table, none, more),
      );
    }
    sift();
  }

  function sift() {
    let shown = 0;
    for (const { element, words } of rows.values()) {
      element.hidden = text !== "" && !words().includes(text);
      if (!element.hidden) shown++;
    }
    none.hidden = shown > 0;
  }

  function onEvent(type, data) {
    const row = rows.get(data.id);
    if (type === "progress" && row) {
      const { id: _, ...progress } = data;
      row.update({ ...row.record(), progress });
    } else {
      if (type === "transition" && row && hasEnded(data)) {
        announce(`${nameOf(row.record())}: ${statusOf(data)[0]}`);
      }
      timer ??= setTimeout(() => {
        timer = undefined;
        if (!signal.aborted) void look().catch(() => {});
      }, GATHER_MS);
    }
  }

  const ticking = setInterval(() => {
    for (const row of rows.values()) row.tick();
  }, 5_000);
  signal.addEventListener("abort", () => {
    clearInterval(ticking);
    clearTimeout(timer);
  }, { once: true });
  void follow("events?types=transition,progress", { onEvent, look, onState, signal });
}

function empty(start) {
  return h(
    "div",
    { class: "empty card" },
    icon("box", "big"),
    h("h2", { text: "Nothing gathered yet" }),
    h("p", {
      text:
        "A must-gather collects the logs and resources that support needs to understand a problem. " +
        "Press the button, wait a few minutes, and download one file.",
    }),
    button("Start gathering", { kind: "primary", icon: "plus", onClick: start }),
  );
}

/** The state of a gather as picture and word. */
export function statusLabel(record) {
  const [text, name, kind] = statusOf(record);
  return h("span", { class: `status ${kind}` }, icon(name), h("span", { text }));
}

function makeRow(first) {
  let record;
  const status = h("td", { "data-label": "Status" });
  const link = h("a", { class: "name", href: `#/gathers/${first.id}` });
  const under = h("div", { class: "under" });
  const bar = h("progress", { "max": "100", "aria-label": `Progress of ${nameOf(first)}` });
  const image = h("td", { "data-label": "Image", "class": "image" });
  const started = h("td", { "data-label": "Started", "class": "nowrap" });
  const bytes = h("td", { "data-label": "Size", "class": "nowrap" });
  const element = h(
    "tr",
    { "data-id": first.id },
    status,
    h("td", { "data-label": "Name" }, link, under, bar),
    image,
    started,
    bytes,
  );

  function update(next) {
    const old = record;
    record = next;
    if (old?.status !== next.status || old?.reason !== next.reason) fill(status, statusLabel(next));
    setText(link, nameOf(next));
    link.title = nameOf(next);
    const line = hasEnded(next)
      ? next.status === "error" ? next.message : `#${next.id}`
      : progressLine(next.progress);
    setText(under, line);
    under.title = hasEnded(next) ? line : "";
    bar.hidden = next.status !== "inprogress";
    if (next.progress.percent === null) bar.removeAttribute("value");
    else bar.value = next.progress.percent;
    setText(image, next.image || next["image-stream"] || "All operators' images");
    image.title = image.textContent;
    setText(
      bytes,
      next["archive-size"] > 0
        ? `${size(next["archive-size"])}${next.partial ? " (partial)" : ""}`
        : "–",
    );
    tick();
  }
  function tick() {
    setText(started, age(record["created-at"]));
    started.title = when(record["created-at"]);
    if (!hasEnded(record)) setText(under, progressLine(record.progress));
  }
  update(first);
  return {
    element,
    update,
    tick,
    record: () => record,
    words: () =>
      `${nameOf(record)} ${statusOf(record)[0]} ${record.image} ${record.command} #${record.id}`
        .toLowerCase(),
  };
}
