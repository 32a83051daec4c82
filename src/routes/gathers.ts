/** Starting, listing, watching and ending gathers. */
import { Hono } from "hono";
import type { Caller, CallerVariables } from "../auth/middleware.ts";
import { type Log } from "../log.ts";
import { checkImages } from "../schema/allowed-images.ts";
import type { GatherBody } from "../schema/options.ts";
import {
  type GatherListItem,
  type GatherRecord,
  type GatherStatus,
  StatusSchema,
} from "../schema/record.ts";
import { parseGatherRequest, parseRedactRequest, type RequestContext } from "../schema/request.ts";
import { badRequest, Problem } from "../problem.ts";
import type { Bodies, Body } from "../gathers/bodies.ts";
import { hasEnded } from "../gathers/entry.ts";
import type { Intake } from "../gathers/intake.ts";
import type { Held } from "../gathers/held.ts";
import type { Registry } from "../gathers/registry.ts";
import type { Purger } from "../gathers/purger.ts";
import type { Runner } from "../gathers/runner.ts";
import { readGatherRequest } from "./body.ts";
import { matches } from "./conditions.ts";
import { audit } from "./audit.ts";
import { findGather, findGatherById, idOf, noSuchGather } from "./lookup.ts";
import { numberIn } from "./query.ts";
import { asJson, type Asked, type JsonReply } from "./typed.ts";

/** The newest so many are listed unless asked otherwise, and at most so many at all. */
const LIST_LENGTH = 1000;
const LONGEST_LIST = 10_000;

/** Longest `Prefer: wait` (the contract's), in seconds: proxies cut what is silent for 30. */
const LONGEST_WAIT_S = 25;

/** Longest `Idempotency-Key`, in characters. */
const LONGEST_KEY = 255;

/** What clients send, by the names that the typed client has for it. */
interface Start {
  json: GatherBody;
  header?: { "Idempotency-Key"?: string };
}
interface List {
  query: { limit?: string; after?: string; status?: GatherStatus; "custom-name"?: string };
}
interface End {
  query: { keep?: "1"; purge?: "1" };
}

/** Of records and lists: a browser may keep them, and asks each time. */
const CACHE_CONTROL = "private, no-cache";

export interface GatherRoutesDeps {
  registry: Registry;
  intake: Intake;
  runner: Runner;
  bodies: Bodies;
  purger: Purger;
  requestContext: RequestContext;
  /** ALLOWED_IMAGES. */
  allowedImages: readonly string[];
  /** Throws a `Problem` when the caller may not use the cluster of this URL. */
  checkServer: (caller: Caller, server: string) => Promise<void>;
  log: Log;
}

/** `/must-gather` and `/must-gather/:id`. */
export function gatherRoutes(deps: GatherRoutesDeps) {
  const { registry, intake, runner, purger, bodies, log } = deps;

  return new Hono<CallerVariables>()
    .post("/must-gather", async (c: Asked<"/must-gather", Start>) => {
      const request = parseGatherRequest(await readGatherRequest(c.req.raw), deps.requestContext);
      const key = c.req.header("idempotency-key");
      if (key !== undefined && (key === "" || key.length > LONGEST_KEY)) {
        throw badRequest(`Idempotency-Key: must have 1 to ${LONGEST_KEY} characters`);
      }
      checkImages(request, deps.allowedImages);
      const caller = c.get("caller");
      if (request.server !== "") await deps.checkServer(caller, request.server);
      const { held, created } = await intake.take(request, key, caller);
      audit(log, caller, created ? "started" : "joined", held);
      const body = await bodies.record(held);
      const under = new URL(c.req.url).pathname.endsWith("/") ? "" : "must-gather/";
      return sendRecord(body, created ? 201 : 200, { location: `${under}${held.id}` });
    })
    .post("/must-gather/:id/redact", async (c) => {
      const source = findGatherById(c, registry);
      if (!hasEnded(source.summary)) throw stillRuns();
      const redact = parseRedactRequest(await readGatherRequest(c.req.raw));
      const caller = c.get("caller");
      const { server } = source.entry.request;
      if (server !== "") await deps.checkServer(caller, server);
      const held = await intake.copy(source, redact);
      audit(log, caller, "redacted", held);
      return sendRecord(await bodies.record(held), 201, { location: `../${held.id}` });
    })
    .get("/must-gather", async (c: Asked<"/must-gather", List>) => {
      const { search } = new URL(c.req.url);
      const list = await bodies.list(search.slice(1), () => select(registry, c.req.query()));
      const headers = listHeaders();
      return asJson<GatherListItem[], 200>(new Response(bytesOf(list.bytes), { headers }));
    })
    .get("/must-gather/:id", async (c) => {
      const held = findGather(c, registry);
      const known = c.req.header("if-none-match");
      const isKnown = () => known !== undefined && matches(known, bodies.etag(held));
      const wait = waitIn(c.req.header("prefer"));
      const applied: Record<string, string> = {};
      if (wait !== undefined) {
        const seconds = Math.min(wait, LONGEST_WAIT_S);
        applied["preference-applied"] = `wait=${seconds}`;
        if (known === undefined || isKnown()) {
          await registry.waitForChange(held, held.revision, seconds * 1000, c.req.raw.signal);
          if (registry.get(held.id) !== held) throw noSuchGather(); // purged meanwhile
        }
      }
      if (isKnown()) {
        const headers = notModifiedHeaders(bodies.etag(held), applied);
        return c.body(null, 304, headers);
      }
      return sendRecord(bodies.kept(held) ?? await bodies.record(held), 200, applied);
    })
    .delete("/must-gather/:id", async (c: Asked<"/must-gather/:id", End>) => {
      const held = findGatherById(c, registry);
      const { keep, purge } = {
        keep: flag(c.req.query("keep")),
        purge: flag(c.req.query("purge")),
      };
      if (hasEnded(held.summary)) {
        if (!purge) return sendRecord(await bodies.record(held), 200);
        await purger.purge(held);
        audit(log, c.get("caller"), "purged", held);
        return c.body(null, 204);
      }
      // What is purged while it runs goes when it has ended; its reply is the record as it is until then.
      if (purge) purger.purgeAtEnd(held);
      runner.cancel(held, keep);
      audit(log, c.get("caller"), purge ? "cancelled to purge" : "cancelled", held);
      return sendRecord(await bodies.record(held), 202);
    });
}

