/** Talking to the service. All addresses are relative, so that a proxy may serve the page under a prefix. */

const KEY = "must-gather-token";

/** The service answered with a refusal; `message` says what to change. */
export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** The service did not answer. */
export class Gone extends Error {}

let refused = () => {};

/** Has `listener` called whenever a token is missing or refused. */
export function onTokenRefused(listener) {
  refused = listener;
}

/** The token of this tab; it goes when the tab does. */
export function readToken() {
  return sessionStorage.getItem(KEY) ?? "";
}

export function keepToken(token) {
  if (token === "") sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, token);
}

/**
 * Sends a request and gives its reply, where that is good or 304. Throws `Refused`, or `Gone` when there is no reply or it is
 * that of a proxy or a service that is not ready.
 */
export async function call(path, { headers = {}, ...init } = {}) {
  const token = readToken();
  const all = { ...headers, ...(token && { authorization: `Bearer ${token}` }) };
  let reply;
  try {
    reply = await fetch(path, { ...init, headers: all, cache: "no-store", redirect: "error" });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Gone("The service does not answer");
  }
  if (reply.ok || reply.status === 304) return reply;
  const detail = await detailOf(reply);
  if (reply.status === 401 || reply.status === 403) refused(reply.status, detail);
  if ([502, 503, 504].includes(reply.status) && (init.method ?? "GET") === "GET") {
    throw new Gone(detail);
  }
  throw new Refused(reply.status, detail);
}

/** The same for replies in JSON. */
export async function callJson(path, init) {
  return await (await call(path, init)).json();
}

async function detailOf(reply) {
  const text = await reply.text().catch(() => "");
  try {
    const { detail } = JSON.parse(text);
    if (typeof detail === "string" && detail !== "") return detail;
  } catch { /* not ours: a proxy's page */ }
  return `The service answered ${reply.status} ${reply.statusText}`.trim();
}

/** Has the browser save something that only a request with a header can get. */
export async function save(path, name) {
  const url = URL.createObjectURL(await (await call(path)).blob());
  download(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Has the browser download an address. */
export function download(url, name) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
}
