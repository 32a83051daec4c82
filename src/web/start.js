/** The form that starts a gather. */
import { callJson } from "./api.js";
import { CHECKS, EXCLUSIONS, targetedCommand } from "./checks.js";
import { openDialog } from "./dialog.js";
import { button, fill, h, icon } from "./dom.js";
import { pickFrom, planItems, vmItems } from "./pick.js";

const SCOPES = [
  ["full", "Everything", "All that the image collects. Takes longest."],
  ["plan", "A plan", "One migration plan and what belongs to it."],
  ["vm", "A virtual machine", "One VM and what belongs to it."],
  ["namespace", "A namespace", "The resources and logs of one namespace."],
];

const MORE = [
  ["image", "Image", "The service's own", "One, or several with commas"],
  ["image-stream", "Image stream", "openshift/must-gather:latest"],
  ["timeout", "Timeout", "20m", "How long it may take: 20m, 1h30m, 90s"],
  ["volume-percentage", "Volume limit in %", "30", "How full the pod's volume may get"],
  ["since", "Only logs newer than", "2h"],
  ["since-time", "Only logs after", "2026-01-02T15:04:05Z"],
  ["node-name", "Node", "worker-0", "Where the gather's pod runs"],
  ["node-selector", "Node selector", "node-role.kubernetes.io/worker="],
  ["source-dir", "Folder in the pod", "/must-gather/"],
  ["server", "API server", "The cluster this runs in", "A URL the service's configuration knows"],
  ["all-images", "Run the images of all operators", "flag"],
  ["host-network", "Run on the node's own network", "flag"],
  ["redact", "Take secrets out of the archive and the output", "flag"],
  [
    "command",
    "Command",
    "/usr/bin/gather",
    "What runs in the pod instead of the image's own script",
  ],
];

let count = 0;

/** A labelled field that tells what is wrong with it as it is typed. */
function field(key, label, { placeholder, hint = "", required = false, check = CHECKS[key] } = {}) {
  const id = `field-${key}-${++count}`;
  const input = h("input", {
    id,
    "type": "text",
    "name": key,
    placeholder,
    required,
    "autocomplete": "off",
    "autocapitalize": "none",
    "spellcheck": "false",
    "aria-describedby": `${id}-hint`,
  });
  const help = h("p", { id: `${id}-hint`, class: "hint", text: hint });
  const element = h(
    "div",
    { class: "field" },
    h(
      "label",
      { for: id },
      label,
      required && h("span", { "class": "required", "aria-hidden": "true", "text": " *" }),
    ),
    input,
    help,
  );
  let wrong = "";
  const tell = (text) => {
    wrong = text;
    input.setAttribute("aria-invalid", String(text !== ""));
    element.classList.toggle("invalid", text !== "");
    if (text === "") help.textContent = hint;
    else fill(help, icon("warn"), ` ${text}`);
  };
  const look = (final = false) => {
    const value = input.value.trim();
    if (value === "") tell(required && final ? "Needed" : "");
    else tell(check?.(value) ?? "");
    return wrong === "";
  };
  input.addEventListener("input", () => look());
  const explain = (text) => {
    hint = text;
    tell(wrong);
  };
  return { key, element, input, look, tell, explain, value: () => input.value.trim() };
}

