/** Following what happens: one stream of events, and asking every three seconds where there is none. */
import { call, Gone } from "./api.js";

/** Between two tries, in milliseconds. */
const RETRY_MS = 3_000;

/** A stream that is silent for so long is dead: the service says something every 15 s. Milliseconds. */
const SILENCE_MS = 40_000;

/**
 * Follows `path` until `signal` aborts.
 *
 * @param onEvent is given the type and data of each event; `reset` when some were missed
 * @param look asks for everything afresh: when a stream begins that does not resume another, and at every try while there is none
 * @param onState is told `live`, `polling` or `gone`, the latter with a text and a function that tries at once
 */
export async function follow(path, { onEvent, look, onState, signal }) {
  let lastId;
  while (!signal.aborted) {
    let error;
    try {
      const headers = lastId === undefined ? {} : { "last-event-id": lastId };
      await read(path, headers, signal, async () => {
        // Only now, so that nothing can happen between looking and listening.
        if (lastId === undefined) await look();
        onState("live");
      }, (event) => {
        if (event.id) lastId = event.id;
        if (event.type === "reset") lastId = undefined;
        if (event.type !== "dropped") onEvent(event.type, event.data);
      });
    } catch (caught) {
      error = caught;
    }
    if (signal.aborted) return;
    if (error && !(error instanceof Gone) && [401, 403, 404].includes(error.status)) {
      return onState("ended", error.message);
    }
    let state = "polling";
    try {
      await look();
    } catch (caught) {
      if (signal.aborted) return;
      if ([401, 403, 404].includes(caught.status)) return onState("ended", caught.message);
      state = "gone";
      error = caught;
    }
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, RETRY_MS);
      const now = () => {
        clearTimeout(timer);
        resolve();
      };
      signal.addEventListener("abort", now, { once: true });
      onState(state, error?.message, now);
    });
  }
}

/** Reads one stream to its end. */
async function read(path, headers, signal, opened, onEvent) {
  const quiet = new AbortController();
  let timer;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => quiet.abort(), SILENCE_MS);
  };
  const both = AbortSignal.any([signal, quiet.signal]);
  try {
    heard();
    const reply = await call(path, {
      headers: { accept: "text/event-stream", ...headers },
      signal: both,
    });
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    await opened();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const event = parse(block);
        if (event) onEvent(event);
      }
    }
  } finally {
    clearTimeout(timer);
    quiet.abort();
  }
}

function parse(block) {
  const fields = {};
  for (const line of block.split("\n")) {
    const [, name, value] = /^([a-z]+): ?(.*)$/.exec(line) ?? [];
    if (name) fields[name] = value;
  }
  if (fields.event === undefined || fields.data === undefined) return undefined;
  return { id: fields.id, type: fields.event, data: JSON.parse(fields.data) };
}
