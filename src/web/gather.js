/** The page of one gather. */
import { call, callJson, download, readToken, save } from "./api.js";
import { contentsView } from "./contents.js";
import { ask } from "./dialog.js";
import { announce, button, copyText, fill, h, icon, setText, toast } from "./dom.js";
import {
  age,
  clock,
  duration,
  hasEnded,
  hexDigest,
  nameOf,
  progressLine,
  size,
  statusOf,
  when,
} from "./format.js";
import { linesView } from "./lines.js";
import { statusLabel } from "./list.js";
import { follow } from "./live.js";
import { stepsOf } from "./steps.js";

/** Lines of output fetched at first; the whole of it can be saved. */
const FIRST_LINES = 3_000;

/** The service tells output at most 250 ms after it was printed; this is that and the way. Milliseconds. */
const FLUSH_MS = 500;

/** What tells where known output ends in output fetched again, in characters. */
const TAIL = 4_096;

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
  const output = linesView({
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

  /* Output: what was printed before comes from the log, what comes then from events; where they meet is found by their text. */
  let held = []; // events that came while the log was fetched
  let isHolding = true;
  let tail = "";

  function print(text) {
    output.append(text);
    tail = (tail + text).slice(-TAIL);
  }

  async function lookAtOutput() {
    held = [];
    isHolding = true;
    const text = await (await call(`${base}/log?tail=${FIRST_LINES}`, { signal: both })).text();
    if (!hasEnded(record)) await new Promise((resolve) => setTimeout(resolve, FLUSH_MS));
    const at = tail === "" ? -1 : text.lastIndexOf(tail);
    if (at === -1) {
      output.clear();
      tail = "";
      print(text);
    } else print(text.slice(at + tail.length));
    const later = held.join("");
    let overlap = Math.min(later.length, tail.length);
    while (overlap > 0 && !tail.endsWith(later.slice(0, overlap))) overlap--;
    isHolding = false;
    held = [];
    print(later.slice(overlap));
  }

  async function look() {
    show(await callJson(base, { signal: both }));
    // Not waited for: the stream is read meanwhile.
    void lookAtOutput().catch(() => isHolding = false);
  }

  function onEvent(type, data) {
    if (type === "reset") return void look().catch(() => {});
    if (type === "progress") {
      const { id: _, ...progress } = data;
      if (record && !hasEnded(record)) showProgress({ ...record, progress });
    } else if (type === "log") {
      const text = (data["skipped-lines"] > 0
        ? `[${data["skipped-lines"]} lines are not shown; “Save all” has them]\n`
        : "") + data.text;
      if (isHolding) {
        held.push(text);
      } else print(text);
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
    showFacts(next);
    fill(
      message,
      next.status === "error" && alert(statusOf(next)[2], next.message),
      next.status === "completed" && next.message && alert("success", next.message),
      !hasEnded(next) && next.message && alert("info", next.message),
      next.leftovers.length > 0 &&
        alert(
          "warning",
          "Still in the cluster, and removed as soon as possible. By hand:",
          next.leftovers.map((each) => `oc delete ${each.replace("/", " ")}`).join("\n"),
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
    const key = `${hasEnded(next)} ${next["archive-url"]}`;
    if (key === shownActions) return; // a button that is replaced loses the focus
    shownActions = key;
    fill(
      actions,
      next["archive-url"] !== "" &&
        button("Download", { kind: "primary", icon: "download", onClick: getArchive }),
      hasEnded(next)
        ? button("Remove", { kind: "secondary", onClick: remove })
        : button("Cancel gather", { kind: "danger", icon: "ban", onClick: cancel }),
    );
  }

  function showFacts(next) {
    const rows = [
      ["Created", when(next["created-at"])],
      ["Image", next.images.join(", ") || next["image-stream"] || "all operators' images", "mono"],
      next.command && ["Command", next.command, "mono"],
      next["resolved-command"] && ["Ran as", next["resolved-command"], "mono"],
      next["node-name"] && ["Node", next["node-name"], "mono"],
      ["Timeout", next.timeout],
      next["exit-code"] !== null && ["Exit code", String(next["exit-code"])],
    ];
    if (next["archive-url"] !== "") {
      rows.push(
        ["Archive", next["archive-name"], "mono"],
        [
          "Size",
          `${size(next["archive-size"])} (${next["archive-size"].toLocaleString()} bytes)${
            next.partial ? ", partial: the gather did not finish" : ""
          }`,
        ],
        ["SHA-256", hexDigest(next["archive-digest"]), "mono"],
      );
    }
    if (next.verdict) {
      const { files, bytes, "empty-files": none, "error-files": errors, missing } = next.verdict;
      rows.push([
        "Read back",
        [
          `${files} files, ${size(bytes)} unpacked`,
          none && `${none} empty`,
          errors.count && `${errors.count} hold only an error`,
        ]
          .filter(Boolean).join(", "),
      ]);
      if (missing.length > 0) rows.push(["Missing", missing.join(", "), "mono"]);
    }
    if (next.redaction) {
      const { values, rules, files, binary, "left-out": left, residue } = next.redaction;
      rows.push([
        "Redacted",
        [
          `${values} values in ${files.count} files`,
          ...Object.entries(rules).map(([rule, number]) => `${rule} ${number}`),
          binary.count && `${binary.count} files are no text and passed as they are`,
        ].filter(Boolean).join(", "),
      ]);
      if (left.count > 0) {
        rows.push(["Left out", left.paths.map(({ path, why }) => `${path}: ${why}`).join("; ")]);
      }
      if (residue.count > 0) rows.push(["Secrets are left in", residue.paths.join(", "), "mono"]);
    }
    const list = rows.filter(Boolean).map((
      [label, text, kind = ""],
    ) => [h("dt", { text: label }), h("dd", { class: kind, text })]);
    if (next["archive-url"] !== "") {
      list.push([h("dt", { text: "From a shell" }), h("dd", {}, curl(next))]);
    }
    fill(facts, list);
  }

  function curl(next) {
    const url = new URL(next["archive-url"], document.baseURI).href;
    const header = readToken() === "" ? "" : ` -H "Authorization: Bearer $(oc whoami -t)"`;
    const text = `curl -fOJ${header} '${url}'`;
    return h(
      "div",
      { class: "copy" },
      h("code", { tabindex: "0", text }),
      h("button", {
        "type": "button",
        "class": "button plain",
        "aria-label": "Copy the curl command",
        "title": "Copy",
        "on": { click: () => copyText(text) },
      }, icon("copy")),
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
    const keep = await ask({
      title: "Cancel this gather?",
      text: `${nameOf(record)} ends, and what it made in the cluster is removed.`,
      confirm: "Cancel gather",
      box: {
        label: "Keep what was collected",
        hint: "Fetches what the pods have so far; takes up to a minute longer.",
      },
    });
    if (keep === undefined) return;
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
    onState(state, text, now) {
      if (state !== "ended") return onState(state, text, now);
      fill(
        main,
        h(
          "div",
          { class: "empty card" },
          icon("box", "big"),
          h("h2", { text: "No such gather" }),
          h("p", { text }),
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

function alert(kind, text, code) {
  return h(
    "div",
    { class: `alert ${kind}`, role: "status" },
    icon({ success: "check", warning: "warn", danger: "cross" }[kind] ?? "info"),
    h("div", {}, h("p", { text }), code && h("pre", { text: code })),
  );
}
