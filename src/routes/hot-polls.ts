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

/** The list, of which a query may ask for a part. */
const LIST = "/must-gather";

/** Up to here a body is written with its head in one text, which costs less than two buffers; a larger one costs more so. Bytes. */
const SMALL = 4096;

/** A host, and a port, that are the same in a URL. */
const PLAIN_HOST = /^[a-z\d.-]+(?::[1-9]\d{0,3}|:[1-5]\d{4})?$/;

/** Makes what answers the polls. */
export function hotPolls(deps: HotPollsDeps): Hot {
  const { registry, bodies, access } = deps;
  const isWelcome = access ? letInBefore(access, deps.welcome) : () => true;
  const isOwn = access ? () => true : hostTest(deps.configuredHost);
  const besides = deps.corsOrigins.length > 0 ? { "vary": "Origin" } : undefined;

  let started = false; // once it has, it has for good
  let lastHost: string | undefined; // the same in nearly all requests
  /** By the body, so that it is made once a revision: its headers, and of a small one its bytes as characters. */
  const whole = new WeakMap<Body | List, { head: OutgoingHttpHeaders; text: string | undefined }>();
  const unchanged = new WeakMap<Body, OutgoingHttpHeaders>();

  function keptAt(url: string): Body | List | undefined {
    if (url === LIST) return bodies.keptList("");
    if (url.startsWith(`${LIST}?`)) return bodies.keptList(url.slice(LIST.length + 1));
    const name = POLL.exec(url)?.[1];
    const held = name === undefined ? undefined : gatherCalled(name, registry);
    return held && bodies.kept(held);
  }

  function isOwnHost(host: string): boolean {
    if (host === lastHost) return true;
    if (!PLAIN_HOST.test(host) || !isOwn(`http://${host}`)) return false;
    lastHost = host;
    return true;
  }

  return function answerPoll({ method, url = "", headers, socket }, reply) {
    if (method !== "GET" || !(started ||= deps.hasStarted())) return false;
    if (headers.prefer !== undefined || headers.origin !== undefined) return false;
    const body = keptAt(url);
    if (!body) return false;
    if (!isOwnHost(headers.host ?? "")) return false;
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
        const { bytes } = body;
        const own = "etag" in body ? recordHeaders(body, besides) : listHeaders(besides);
        again = {
          head: Object.freeze({ ...own, "content-length": bytes.length }),
          text: bytes.length > SMALL ? undefined : bytes.toString("latin1"),
        };
        whole.set(body, again);
      }
      reply.writeHead(200, again.head);
      if (again.text === undefined) reply.end(body.bytes);
      else reply.end(again.text, "latin1");
    }
    return true;
  };
}
