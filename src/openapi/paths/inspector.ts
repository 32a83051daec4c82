/** Looking into the machines. */
import { type Operation, problem } from "../operation.ts";
import { header, ID } from "../parameters.ts";

const NO_GATHER = problem("There is no such gather");

const UNKNOWN = {
  summary: "None of this number",
  with: { id: 999 },
  status: 404,
  reply: "There is no such gather; GET must-gather lists those there are",
};

/** `/inspect`, and what its page reads. */
export const inspector: readonly Operation[] = [
  {
    method: "get",
    path: "/inspect",
    id: "showInspector",
    tag: "service",
    isOpen: true,
    summary: "Gives the page on which the machines are drawn",
    parameters: [header("If-None-Match", "304 while the page still has this ETag")],
    replies: {
      200: { description: "The page", content: { "text/html": "" } },
      304: { description: "The page has not changed" },
      308: {
        description: "With a slash at its end: without",
        headers: { "Location": "where" },
        content: { "text/plain": "" },
      },
    },
    examples: { page: { summary: "The page", status: 200 } },
  },
  {
    method: "get",
    path: "/inspect/service",
    id: "inspectService",
    tag: "service",
    summary: "Tells where the service's own machine is",
    replies: {
      200: { description: "Its snapshot", content: { "application/json": "ServiceMachine" } },
    },
    examples: {
      serving: {
        summary: "It serves",
        status: 200,
        reply: {
          "state": "serving",
          "tags": ["ready"],
          "snapshot": {
            "status": "active",
            "value": "serving",
            "historyValue": {},
            "context": { "drainGraceMs": 24_000, "failure": "" },
            "children": {},
          },
          "may-send": false,
        },
      },
    },
  },
  {
    method: "get",
    path: "/must-gather/{id}/machine",
    id: "inspectGather",
    tag: "gathers",
    summary: "Tells where a gather's machine is, and which events would do something now",
    parameters: [ID],
    replies: {
      200: { description: "Its snapshot", content: { "application/json": "GatherMachine" } },
      404: NO_GATHER,
    },
    examples: {
      ended: {
        summary: "One that has ended has none any more",
        with: { id: 1 },
        status: 200,
        reply: { "id": 1, "state": "completed", "tags": [], "snapshot": null, "accepts": [] },
      },
      unknown: UNKNOWN,
    },
  },
  {
    method: "post",
    path: "/must-gather/{id}/machine",
    id: "sendToGather",
    tag: "gathers",
    summary: "Sends an event to a gather's machine: for development, with INSPECT_SEND=1 only",
    parameters: [ID],
    body: { "application/json": "MachineEvent" },
    replies: {
      202: {
        description: "It was sent; where the machine is now",
        content: { "application/json": "GatherMachine" },
      },
      400: problem("This is no event that may be sent"),
      403: problem("Events are not sent here, or the caller may not"),
      404: NO_GATHER,
      409: problem("It does nothing in this state, or the gather has ended"),
      413: problem("The body is too long"),
      415: problem("The body is not sent as JSON"),
    },
    examples: {
      off: {
        summary: "Where it is not switched on",
        with: { id: 1 },
        body: { type: "application/json", value: { "type": "gather.cancel", "keep": true } },
        status: 403,
        reply: "Events are not sent from here; npm run dev starts a service that lets you",
      },
    },
  },
];
