/** Asks each caller who they are before anything of a gather is told or done. */
import type { MiddlewareHandler } from "hono";
import { Problem } from "../problem.ts";
import { type Access, type AccessCheck, readBearer } from "./access.ts";

/** Who sent a request. */
export interface Caller {
  /** For the audit line. */
  name: string;
  /** Their token, for oc; undefined where none is asked for. */
  token: string | undefined;
}

/** What the routes find in their context. */
export interface CallerVariables {
  Variables: { caller: Caller };
}

/** Whoever may reach the service may use it. */
export function withoutAuthentication(): MiddlewareHandler<CallerVariables> {
  const caller: Caller = { name: "anonymous", token: undefined };
  return function letIn(c, next) {
    c.set("caller", caller);
    return next();
  };
}

/**
 * Lets in whom the cluster calls a cluster-admin, and whoever holds a good link.
 *
 * @param hasGoodLink whether a request for an archive carries a signature of ours
 * @param welcome is told the token of everyone who is let in
 */
export function authenticate(
  access: AccessCheck,
  hasGoodLink: (url: URL) => boolean,
  welcome: (token: string) => void,
): MiddlewareHandler<CallerVariables> {
  return async function authenticateCaller(c, next) {
    const isDownload = c.req.method === "GET" || c.req.method === "HEAD";
    if (isDownload && c.req.url.includes("?") && hasGoodLink(new URL(c.req.url))) {
      c.set("caller", { name: "link", token: undefined });
      return await next();
    }
    const token = readBearer(c.req.header("authorization"));
    const answer = await access.check(token);
    if (answer.status !== 200) throw refusal(answer);
    if (token !== undefined) welcome(token);
    c.set("caller", { name: answer.name, token });
    await next();
  };
}

/**
 * Tells, and asks nobody, whether whoever sends this `Authorization` would be let in as one who was a moment ago; `welcome` as there. What
 * was read of the last header on a connection is known as long as that is open: to read and to hash a token of 1 KB takes as long as
 * all else here.
 */
export function letInBefore(
  access: AccessCheck,
  welcome: (token: string) => void,
): (authorization: string | undefined, connection: object) => boolean {
  const last = new WeakMap<object, { authorization: string; token: string; key: string }>();
  return (authorization, connection) => {
    if (authorization === undefined) return false;
    let caller = last.get(connection);
    if (caller?.authorization !== authorization) {
      const token = readBearer(authorization);
      if (token === undefined) return false;
      caller = { authorization, token, key: access.keyOf(token) };
      last.set(connection, caller);
    }
    if (!access.isKnown(caller.key)) return false;
    welcome(caller.token);
    return true;
  };
}

/** The reply to a caller who is not let in. */
export function refusal(answer: Exclude<Access, { status: 200 }>): Problem {
  const headers: Record<string, string> = answer.status === 401
    ? { "www-authenticate": "Bearer" }
    : answer.status === 503
    ? { "retry-after": String(answer.retryAfterSeconds) }
    : {};
  return new Problem({ status: answer.status, detail: answer.detail, headers });
}
