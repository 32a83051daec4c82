/** The inspector: the machines as they are defined, and every gather where it is on them. */
import { call, callJson } from "./api.js";
import { announce, fill, h, icon, setText, toast } from "./dom.js";
import { loadDrawing } from "./drawing.js";
import { hasEnded, nameOf, statusOf } from "./format.js";
import { follow } from "./live.js";
import { replayView } from "./replay.js";
import { main, startShell, tellState } from "./shell.js";
import { eventButtons, nested } from "./snapshot.js";

const MACHINES = {
  gather: "The life of one gather",
  stop: "Ending the process group of a gather, while that is stopping",
  service: "The life of the service",
};

/** So many of the newest gathers can be looked at. */
const LISTED = 50;

/** The mark of one that has ended stays so long: milliseconds. */
const LINGER_MS = 6_000;

/** Changes that come together are asked about once: milliseconds. */
const TOGETHER_MS = 120;

let page;

/** Shows the machine, and of it the gather, that the address names. */
function route() {
  const [, machine = "gather", id] =
    /^#\/(gather|stop|service)(?:\/([1-9]\d{0,14}))?$/.exec(location.hash) ?? [];
  page ??= inspectorPage();
  page.open(machine, id === undefined ? undefined : Number(id));
}

function inspectorPage() {
  const leaving = new AbortController();
  const { signal } = leaving;
  const gathers = new Map();
  let service;
  let machine;
  let drawing;
  let selected;
  let record;
  let inspected;
  let chosen; // the step that is looked at, where it is not the newest
  let timer;

  const tabs = h("nav", { "class": "tabs", "aria-label": "Machines" });
  const about = h("p", { class: "hint" });
  const place = h("div", { class: "drawing-place" });
  const words = h("details", { class: "words" }, h("summary", { text: "In words" }));
  const list = h("ul", { class: "gathers" });
  const none = h("p", {
    class: "hint",
    text: "Nothing is being gathered. Start one in the console and watch it here.",
  });
  const one = h("div", {});
  const zoomButton = (name, label, act) =>
    h("button", {
      "type": "button",
      "class": "button plain",
      "title": label,
      "aria-label": label,
      "on": { click: act },
    }, icon(name));
  const title = h("h2", {});
  const status = h("span", { class: "hint" });
  const replay = replayView({ onStep: showStep });
  const snapshotNote = h("p", { class: "hint" });
  const snapshot = h("pre", { "class": "snapshot", "tabindex": "0", "aria-label": "Snapshot" });
  const sending = h("div", { class: "sending" });
  const sendingCard = h(
    "section",
    { "class": "card", "aria-label": "Send an event", "hidden": true },
    h("h2", { text: "Send an event" }),
    h("p", {
      class: "hint",
      text: "What the machine accepts in this state. For development: production refuses it.",
    }),
    sending,
  );
  fill(
    one,
    h(
      "section",
      { "class": "card", "aria-labelledby": "one-title" },
      h("div", { class: "one-head" }, title, status),
      replay.element,
    ),
    sendingCard,
    h(
      "section",
      { "class": "card", "aria-label": "Snapshot" },
      h("h2", { text: "Snapshot" }),
      snapshotNote,
      snapshot,
    ),
  );
  title.id = "one-title";
  one.hidden = true;
  fill(
    main,
    h(
      "div",
      { class: "inspector" },
      h(
        "section",
        { "class": "card machine-card", "aria-label": "Machine" },
        h(
          "div",
          { class: "bar" },
          h("h1", { class: "sr", text: "Inspector" }),
          tabs,
          about,
          h(
            "div",
            { class: "zoom" },
            zoomButton("minus", "Smaller", () => drawing?.zoom(-1)),
            zoomButton("plus", "Larger", () => drawing?.zoom(1)),
            zoomButton("fit", "Fit the width", () => drawing?.fit()),
          ),
        ),
        place,
        words,
      ),
      h(
        "div",
        { class: "side" },
        h(
          "section",
          { "class": "card", "aria-labelledby": "gathers-title" },
          h("h2", { id: "gathers-title", text: "Gathers" }),
          none,
          list,
        ),
        one,
      ),
    ),
  );

  /* What there is */

  async function look() {
    const [records, now] = await Promise.all([
      callJson(`must-gather?limit=${LISTED}`, { signal }),
      callJson("inspect/service", { signal }),
    ]);
    service = now;
    const known = new Set(records.map(({ id }) => id));
    for (const id of gathers.keys()) if (!known.has(id)) gathers.delete(id);
    for (const each of records) {
      const before = gathers.get(each.id);
      gathers.set(each.id, { stop: before?.stop, leftAt: before?.leftAt, ...summaryOf(each) });
    }
    await Promise.all([...gathers.values()].filter(isStopping).map(lookAtStop));
    if (selected !== undefined) await lookAtSelected();
    show();
  }

  /** Where the machine stands that ends the process of a gather. */
  async function lookAtStop(gather) {
    const { snapshot: now } = await callJson(`must-gather/${gather.id}/machine`, { signal });
    const value = now?.children?.stop?.snapshot?.value;
    if (typeof value === "string") gather.stop = value;
  }

  async function lookAtSelected() {
    const id = selected;
    const answers = await Promise.all([
      callJson(`must-gather/${id}`, { signal }),
      callJson(`must-gather/${id}/machine`, { signal }),
    ]).catch((error) => {
      if (error.status !== 404) throw error;
    });
    if (id !== selected) return;
    if (!answers) return tellMissing(id);
    [record, inspected] = answers;
    gathers.set(id, { ...gathers.get(id), ...summaryOf(record) });
    showSelected();
  }

  function soon() {
    timer ??= setTimeout(() => {
      timer = undefined;
      const isUnknown = [...gathers.values()].some(({ name }) => name === undefined);
      const looking = isUnknown ? look() : selected === undefined ? undefined : lookAtSelected();
      looking?.catch(() => {});
    }, TOGETHER_MS);
  }

  /* What happens */

  function onEvent(type, data) {
    if (type === "reset") return void look().catch(() => {});
    if (type === "transition") onTransition(data);
    else if (type === "machine") onMachine(data);
  }

  function onTransition({ id, event, from, to, status, reason }) {
    const gather = gathers.get(id) ?? { id };
    Object.assign(gather, { state: to, status, reason });
    if (!isStopping(gather)) gather.stop = undefined;
    gathers.set(id, gather);
    if (hasEnded(gather)) {
      gather.leftAt = Date.now();
      setTimeout(() => signal.aborted || show(), LINGER_MS);
    }
    if (machine === "gather" && !(id === selected && chosen)) drawing?.take({ from, event, to });
    show({ key: id, from, event, to });
    if (id === selected) announce(`${gather.name ?? `Gather ${id}`}: ${event}, now ${to}`);
    if (id === selected || gather.name === undefined) soon();
  }

  function onMachine({ id, machine: which, event, state }) {
    let before;
    if (which === "service") {
      before = service?.state;
      service = { ...service, state };
    } else if (which === "stop") {
      const gather = gathers.get(id);
      if (!gather) return;
      before = gather.stop;
      gather.stop = state;
    } else before = gathers.get(id)?.state;
    // A gather's own moves come as transitions.
    const isMove = before !== undefined && before !== state;
    if (machine === which && !(which === "gather" && isMove)) {
      drawing?.take({ from: before ?? state, event, to: state });
    }
    if (which !== "gather") {
      show(isMove ? { key: id ?? "service", from: before, event, to: state } : undefined);
    }
    if (id === selected) soon();
  }

  /* How it looks */

  function show(step) {
    showList();
    drawing?.setMarks(marks(), step);
  }

  function marks() {
    if (machine === "service") {
      if (!service) return [];
      const mark = { key: "service", label: "service", state: service.state, kind: "live" };
      return [{ ...mark, title: `service: ${service.state}`, href: "#/service" }];
    }
    return [...gathers.values()].flatMap((gather) => {
      const { id, name, stop } = gather;
      const isSelected = id === selected;
      const isLate = hasEnded(gather) && !(Date.now() - gather.leftAt < LINGER_MS);
      const at = machine === "stop" ? stop : isSelected && chosen ? chosen.to : gather.state;
      if (at === undefined || (isLate && !(isSelected && machine === "gather"))) return [];
      const [, , kind] = statusOf(gather);
      const isPast = isSelected && chosen && machine === "gather";
      return [{
        key: id,
        label: String(id),
        state: at,
        kind: `${isPast ? "past" : hasEnded(gather) ? kind : "live"}${
          isSelected ? " selected" : ""
        }`,
        title: `${id} ${name ?? ""}: ${at}`,
        href: `#/${machine}/${id}`,
      }];
    });
  }

  function showList() {
    const sorted = [...gathers.values()].toSorted((a, b) =>
      Number(hasEnded(a)) - Number(hasEnded(b)) || b.id - a.id
    );
    none.hidden = sorted.some((each) => !hasEnded(each));
    const known = new Map([...list.children].map((each) => [Number(each.dataset.id), each]));
    sorted.forEach((gather, index) => {
      const item = known.get(gather.id) ?? h("li", { "data-id": gather.id }, h("a", {}));
      known.delete(gather.id);
      const link = item.firstChild;
      link.setAttribute("href", `#/${machine === "service" ? "gather" : machine}/${gather.id}`);
      if (gather.id === selected) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
      const [, sign, kind] = statusOf(gather);
      const text = `${gather.id} ${gather.name} ${gather.state} ${kind}`;
      if (link.dataset.text !== text) {
        link.dataset.text = text;
        fill(
          link,
          h("span", { class: `number ${hasEnded(gather) ? kind : "live"}`, text: gather.id }),
          h("span", { class: "gather-name", text: gather.name ?? "" }),
          h("span", { class: `status ${kind}` }, icon(sign), h("span", { text: gather.state })),
        );
      }
      if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
    });
    for (const item of known.values()) item.remove();
  }

  function showSelected() {
    one.hidden = false;
    setText(title, nameOf(record));
    fill(
      status,
      h("a", { href: `./#/gathers/${record.id}`, text: `Gather ${record.id} in the console` }),
    );
    replay.show(record);
    showEvents();
  }

  function tellMissing(id) {
    record = undefined;
    one.hidden = true;
    toast(`There is no gather ${id}`, "danger");
    location.hash = `#/${machine}`;
  }

  function showStep(step, isNewest) {
    chosen = isNewest ? undefined : step;
    if (machine === "gather") {
      const key = selected;
      const from = step.from ?? step.to;
      drawing?.setMarks(marks(), { key, from, event: step.event, to: step.to });
      drawing?.showStep(step);
    }
    const isLive = isNewest && inspected?.snapshot;
    setText(
      snapshotNote,
      isLive
        ? `As it is now${inspected.tags.length > 0 ? `; tags: ${inspected.tags.join(", ")}` : ""}`
        : isNewest
        ? "It has ended: its machine is gone, its record says how."
        : "Where it stood after this step; what it held then is not kept.",
    );
    const { status: now, reason, message, "exit-code": exitCode } = record;
    const shown = isLive
      ? inspected.snapshot
      : isNewest
      ? { value: nested(step.to), status: now, reason, exitCode, message }
      : { value: nested(step.to), event: step.event, at: step.at };
    setText(snapshot, JSON.stringify(shown, null, 2));
  }

  function showEvents() {
    const accepts = service?.["may-send"] ? inspected.accepts : [];
    sendingCard.hidden = !service?.["may-send"] || hasEnded(record);
    eventButtons(sending, accepts, async (event) => {
      try {
        await call(`must-gather/${selected}/machine`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(event),
          signal,
        });
        soon();
      } catch (error) {
        if (!signal.aborted) toast(error.message, "danger");
      }
    });
  }

  async function open(nextMachine, id) {
    if (id !== selected) {
      replay.stop();
      selected = id;
      record = inspected = chosen = undefined;
      one.hidden = true;
    }
    const isOther = nextMachine !== machine;
    machine = nextMachine;
    setText(about, MACHINES[machine]);
    document.title = `${machine} · Inspector · Must-gather`;
    fill(
      tabs,
      Object.keys(MACHINES).map((name) =>
        h("a", {
          "href": `#/${name}${id === undefined || name === "service" ? "" : `/${id}`}`,
          "aria-current": name === machine ? "page" : undefined,
          "text": name,
        })
      ),
    );
    try {
      if (isOther) {
        drawing = undefined;
        const loaded = await loadDrawing(nextMachine, signal);
        if (machine !== nextMachine) return;
        drawing = loaded;
        fill(place, drawing.element);
        words.lastChild !== words.firstChild && words.lastChild.remove();
        words.append(h("div", { class: "words-table", tabindex: "0" }, drawing.table()));
        drawing.fit();
      }
      show();
      if (selected !== undefined) await lookAtSelected();
      else drawing.showStep(undefined);
    } catch (error) {
      if (!signal.aborted) tellState("gone", error.message);
    }
  }

  void follow("events?types=transition,machine", { onEvent, look, onState: tellState, signal });
  return { open, leave: () => leaving.abort() };
}

function summaryOf(record) {
  const { id, state, status, reason } = record;
  return { id, name: nameOf(record), state, status, reason };
}

function isStopping({ state }) {
  return state === "inprogress.stopping";
}

/** Ends the page; false where a token is asked for already. */
function leave() {
  if (!page) return false;
  page.leave();
  page = undefined;
  return true;
}

startShell({ leave, show: route });