/** Opens the form; `onStarted` is given the record, and whether it is a new one. */
export function openStartForm(onStarted) {
  let scope = "full";
  let ownName = false;
  const namespace = field("namespace", "Namespace", {
    required: true,
    placeholder: "openshift-mtv",
  });
  const place = field("namespace", "Namespace", {
    placeholder: "openshift-mtv",
    hint: "Looked up by the name where it is left out",
  });
  const plan = field("plan", "Plan", {
    required: true,
    placeholder: "my-plan",
    check: CHECKS.command,
  });
  const vm = field("vm", "VM", {
    required: true,
    placeholder: "vm-1234 or a name",
    check: CHECKS.command,
  });
  const name = field("custom-name", "Name", {
    hint: "To find the gather by; also in the archive's name",
  });
  name.input.addEventListener("input", () => ownName = name.value() !== "");
  const target = h("div", { class: "fields" });
  let foundPlace = "";
  const choosePlace = (item) => {
    foundPlace = item.place;
    place.input.value = item.place;
    place.look();
  };
  const picks = {
    plan: pickFrom(plan, { label: "Plans", onChoose: choosePlace }),
    vm: pickFrom(vm, { label: "VMs", onChoose: choosePlace }),
  };
  void callJson("targets").then((targets) => {
    picks.plan.set(planItems(targets));
    picks.vm.set(vmItems(targets));
    if (targets.reason === "") return;
    for (const each of [plan, vm]) each.explain(`No list to choose from. ${targets.reason}`);
  }).catch(() => {}); // without the list, names are typed
  const more = MORE.map(([key, label, placeholder, hint]) => {
    if (placeholder !== "flag") return field(key, label, { placeholder, hint });
    const input = h("input", { type: "checkbox", name: key });
    return {
      key,
      input,
      element: h("label", { class: "check" }, input, h("span", { text: label })),
      look: () => true,
      value: () => input.checked,
    };
  });
  const byKey = Object.fromEntries(more.map((each) => [each.key, each]));
  const problem = h("div", { class: "alert danger", role: "alert", hidden: true });
  const details = h(
    "details",
    { class: "more" },
    h("summary", { text: "More options" }),
    h("div", { class: "fields two" }, more.map(({ element }) => element)),
  );

  const needed = () =>
    ({
      full: [],
      plan: [plan, place],
      vm: [vm, place],
      namespace: [namespace],
    })[scope];

  function choose(value) {
    scope = value;
    fill(target, needed().map(({ element }) => element));
    byKey.command.element.hidden = scope !== "full";
    suggest();
  }
  function suggest() {
    if (ownName) return;
    const of = scope === "plan" ? plan : scope === "vm" ? vm : undefined;
    name.input.value = of?.value() ? `${scope}:${of.value()}` : "";
  }
  for (const each of [plan, vm]) {
    each.input.addEventListener("input", () => {
      if (foundPlace !== "" && place.value() === foundPlace) place.input.value = ""; // that of another
      foundPlace = "";
      suggest();
    });
  }
  for (const each of more) each.input.addEventListener("input", exclusions);
  function exclusions() {
    let good = true;
    for (const [one, other] of EXCLUSIONS) {
      if (!byKey[one].value() || !byKey[other].value()) continue;
      good = false;
      byKey[other].tell?.(`Not together with “${labelOf(one)}”`);
      if (!byKey[other].tell) {
        show(`“${labelOf(one)}” and “${labelOf(other)}” exclude each other`);
      }
    }
    if (good) {
      problem.hidden = true;
      for (const each of more) each.look();
    }
    return good;
  }
  function show(text) {
    problem.hidden = false;
    fill(problem, icon("cross"), h("p", { text }));
    problem.scrollIntoView({ block: "nearest" });
  }

  const radios = h(
    "fieldset",
    { class: "scopes" },
    h("legend", { text: "What to gather" }),
    SCOPES.map(([value, label, hint]) =>
      h(
        "label",
        { class: "scope" },
        h("input", {
          type: "radio",
          name: "scope",
          value,
          checked: value === scope,
          on: { change: () => choose(value) },
        }),
        h("span", {}, h("b", { text: label }), h("small", { text: hint })),
      )
    ),
  );
  const submit = h(
    "button",
    { type: "submit", class: "button primary", form: "start-form" },
    h("span", { text: "Start gathering" }),
  );
  const form = h(
    "form",
    { id: "start-form", class: "dialog-body", novalidate: true, on: { submit: send } },
    problem,
    radios,
    target,
    name.element,
    details,
  );
  const { close } = openDialog({
    title: "Start a must-gather",
    body: form,
    wide: true,
    footer: (close) => [submit, button("Cancel", { kind: "link", onClick: close })],
  });
  choose("full");
  form.querySelector("input[type=radio]").focus();

  async function send(event) {
    event.preventDefault();
    const fields = [
      ...needed(),
      name,
      ...more.filter(({ key }) => key !== "command" || scope === "full"),
    ];
    const wrong = fields.filter((each) => !each.look(true));
    if (wrong.length > 0 || !exclusions()) {
      const where = wrong[0] ??
        more.find(({ input }) => input.getAttribute("aria-invalid") === "true");
      if (where && details.contains(where.input)) details.open = true;
      where?.input.focus();
      return;
    }
    const body = {};
    for (const each of [name, ...more]) {
      const value = each.value();
      if (value !== "" && value !== false) body[each.key] = value;
    }
    if (body["volume-percentage"]) body["volume-percentage"] = Number(body["volume-percentage"]);
    if (scope !== "full") {
      body.command = targetedCommand({
        namespace: scope === "namespace" ? namespace.value() : place.value(),
        plan: scope === "plan" && plan.value(),
        vm: scope === "vm" && vm.value(),
      });
    }
    submit.disabled = true;
    problem.hidden = true;
    try {
      const record = await callJson("must-gather", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      close();
      onStarted(record);
    } catch (error) {
      if (error.status === 401 || error.status === 403) return close();
      const [, key, said] = /^([a-z-]+): (.*)$/s.exec(error.message) ?? [];
      const where = key === "command" && scope !== "full"
        ? undefined
        : fields.find((each) => each.key === key);
      if (where?.tell) {
        if (details.contains(where.input)) details.open = true;
        where.tell(said);
        where.input.focus();
      }
      show(error.message);
    } finally {
      submit.disabled = false;
    }
  }
}

function labelOf(key) {
  return MORE.find(([each]) => each === key)?.[1] ?? key;
}
