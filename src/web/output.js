/** The output of one gather: what was printed before comes from the log, what comes then from events. */
import { call, save } from "./api.js";
import { button, toast } from "./dom.js";
import { linesView } from "./lines.js";

/** Lines of output fetched at first; the whole of it can be saved. */
const FIRST_LINES = 3_000;

/** The service tells output at most 250 ms after it was printed; this is that and the way. Milliseconds. */
export const FLUSH_MS = 500;

/** What tells where known output ends in output fetched again, in characters. */
const TAIL = 4_096;

/** The view as `{element, look, add, stopFollowing}`, until `signal` aborts. */
export function outputView(id, { signal }) {
  const base = `must-gather/${id}`;
  const lines = linesView({
    label: "Output",
    follows: true,
    empty: "Nothing printed yet",
    extra: button("Save all", {
      kind: "plain small",
      icon: "download",
      onClick: () =>
        save(`${base}/log`, `gather-${id}.log`).catch((error) => toast(error.message, "danger")),
    }),
  });
  let held = []; // events that came while the log was fetched
  let isHolding = true;
  let tail = "";

  function print(text) {
    lines.append(text);
    tail = (tail + text).slice(-TAIL);
  }

  /** Fetches the log and prints what of it is not here yet; `hasEnded`: nothing more is printed. Where the two meet is found by their text. */
  async function look(hasEnded) {
    held = [];
    isHolding = true;
    try {
      const text = await (await call(`${base}/log?tail=${FIRST_LINES}`, { signal })).text();
      if (!hasEnded) await new Promise((resolve) => setTimeout(resolve, FLUSH_MS));
      const at = tail === "" ? -1 : text.lastIndexOf(tail);
      if (at === -1) {
        lines.clear();
        tail = "";
        print(text);
      } else print(text.slice(at + tail.length));
      const later = held.join("");
      let overlap = Math.min(later.length, tail.length);
      while (overlap > 0 && !tail.endsWith(later.slice(0, overlap))) overlap--;
      print(later.slice(overlap));
    } finally {
      isHolding = false;
      held = [];
    }
  }

  /** Adds what an event of the type `log` says. */
  function add({ "skipped-lines": skipped, text: printed }) {
    const text = (skipped > 0 ? `[${skipped} lines are not shown; “Save all” has them]\n` : "") +
      printed;
    if (isHolding) held.push(text);
    else print(text);
  }

  return { element: lines.element, look, add, stopFollowing: lines.stopFollowing };
}
