/** What every page stands in: the theme, the banner that tells when the service is gone, and the form that asks for a token. */
import { keepToken, onTokenRefused, readToken } from "./api.js";
import { button, fill, h, icon, iconButton } from "./dom.js";

export const main = document.getElementById("main");
const banner = document.getElementById("banner");
const tools = document.getElementById("tools");

let state = "live";

/** Tells how the page hears of changes, where that is not as it should be. */
export function tellState(next, text, now) {
  if (next === "ended" || (next === state && next !== "gone")) return;
  const wasGone = state === "gone";
  state = next;
  if (next === "gone") {
    const retry = button("Try now", { kind: "link", onClick: () => now?.() });
    const hadFocus = banner.contains(document.activeElement);
    fill(
      banner,
      h(
        "div",
        { class: "banner danger" },
        icon("warn"),
        h("span", {
          text: `${
            text || "The service does not answer"
          }. What you see may be old; trying again every few seconds.`,
        }),
        retry,
      ),
    );
    if (hadFocus) retry.focus();
  } else if (next === "polling") {
    fill(
      banner,
      h(
        "div",
        { class: "banner" },
        icon("info"),
        h("span", {
          text: "Changes are asked for every three seconds: they cannot be streamed at the moment.",
        }),
      ),
    );
  } else if (wasGone) {
    fill(
      banner,
      h(
        "div",
        { class: "banner success" },
        icon("check"),
        h("span", { text: "The service is back." }),
      ),
    );
    setTimeout(() => state === "live" && fill(banner), 4_000);
  } else fill(banner);
}

/** Asks for a token instead of showing a page. */
function askForToken(status, detail, again) {
  tellState("live");
  document.title = "Token needed · Must-gather";
  const had = readToken() !== "";
  keepToken("");
  showTools();
  const input = h("input", {
    "type": "password",
    "id": "token",
    "autocomplete": "off",
    "required": true,
    "aria-describedby": "token-hint",
  });
  const form = h(
    "form",
    {
      class: "token card",
      on: {
        submit: (event) => {
          event.preventDefault();
          const token = input.value.trim();
          if (token === "") return input.focus();
          keepToken(token);
          showTools();
          again();
        },
      },
    },
    icon("key", "big"),
    h("h1", {
      text: status === 403
        ? "This token may not do that"
        : had
        ? "The token was refused"
        : "Who are you?",
    }),
    h("p", {
      text: had || status === 403
        ? detail
        : "This service asks the cluster who may use it. Give it the token of a cluster administrator.",
    }),
    h("label", { for: "token", text: "Token" }),
    input,
    h(
      "p",
      { id: "token-hint", class: "hint" },
      "Printed by ",
      h("code", { text: "oc whoami -t" }),
      ". It stays in this tab and is forgotten when the tab closes.",
    ),
    h("button", { type: "submit", class: "button primary" }, h("span", { text: "Continue" })),
  );
  fill(main, form);
  input.focus();
}

const THEMES = { light: "moon", dark: "sun" };

/** The theme that was chosen, else the system's. */
function theme() {
  return document.documentElement.dataset.theme ??
    (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  try {
    localStorage.setItem("must-gather-theme", name);
  } catch { /* for this page only, then */ }
  showTools();
}

function showTools() {
  const now = theme();
  const other = now === "dark" ? "light" : "dark";
  const hadFocus = tools.contains(document.activeElement);
  const change = iconButton(THEMES[now], `Switch to ${other} colours`, () => setTheme(other));
  fill(
    tools,
    readToken() !== "" && button("Forget token", {
      kind: "link",
      onClick: () => {
        keepToken("");
        location.reload();
      },
    }),
    change,
  );
  if (hadFocus) change.focus();
}

/**
 * Sets the shell up.
 *
 * @param leave ends what is shown and tells whether anything was: a token is asked for
 * @param show shows what the address asks for
 */
export function startShell({ leave, show }) {
  try {
    const kept = localStorage.getItem("must-gather-theme");
    if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
  } catch { /* storage is off */ }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showTools);
  onTokenRefused((status, detail) => leave() && askForToken(status, detail, show));
  document.getElementById("skip").addEventListener("click", (event) => {
    event.preventDefault(); // the address is the page's
    main.focus();
  });
  addEventListener("hashchange", show);
  showTools();
  show();
}