function stillRuns(): Problem {
  return new Problem({
    status: 409,
    detail: "This gather has not ended; wait until it has, or send redact when one is started",
    headers: { "retry-after": "30" },
  });
}

/**
 * The headers are a plain object and go into the reply with its body: what asks for `c.res` before, or makes a `Headers`, turns the
 * body into a stream, which costs five times what all the rest does.
 */
function sendRecord<Status extends 200 | 201 | 202>(
  body: Body,
  status: Status,
  besides?: Readonly<Record<string, string>>,
): JsonReply<GatherRecord, Status> {
  const headers = recordHeaders(body, besides);
  return asJson(new Response(bytesOf(body.bytes), { status, headers }));
}

/** What a reply with a record carries, and `besides`. */
export function recordHeaders(
  body: Body,
  besides: Readonly<Record<string, string>> | undefined,
): Record<string, string> {
  return { ...listHeaders(besides), "etag": body.etag };
}

/** What a reply with a list carries, and `besides`. */
export function listHeaders(besides?: Readonly<Record<string, string>>): Record<string, string> {
  return { ...besides, "content-type": "application/json", "cache-control": CACHE_CONTROL };
}

/** What a 304 instead of it carries, and `besides`. */
export function notModifiedHeaders(
  etag: string,
  besides: Readonly<Record<string, string>> | undefined,
): Record<string, string> {
  return { ...besides, "etag": etag, "cache-control": CACHE_CONTROL };
}

/** The seconds of a `Prefer: wait=N`. */
function waitIn(prefer: string | undefined): number | undefined {
  if (prefer === undefined) return undefined;
  const seconds = /(?:^|[,;\s])wait=(\d{1,6})(?:$|[,;\s])/.exec(prefer)?.[1];
  return seconds === undefined ? undefined : Number(seconds);
}

/** The types of a body know no `Buffer` that might be shared; these never are. */
function bytesOf(buffer: Buffer): Uint8Array<ArrayBuffer> {
  return buffer as Uint8Array<ArrayBuffer>;
}

/** `?keep=1`, also `true` and the bare `?keep`. */
function flag(value: string | undefined): boolean {
  return value !== undefined && !/^(?:0|false|no|off)$/i.test(value);
}

/** What a list asks for, by id ascending. */
function select(registry: Registry, query: Readonly<Record<string, string>>): Held[] {
  const limit = numberIn(query, "limit", 1, LONGEST_LIST) ?? LIST_LENGTH;
  const after = query["after"] === undefined ? undefined : idOf(query["after"]) ?? 0;
  if (after === 0 && query["after"] !== "0") throw badRequest("after: must be the id of a gather");
  const status = query["status"];
  if (status !== undefined && !StatusSchema.options.some((option) => option === status)) {
    throw badRequest(`status: must be one of ${StatusSchema.options.join(", ")}`);
  }
  const name = query["custom-name"];
  const found = [...registry.all()].filter(({ id, summary }) =>
    (after === undefined || id > after) &&
    (status === undefined || summary.status === status) &&
    (name === undefined || summary.customName === name)
  );
  return after === undefined ? found.slice(-limit) : found.slice(0, limit);
}
