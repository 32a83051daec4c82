/** The inspector: the machines as they are defined, and every gather where it is on them. */
import { call, callJson } from "./api.js";
import { announce, fill, h, toast } from "./dom.js";
import { hasEnded, nameOf, statusOf } from "./format.js";
import { inspectList } from "./inspect-list.js";
import { machineCard } from "./inspect-machine.js";
import { oneGather } from "./inspect-one.js";
import { follow } from "./live.js";
import { main, startShell, tellState } from "./shell.js";

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
  let chosen; // the step that is looked at, where it is not the newest
  let pointedAt; // the step that the drawing shows: it does not scroll there again
  let timer;

  const card = machineCard();
  const list = inspectList();
  const one = oneGather({ onStep: showStep, send });
  fill(
    main,
    h(
      "div",
      { class: "inspector" },
      card.element,
      h(
        "div",
        { class: "side" },
        h(
          "section",
          { "class": "card", "aria-labelledby": "gathers-title" },
          h("h2", { id: "gathers-title", text: "Gathers" }),
          list.element,
        ),
        one.element,
      ),
    ),
  );

  async function look() {
    const [records, now] = await Promise.all([
      callJson(`must-gather?limit=${LISTED}`, { signal }),
      callJson("inspect/service", { signal }),
    ]);
    service = now;
    const known = new Set(records.map(({ id }) => id));
    for (const id of gathers.keys()) if (!known.has(id)) gathers.delete(id);
    for (const each of records) {
      const { stop, leftAt } = gathers.get(each.id) ?? {};
      gathers.set(each.id, { stop, leftAt, ...summaryOf(each) });
    }
    await Promise.all([...gathers.values()].filter(isStopping).map(lookAtStop));
    await draw();
    if (selected !== undefined) await lookAtSelected();
    show();
  }

  /** Where the machine stands that ends the process of a gather. */
  async function lookAtStop(gather) {
    const { snapshot } = await callJson(`must-gather/${gather.id}/machine`, { signal });
    const value = snapshot?.children?.stop?.snapshot?.value;
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
    if (!answers) {
      toast(`There is no gather ${id}`, "danger");
      location.hash = `#/${machine}`;
      return;
    }
    const [record, inspected] = answers;
    gathers.set(id, { ...gathers.get(id), ...summaryOf(record) });
    one.show(record, inspected, service?.["may-send"]);
  }

  function lookSoon() {
    timer ??= setTimeout(() => {
      timer = undefined;
      const isUnknown = [...gathers.values()].some(({ name }) => name === undefined);
      const looking = isUnknown ? look() : selected === undefined ? undefined : lookAtSelected();
      looking?.catch(() => {}); // who follows the events tells that the service is gone
    }, TOGETHER_MS);
  }

  async function draw() {
    if (drawing?.machine === machine) return;
    const wanted = machine;
    const loaded = await card.show(wanted, signal);
    if (machine === wanted) drawing = { ...loaded, machine };
  }

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
    if (id === selected || gather.name === undefined) lookSoon();
  }

  /** Every step of every machine; a gather's own moves come as transitions. */
  function onMachine({ id, machine: which, event, state: to }) {
    const holder = which === "service" ? service : gathers.get(id);
    if (!holder) return;
    const key = which === "stop" ? "stop" : "state";
    const from = holder[key];
    if (which !== "gather") holder[key] = to;
    const isMove = from !== undefined && from !== to;
    if (machine === which && !(which === "gather" && isMove)) {
      drawing?.take({ from: from ?? to, event, to });
    }
    if (which !== "gather") show(isMove ? { key: id ?? "service", from, event, to } : undefined);
    if (id === selected) lookSoon();
  }

  function show(step) {
    list.show(gathers.values(), machine === "service" ? "gather" : machine, selected);
    if (drawing?.machine === machine) drawing.setMarks(marks(), step);
  }

  function marks() {
    if (machine !== "service") return [...gathers.values()].flatMap(markOf);
    const title = `service: ${service?.state}`;
    const mark = { key: "service", label: "service", kind: "live", title, href: "#/service" };
    return service ? [{ ...mark, state: service.state }] : [];
  }

  /** The mark of one gather; none where it is not on this machine. */
  function markOf(gather) {
    const { id, name = "", stop } = gather;
    const isSelected = id === selected;
    const isPast = isSelected && chosen !== undefined && machine === "gather";
    const state = machine === "stop" ? stop : isPast ? chosen.to : gather.state;
    const isOver = hasEnded(gather) && !(Date.now() - gather.leftAt < LINGER_MS);
    if (state === undefined || (isOver && !(isSelected && machine === "gather"))) return [];
    const kind = isPast ? "past" : hasEnded(gather) ? statusOf(gather)[2] : "live";
    return [{
      key: id,
      label: String(id),
      state,
      kind: isSelected ? `${kind} selected` : kind,
      title: `${id} ${name}: ${state}`,
      href: `#/${machine}/${id}`,
    }];
  }

  function showStep(step, isNewest) {
    chosen = isNewest ? undefined : step;
    if (drawing?.machine !== "gather") return;
    const { from, event, to, index } = step;
    drawing.setMarks(marks(), { key: selected, from, event, to });
    const point = `${selected} ${index}`;
    if (point !== pointedAt) drawing.showStep(step);
    pointedAt = point;
  }

  async function send(event) {
    try {
      await call(`must-gather/${selected}/machine`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(event),
        signal,
      });
      lookSoon();
    } catch (error) {
      if (!signal.aborted) toast(error.message, "danger");
    }
  }

  /** Shows another machine or another gather. */
  async function open(nextMachine, id) {
    machine = nextMachine;
    pointedAt = undefined;
    if (id !== selected) {
      selected = id;
      chosen = undefined;
      one.hide();
    }
    document.title = `${machine} · Inspector · Must-gather`;
    card.name(machine, id);
    try {
      await draw();
      show();
      if (selected !== undefined) await lookAtSelected();
      else drawing?.showStep(undefined);
    } catch {
      /* who follows the events tells that the service is gone, and looks again when it is back */
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
