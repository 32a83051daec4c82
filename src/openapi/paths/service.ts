/** What the service says of itself, to whoever asks. */
import { type Operation, problem } from "../operation.ts";
import { header } from "../parameters.ts";

const HEALTH = { "name": "must-gather-service", "version": "0.1.0" };

/** All that names no gather. */
export const service: readonly Operation[] = [
  {
    method: "get",
    path: "/",
    id: "showConsole",
    tag: "service",
    isOpen: true,
    summary: "Gives the console to a browser, a sentence to others",
    parameters: [
      header("If-None-Match", "304 while the page still has this ETag"),
    ],
    replies: {
      200: {
        description: "The page, or the sentence",
        headers: { "Vary": "what it depends on" },
        content: { "text/plain": "", "text/html": "" },
      },
      304: { description: "The page has not changed" },
    },
    examples: { sentence: { summary: "To a script", status: 200 } },
  },
  {
    method: "get",
    path: "/console/{file}",
    id: "getConsoleFile",
    tag: "service",
    isOpen: true,
    summary: "Gives one of the files that the console is made of",
    parameters: [
      { in: "path", name: "file", description: "Its name", schema: { type: "string" } },
      header("If-None-Match", "304 while it still has this ETag"),
    ],
    replies: {
      200: {
        description: "The file",
        headers: { "ETag": "its tag" },
        content: { "text/javascript": "", "text/css": "", "image/svg+xml": "" },
      },
      304: { description: "It has not changed", headers: { "ETag": "its tag" } },
      404: problem("There is none of this name"),
    },
    examples: {
      icon: { summary: "The icon", with: { file: "icon.svg" }, status: 200 },
      unknown: {
        summary: "One that there is not",
        with: { file: "nothing.js" },
        status: 404,
        reply: "There is nothing here; GET must-gather lists the gathers",
      },
    },
  },
  {
    method: "get",
    path: "/healthz",
    id: "isAlive",
    tag: "service",
    isOpen: true,
    summary: "Says that the service lives",
    replies: { 200: { description: "It does", content: { "application/json": "Health" } } },
    examples: { alive: { summary: "It does", status: 200, reply: { ...HEALTH, "status": "ok" } } },
  },
  {
    method: "get",
    path: "/readyz",
    id: "isReady",
    tag: "service",
    isOpen: true,
    summary: "Says whether the service takes requests",
    replies: {
      200: { description: "It does", content: { "application/json": "Health" } },
      503: problem("It starts or goes down", { "Retry-After": "seconds" }),
    },
    examples: {
      ready: { summary: "It does", status: 200, reply: { ...HEALTH, "status": "ready" } },
    },
  },
  {
    method: "get",
    path: "/metrics",
    id: "readMetrics",
    tag: "service",
    isOpen: true,
    summary: "Gives the service in numbers, for Prometheus",
    replies: { 200: { description: "Its text format 0.0.4", content: { "text/plain": "" } } },
    examples: { metrics: { summary: "All of them", status: 200 } },
  },
  {
    method: "get",
    path: "/openapi.json",
    id: "readDocument",
    tag: "service",
    isOpen: true,
    summary: "Gives this document",
    replies: { 200: { description: "OpenAPI 3.1", content: { "application/json": "" } } },
    examples: { document: { summary: "All of it", status: 200 } },
  },
];
