/** Showing a snapshot, and what can be sent to the machine that it is of. */
import { button, fill } from "./dom.js";

/** A dotted state as XState writes its value: `inprogress.packing` is `{inprogress: "packing"}`. */
export function nested(state) {
  const at = state.indexOf(".");
  return at === -1 ? state : { [state.slice(0, at)]: nested(state.slice(at + 1)) };
}

/** What of XState's snapshot says something: not what is empty, nor how it is kept. */
export function tidy({ status, value, context, children = {}, error, output, input }) {
  const actors = Object.entries(children).map(([id, { snapshot }]) => [id, tidy(snapshot)]);
  return {
    status,
    value,
    context,
    input,
    error,
    output,
    ...(actors.length > 0 && { children: Object.fromEntries(actors) }),
  };
}

/** An event in a few words: its type, and what it says besides. */
export function wordsOf({ type, ...rest }) {
  const more = Object.entries(rest).filter(([, value]) => value !== "" && value !== false);
  return [
    type,
    ...more.map(([key, value]) =>
      value === true ? key : typeof value === "number" ? `${key} ${value}` : value
    ),
  ].join(" ");
}

/** Fills an element with a button an event; those that stay keep the focus. */
export function eventButtons(element, events, send) {
  const words = events.map(wordsOf);
  if (element.dataset.words === words.join("\n")) return;
  element.dataset.words = words.join("\n");
  const focused = document.activeElement?.closest("[data-event-words]")?.dataset.eventWords;
  const buttons = events.map((event, index) =>
    button(words[index], { "data-event-words": words[index], "onClick": () => send(event) })
  );
  fill(element, buttons);
  buttons.find((each) => each.dataset.eventWords === focused)?.focus();
}
