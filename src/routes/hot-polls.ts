/**
 * The polls: GET of one record, or of the newest, as they were when they were last sent. They are nearly all requests, and the way
 * through the framework costs as much as all the rest of one. This answers them before it, and nothing else: whatever is not plainly
 * such a poll, or might be refused, is left to the app, which has the last word on everything.
 */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { AccessCheck } from "../auth/access.ts";
import { letInBefore } from "../auth/middleware.ts";
import type { Bodies, Body, List } from "../gathers/bodies.ts";
import type { Registry } from "../gathers/registry.ts";
import { hostTest } from "../guards.ts";
import { matches } from "./conditions.ts";
import { listHeaders, notModifiedHeaders, recordHeaders } from "./gathers.ts";
import { gatherCalled } from "./lookup.ts";

/** All as the app has it. */
export interface HotPollsDeps {
  registry: Registry;
  bodies: Bodies;
  access: AccessCheck | undefined;
  welcome: (token: string) => void;
  configuredHost: string | undefined;
  corsOrigins: readonly string[];
  hasStarted: () => boolean;
}

/** Answers a request; or returns false, and has not touched it. */
export type Hot = (request: IncomingMessage, reply: ServerResponse) => boolean;

/** No character that would be decoded or normalised, no query: so the segment is the id or the name itself. */
const POLL = /^\/must-gather\/([\w:-][\w:.-]*)$/;

/** The newest gathers, all that are listed or so many. */
const LIST = /^\/must-gather(?:\?limit=([1-9]\d{0,4}))?$/;

/** A host, and a port, that are the same in a URL. */
const PLAIN_HOST = /^[a-z\d.-]+(?::[1-9]\d{0,3}|:[1-5]\d{4})?$/;

/** Makes what answers the polls. */
export function hotPolls(deps: HotPollsDeps): Hot {
  const { registry, bodies, access } = deps;
  const isWelcome = access ? letInBefore(access, deps.welcome) : () => true;
  const isOwn = access ? () => true : hostTest(deps.configuredHost);
  const besides = deps.corsOrigins.length > 0 ? { "vary": "Origin" } : undefined;

  let started = false; // once it has, it has for good
  /** Headers by the body, so that they are made once a revision. */
  const whole = new WeakMap<Body | List, OutgoingHttpHeaders>();
  const unchanged = new WeakMap<Body, OutgoingHttpHeaders>();

  function keptAt(url: string): Body | List | undefined {
    const name = POLL.exec(url)?.[1];
    if (name !== undefined) {
      const held = gatherCalled(name, registry);
      return held && bodies.kept(held);
    }
    const list = LIST.exec(url);
    return list ? bodies.keptList(list[1] === undefined ? {} : { limit: list[1] }) : undefined;
  }

  return function answerPoll({ method, url = "", headers, socket }, reply) {
    if (method !== "GET" || !(started ||= deps.hasStarted())) return false;
    if (headers.prefer !== undefined || headers.origin !== undefined) return false;
    const body = keptAt(url);
    if (!body) return false;
    const { host = "" } = headers;
    if (!PLAIN_HOST.test(host) || !isOwn(`http://${host}`)) return false;
    if (!isWelcome(headers.authorization, socket)) return false;
    const known = headers["if-none-match"];
    if (known !== undefined && "etag" in body && matches(known, body.etag)) {
      let again = unchanged.get(body);
      if (!again) {
        again = Object.freeze({ ...notModifiedHeaders(body.etag, besides) });
        unchanged.set(body, again);
      }
      reply.writeHead(304, again).end();
    } else {
      let again = whole.get(body);
      if (!again) {
        const own = "etag" in body ? recordHeaders(body, besides) : listHeaders(besides);
        again = Object.freeze({ ...own, "content-length": body.bytes.length });
        whole.set(body, again);
      }
      reply.writeHead(200, again);
      reply.end(body.bytes);
    }
    return true;
  };
}
