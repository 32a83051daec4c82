/** The console: which page the address asks for. */
import { gatherPage } from "./gather.js";
import { listPage } from "./list.js";
import { main, startShell, tellState } from "./shell.js";

let page = new AbortController();
let shown;

/** Shows what the address asks for. */
function route() {
  const [, id, rest] = /^#\/gathers\/([1-9]\d{0,14})(?:\/files\/(.+))?$/.exec(location.hash) ?? [];
  const path = rest === undefined ? undefined : decoded(rest);
  if (id !== undefined && shown?.id === id) return shown.open(path);
  const isFirst = shown === undefined;
  page.abort();
  page = new AbortController();
  tellState("live");
  document.title = "Must-gather";
  const given = { signal: page.signal, onState: tellState };
  if (id === undefined) {
    shown = { id };
    listPage(main, given);
  } else shown = { id, ...gatherPage(main, id, { ...given, path }) };
  scrollTo(0, 0);
  if (!isFirst) main.focus({ preventScroll: true });
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Ends the page; false where a token is asked for already. */
function leave() {
  if (page.signal.aborted) return false;
  page.abort();
  shown = undefined;
  return true;
}

startShell({ leave, show: route });
