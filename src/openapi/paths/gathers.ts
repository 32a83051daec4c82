/** Starting, listing, watching and ending gathers. */
import { StatusSchema } from "../../schema/record.ts";
import { type Operation, problem, type Reply } from "../operation.ts";
import { header, ID, ID_OR_NAME, number, query, toggle } from "../parameters.ts";
import { DONE, DONE_IN_LIST, ENDING, NEW_GATHER } from "../samples.ts";

const record = (description: string, headers: Reply["headers"] = {}): Reply => ({
  description,
  headers: { "ETag": "its revision", ...headers },
  content: { "application/json": "Gather" },
});

const NO_GATHER = problem("There is no such gather");
const NO_GATHER_DETAIL = "There is no such gather; GET must-gather lists those there are";

/** `/must-gather` and `/must-gather/{id}`. */
export const gathers: readonly Operation[] = [
  {
    method: "post",
    path: "/must-gather",
    id: "startGather",
    tag: "gathers",
    summary: "Starts a gather, or joins the one that the same request started",
    description:
      "Parameters of the query work as those of a form do. A body is JSON or a form; without any, all is " +
      "at its default. `null` and an empty text are unset; keys that are not known are ignored. A live gather of the same " +
      "custom name and options is joined (200).",
    parameters: [
      header(
        "Idempotency-Key",
        "The same key again, within 24 h, finds the gather that it made: 1 to 255 characters",
      ),
    ],
    body: {
      "application/json": "GatherRequest",
      "application/x-www-form-urlencoded": "GatherRequest",
    },
    replies: {
      200: record("The gather that was there"),
      201: record("The gather, as `new`; it will run", {
        "Location": "its record, relative to this request's URL",
      }),
      400: problem("The request has to be changed; `detail` names the key"),
      403: problem(
        "With AUTH: the caller is no cluster-admin, or lacks a right that oc needs. An image is not among ALLOWED_IMAGES. To a " +
          "browser: the page is of another site",
      ),
      413: problem("The body is over 64 KiB"),
      415: problem("The body is of another media type, or not in UTF-8", {
        "Accept-Post": "what it may be",
      }),
      422: problem(
        "The Idempotency-Key was used for another request, or nothing can be pulled by the name of an image",
      ),
      503: problem("Too many gathers wait, or the service starts or goes down", {
        "Retry-After": "seconds",
      }),
      507: problem("There is no room on disk; `detail` has the figures"),
    },
    examples: {
      everything: {
        summary: "All of the default image, for 20 minutes at most",
        body: { type: "application/json", value: {} },
        status: 201,
        reply: {
          ...NEW_GATHER,
          "custom-name": "",
          "command": "",
          "transitions": [],
        },
      },
      plan: {
        summary: "What belongs to one plan, as the Forklift UI asks for it",
        body: {
          type: "application/json",
          value: {
            "custom-name": "plan:db",
            "command": "NS=openshift-mtv PLAN=db /usr/bin/targeted",
            "timeout": "10m",
          },
        },
        status: 201,
        reply: {
          ...NEW_GATHER,
          "custom-name": "plan:db",
          "command": "NS=openshift-mtv PLAN=db /usr/bin/targeted",
          "timeout": "10m",
          "transitions": [],
        },
      },
      form: {
        summary: "The same as a form",
        body: {
          type: "application/x-www-form-urlencoded",
          value: { "custom-name": "vm:web-1", "timeout": "1h30m" },
        },
        status: 201,
        reply: {
          ...NEW_GATHER,
          "custom-name": "vm:web-1",
          "command": "",
          "timeout": "1h30m",
          "transitions": [],
        },
      },
      "bad-timeout": {
        summary: "A duration without a unit",
        body: { type: "application/json", value: { "timeout": "20" } },
        status: 400,
        reply: "timeout: must be a duration above zero, such as 20m, 1h30m or 90s",
      },
      "not-text": {
        summary: "A type that a key does not have",
        body: { type: "application/json", value: { "node-name": 7 } },
        status: 400,
        reply: "node-name: must be a string",
      },
    },
  },
  {
    method: "get",
    path: "/must-gather",
    id: "listGathers",
    tag: "gathers",
    summary: "Lists gathers by id, the newest 1,000 unless asked otherwise",
    parameters: [
      number("limit", "So many at most: the newest, with `after` the first behind it", 10_000),
      query("after", "Only those with a higher id", { type: "integer", minimum: 0 }),
      query("status", "Only those of this status", { type: "string", enum: StatusSchema.options }),
      query("custom-name", "Only those of this custom name"),
    ],
    replies: {
      200: {
        description: "Them; `[]` when there are none",
        content: { "application/json": "[GatherListItem]" },
      },
      400: problem("A parameter cannot be read"),
    },
    examples: {
      all: { summary: "The newest", status: 200, reply: [DONE_IN_LIST] },
      completed: {
        summary: "The last one that was completed",
        with: { status: "completed", limit: 1 },
        status: 200,
        reply: [DONE_IN_LIST],
      },
      "bad-status": {
        summary: "A status that there is not",
        with: { status: "cancelled" },
        status: 400,
        reply: "status: must be one of new, inprogress, completed, error",
      },
    },
  },
  {
    method: "get",
    path: "/must-gather/{id}",
    id: "getGather",
    tag: "gathers",
    summary: "Gives one gather, at once or when there is news",
    parameters: [
      ID_OR_NAME,
      header("If-None-Match", "304 while the record still has this ETag"),
      header(
        "Prefer",
        "`wait=N` holds the reply for up to N seconds (25 at most) until the record differs from If-None-Match, or without " +
          "that from what it was",
      ),
    ],
    replies: {
      200: record("The record", {
        "Preference-Applied": "with Prefer: how long it would have waited?",
      }),
      304: {
        description: "It has not changed",
        headers: { "ETag": "its revision" },
      },
      404: NO_GATHER,
    },
    examples: {
      number: { summary: "By number", with: { id: 1 }, status: 200, reply: DONE },
      name: { summary: "By custom name", with: { id: "plan:web" }, status: 200, reply: DONE },
      wait: {
        summary: "Held for a second: an ended gather does not change",
        with: { id: 1, Prefer: "wait=1" },
        status: 200,
        reply: DONE,
      },
      unknown: {
        summary: "None of this number",
        with: { id: 999 },
        status: 404,
        reply: NO_GATHER_DETAIL,
      },
    },
  },
  {
    method: "post",
    path: "/must-gather/{id}/redact",
    id: "redactGather",
    tag: "gathers",
    summary: "Makes a redacted copy of an archive, as a gather of its own",
    description:
      "Secrets go out of everything in the archive, also of the archives in it; `redact` says if addresses and host names do " +
      "too. The gather that is copied stays as it is.",
    parameters: [ID],
    body: {
      "application/json": "GatherRequest",
      "application/x-www-form-urlencoded": "GatherRequest",
    },
    replies: {
      201: record("The copy, as `new`", {
        "Location": "its record, relative to this request's URL",
      }),
      400: problem("The request has to be changed; `detail` names the key"),
      404: NO_GATHER,
      409: problem("It has not ended, or has no archive", { "Retry-After": "seconds" }),
      503: problem("Too many gathers wait, or the service goes down", { "Retry-After": "seconds" }),
      507: problem("There is no room on disk; `detail` has the figures"),
    },
    examples: {
      copy: {
        summary: "Without addresses and host names",
        with: { id: 1 },
        body: { type: "application/json", value: { "redact": { "ips": true, "hosts": true } } },
        status: 201,
        reply: { ...NEW_GATHER, "id": 4, "transitions": [] },
      },
      unknown: {
        summary: "None of this number",
        with: { id: 999 },
        status: 404,
        reply: NO_GATHER_DETAIL,
      },
    },
  },
  {
    method: "delete",
    path: "/must-gather/{id}",
    id: "endGather",
    tag: "gathers",
    summary: "Cancels a gather; with purge removes an ended one",
    description:
      "A second DELETE of a live gather skips the packing. Records and files of ended gathers stay until they are purged or " +
      "older than CLEANUP_MAX_AGE.",
    parameters: [
      ID,
      toggle("keep", "What the pods have so far is fetched first"),
      toggle(
        "purge",
        "Record and files of an ended gather are removed; a live one is cancelled first",
      ),
    ],
    replies: {
      200: record("It had ended; nothing changed"),
      202: record("It will end, as `error` with the reason `cancelled`"),
      204: { description: "It is removed" },
      404: NO_GATHER,
      409: problem("It left something in the cluster that only its record names"),
    },
    examples: {
      ended: { summary: "One that has ended", with: { id: 1 }, status: 200, reply: DONE },
      live: { summary: "One that runs", with: { id: 2, keep: "1" }, status: 202, reply: ENDING },
      purge: { summary: "One that has ended, for good", with: { id: 3, purge: "1" }, status: 204 },
      unknown: {
        summary: "None of this number",
        with: { id: 999 },
        status: 404,
        reply: NO_GATHER_DETAIL,
      },
    },
  },
];
