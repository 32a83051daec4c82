/** The page of one gather. */
import { call, callJson, download } from "./api.js";
import { contentsView } from "./contents.js";
import { ask } from "./dialog.js";
import { announce, button, fill, h, icon, setText, toast } from "./dom.js";
import { factsOf } from "./facts.js";
import { age, clock, duration, hasEnded, nameOf, progressLine, statusOf, when } from "./format.js";
import { statusLabel } from "./list.js";
import { follow } from "./live.js";
import { FLUSH_MS, outputView } from "./output.js";
import { stepsOf } from "./steps.js";

/** Shows a gather in `main` until `signal` aborts; gives what changes the file that is looked at. */
export function gatherPage(main, id, { signal, onState, path }) {
  const base = `must-gather/${id}`;
  const leave = new AbortController();
  const both = AbortSignal.any([signal, leave.signal]);
  let record;
  let contents;
  let wanted = path;

  const title = h("h1", { text: `Gather ${id}` });
  const status = h("span", { class: "head-status" });
  const actions = h("div", { class: "actions" });
  const steps = h("ol", { "class": "steps", "aria-label": "Phases" });
  const bar = h("progress", { "max": "100", "aria-label": "Progress" });
  const line = h("p", { "class": "progress-line", "role": "status" });
  const message = h("div", { class: "message" });
  const facts = h("dl", { class: "facts" });
  const result = h(
    "section",
    { "class": "card", "aria-labelledby": "result-title" },
    h("h2", { id: "result-title", text: "Details" }),
    facts,
  );
  const output = outputView(id, { signal: both });
  const files = h(
    "section",
    { "class": "card", "aria-labelledby": "files-title", "hidden": true },
    h("h2", { id: "files-title", text: "In the archive" }),
  );
  const history = h("ol", { class: "history" });
  const page = h(
    "div",
    { class: "gather" },
    h(
      "nav",
      { "aria-label": "Breadcrumb", "class": "crumbs" },
      h("a", { href: "#/", text: "Gathers" }),
      icon("right"),
      h("span", { "aria-current": "page", "text": `#${id}` }),
    ),
    h("div", { class: "page-head" }, h("div", { class: "title" }, title, status), actions),
    message,
    h("section", { "class": "card", "aria-label": "Progress" }, steps, bar, line),
    h(
      "div",
      { class: "columns" },
      result,
      h(
        "section",
        { "class": "card output", "aria-labelledby": "output-title" },
        h("h2", { id: "output-title", text: "Output" }),
        output.element,
      ),
    ),
    files,
    h("details", { class: "card" }, h("summary", { text: "History" }), history),
  );
  fill(main, h("p", { class: "loading", text: "Loading…" }));

  async function look() {
    show(await callJson(base, { signal: both }));
    // Not waited for: the stream is read meanwhile.
    void output.look(hasEnded(record)).catch(() => {});
  }

  function onEvent(type, data) {
    if (type === "reset") return void look().catch(() => {});
    if (type === "progress") {
      const { id: _, ...progress } = data;
      if (record && !hasEnded(record)) showProgress({ ...record, progress });
    } else if (type === "log") {
      output.add(data);
    } else if (type === "transition") {
      void callJson(base, { signal: both }).then((next) => {
        if (hasEnded(next) && record && !hasEnded(record)) {
          announce(`${nameOf(next)}: ${statusOf(next)[0]}. ${next.message}`);
        }
        show(next);
      }).catch(() => {});
    }
  }

  function show(next) {
    if (record && next["updated-at"] < record["updated-at"]) return; // an answer overtaken by a later one
    const first = record === undefined;
    record = next;
    if (first) fill(main, page);
    const name = nameOf(next);
    document.title = `${name} · Must-gather`;
    setText(title, name);
    fill(status, statusLabel(next));
    showProgress(next);
    fill(
      history,
      next.transitions.map((each) =>
        h(
          "li",
          {},
          h("time", { datetime: each.at, title: when(each.at), text: clock(each.at) }),
          h("code", { text: each.event }),
          h("span", { text: `${each.from} → ${each.to}` }),
        )
      ),
    );
    showActions(next);
    fill(facts, factsOf(next));
    fill(
      message,
      next.message !== "" &&
        alert(
          !hasEnded(next)
            ? "info"
            : next.status === "completed" && next.leftovers.length > 0
            ? "warning"
            : statusOf(next)[2],
          next.message,
        ),
    );
    if (next["archive-url"] !== "" && !contents) {
      contents = contentsView(next, { signal });
      files.append(contents.element);
      files.hidden = false;
      if (wanted !== undefined) contents.open(wanted);
    }
    if (hasEnded(next)) {
      output.stopFollowing();
      // Nothing happens to it any more. What the log still has is looked at first.
      setTimeout(() => {
        if (signal.aborted || leave.signal.aborted) return;
        onState("live");
        leave.abort();
      }, 2 * FLUSH_MS);
    }
  }

  function showProgress(next) {
    record = next;
    fill(
      steps,
      stepsOf(next).map(({ label, state, ms }) =>
        h(
          "li",
          { "class": `step ${state}`, "aria-current": state === "current" ? "step" : undefined },
          icon({ done: "check", current: "spin", failed: "cross", stopped: "ban" }[state] ?? "dot"),
          h(
            "span",
            {},
            label,
            h("small", { text: ms === null ? "" : duration(ms) }),
            h("span", {
              class: "sr",
              text: { done: " (done)", current: " (now)", todo: " (to come)" }[state] ?? "",
            }),
          ),
        )
      ),
    );
    bar.hidden = hasEnded(next);
    if (next.progress.percent === null || next.status === "new") bar.removeAttribute("value");
    else bar.value = next.progress.percent;
    setText(
      line,
      hasEnded(next)
        ? `${statusOf(next)[0]} ${age(next["finished-at"] ?? next["updated-at"])}` +
          (next["started-at"]
            ? `, after ${
              duration(Date.parse(next["finished-at"]) - Date.parse(next["started-at"]))
            }`
            : "")
        : progressLine(next.progress),
    );
  }

  let shownActions = "";
  function showActions(next) {
    const isCancelled = wasCancelled(next);
    const key = `${hasEnded(next)} ${isCancelled} ${next["archive-url"]}`;
    if (key === shownActions) return; // a button that is replaced loses the focus
    shownActions = key;
    fill(
      actions,
      next["archive-url"] !== "" &&
        button("Download", { kind: "primary", icon: "download", onClick: getArchive }),
      hasEnded(next)
        ? button("Remove", { kind: "secondary", onClick: remove })
        : isCancelled
        ? button("Stop at once", { kind: "danger", icon: "ban", onClick: stopAtOnce })
        : button("Cancel gather", { kind: "danger", icon: "ban", onClick: cancel }),
    );
  }

  async function getArchive() {
    try {
      const { url } = await callJson(`${base}/link`, { method: "POST" });
      download(url, "");
    } catch (error) {
      toast(error.message, "danger");
    }
  }

  async function cancel() {
    const isWaiting = record.status === "new";
    const keep = await ask({
      title: "Cancel this gather?",
      text: isWaiting
        ? `${nameOf(record)} has not begun.`
        : `${nameOf(record)} ends, and what it made in the cluster is removed.`,
      confirm: "Cancel gather",
      box: !isWaiting && {
        label: "Keep what was collected",
        hint: "Fetches what the pods have so far; takes up to a minute longer.",
      },
    });
    if (keep !== undefined) await stop(keep);
  }

  async function stopAtOnce() {
    const sure = await ask({
      title: "Stop at once?",
      text: `${nameOf(record)} is being cancelled. What is not saved yet is given up; ` +
        "there may be no archive.",
      confirm: "Stop at once",
    });
    if (sure !== undefined) await stop(false);
  }

  async function stop(keep) {
    try {
      show(await callJson(`${base}${keep ? "?keep=1" : ""}`, { method: "DELETE" }));
      announce("Cancelling");
    } catch (error) {
      toast(error.message, "danger");
    }
  }

  async function remove() {
    const sure = await ask({
      title: "Remove this gather?",
      text: `The record of ${
        nameOf(record)
      } and its archive are removed from the service. This cannot be undone.`,
      confirm: "Remove",
    });
    if (sure === undefined) return;
    try {
      await call(`${base}?purge=1`, { method: "DELETE" });
      toast(`${nameOf(record)} is removed`);
      location.hash = "#/";
    } catch (error) {
      toast(error.message, "danger");
    }
  }

  const ticking = setInterval(() => record && showProgress(record), 5_000);
  signal.addEventListener("abort", () => clearInterval(ticking), { once: true });
  void follow(`${base}/events`, {
    onEvent,
    look,
    signal: both,
    onState(state, ...rest) {
      if (state !== "ended") return onState(state, ...rest);
      fill(
        main,
        h(
          "div",
          { class: "empty card" },
          icon("box", "big"),
          h("h2", { text: "No such gather" }),
          h("p", { text: "It may have been removed." }),
          h("a", { class: "button secondary", href: "#/", text: "To all gathers" }),
        ),
      );
    },
  });
  return {
    open(next) {
      wanted = next;
      if (next !== undefined) contents?.open(next);
    },
  };
}

/** Whether somebody has asked for its end. */
function wasCancelled({ transitions }) {
  return transitions.some(({ event }) => event === "gather.cancel");
}

function alert(kind, text) {
  return h(
    "div",
    { class: `alert ${kind}`, role: "status" },
    icon({ success: "check", warning: "warn", danger: "cross" }[kind] ?? "info"),
    h("p", { text }),
  );
}
