/** What is known of one gather's machine: its history, what can be sent to it, its snapshot. */
import { h, setText } from "./dom.js";
import { hasEnded, nameOf } from "./format.js";
import { replayView } from "./replay.js";
import { eventButtons, nested, tidy } from "./snapshot.js";

/**
 * The cards as `{element, show, hide}`.
 *
 * @param onStep is told the step of the history that is looked at, and whether it is the newest
 * @param send sends an event to the machine
 */
export function oneGather({ onStep, send }) {
  let record;
  let inspected;
  const title = h("h2", { id: "one-title" });
  const link = h("a", {});
  const replay = replayView({ onStep: showStep });
  const note = h("p", { class: "hint" });
  const snapshot = h("pre", { "class": "snapshot", "tabindex": "0", "aria-label": "Snapshot" });
  const buttons = h("div", { class: "sending" });
  const sending = h(
    "section",
    { "class": "card", "aria-label": "Send an event" },
    h("h2", { text: "Send an event" }),
    h("p", {
      class: "hint",
      text: "What the machine accepts in this state. For development: production refuses it.",
    }),
    buttons,
  );
  const element = h(
    "div",
    { hidden: true },
    h(
      "section",
      { "class": "card", "aria-labelledby": "one-title" },
      h("div", { class: "one-head" }, title, h("span", { class: "hint" }, link)),
      replay.element,
    ),
    sending,
    h(
      "section",
      { "class": "card", "aria-label": "Snapshot" },
      h("h2", { text: "Snapshot" }),
      note,
      snapshot,
    ),
  );

  function showStep(step, isNewest) {
    const isLive = isNewest && inspected.snapshot !== null;
    const { status, reason, message, "exit-code": exitCode } = record;
    const value = nested(step.to);
    const seen = isLive
      ? tidy(inspected.snapshot)
      : isNewest
      ? { value, status, reason, exitCode, message }
      : { value, event: step.event, at: step.at };
    const tags = inspected.tags.length > 0 ? `; tags: ${inspected.tags.join(", ")}` : "";
    setText(
      note,
      isLive
        ? `As it is now${tags}`
        : isNewest
        ? "It has ended: its machine is gone, its record says how."
        : "Where it stood after this step; what it held then is not kept.",
    );
    setText(snapshot, JSON.stringify(seen, null, 2));
    onStep(step, isNewest);
  }

  /** Shows a record and what is known of its machine; `maySend`: whether the service takes events. */
  function show(nextRecord, nextInspected, maySend) {
    record = nextRecord;
    inspected = nextInspected;
    setText(title, nameOf(record));
    link.href = `./#/gathers/${record.id}`;
    setText(link, `Gather ${record.id} in the console`);
    sending.hidden = !maySend || hasEnded(record);
    eventButtons(buttons, inspected.accepts, send);
    element.hidden = false;
    replay.show(record);
  }

  /** Shows nothing until there is another. */
  function hide() {
    replay.reset();
    element.hidden = true;
  }

  return { element, show, hide };
}
