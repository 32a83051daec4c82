/** Server-sent events. */
import { type Operation, problem } from "../operation.ts";
import { header, ID_OR_NAME, query } from "../parameters.ts";

const PARAMETERS = [
  query(
    "types",
    "Some of `transition`, `progress`, `log` and `machine`, with commas; without it the first three",
  ),
  header(
    "Last-Event-ID",
    "What was sent since the event with this id comes first; `reset` where that is no longer known",
  ),
];

const REPLIES = {
  200: {
    description:
      "Events until the reader leaves; a comment every 15 s. A reader that is too slow gets `dropped` at last",
    content: { "text/event-stream": "" },
  },
  400: problem("`types` names none that there is"),
  503: problem("Too many read events", { "Retry-After": "seconds" }),
} as const;

const BAD_TYPES = {
  summary: "A type that there is not",
  status: 400,
  reply: "types: must be some of transition, progress, log, machine",
};

/** `/events` and `/must-gather/{id}/events`. */
export const events: readonly Operation[] = [
  {
    method: "get",
    path: "/events",
    id: "followAll",
    tag: "events",
    summary: "Tells what happens to all gathers, as it happens",
    parameters: PARAMETERS,
    replies: REPLIES,
    examples: {
      transitions: { summary: "Steps only", with: { types: "transition" }, status: 200 },
      "bad-types": { ...BAD_TYPES, with: { types: "news" } },
    },
  },
  {
    method: "get",
    path: "/must-gather/{id}/events",
    id: "followGather",
    tag: "events",
    summary: "Tells what happens to one gather, as it happens",
    parameters: [ID_OR_NAME, ...PARAMETERS],
    replies: { ...REPLIES, 404: problem("There is no such gather") },
    examples: {
      all: { summary: "All of it", with: { id: 2 }, status: 200 },
      "bad-types": { ...BAD_TYPES, with: { id: 2, types: "news" } },
      unknown: {
        summary: "None of this number",
        with: { id: 999 },
        status: 404,
        reply: "There is no such gather; GET must-gather lists those there are",
      },
    },
  },
];
