/** Keeps other sites' pages from using a browser, or a name that resolves to this machine, to reach the service. */
import type { MiddlewareHandler } from "hono";
import { Problem } from "./problem.ts";

const SAFE_METHODS = ["GET", "HEAD", "OPTIONS"];

/** Whether a host name, as URLs have it, means this machine whoever resolves it. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

/**
 * What tells hosts that may be asked for from others: without authentication any page could name a host of its own that resolves to
 * 127.0.0.1 and read the service's replies, so only loopback names and the configured one are served.
 *
 * @param configured the name or address in PORT
 * @returns takes what a URL begins with, up to its path
 */
export function hostTest(configured: string | undefined): (origin: string) => boolean {
  const own = configured === undefined ? undefined : hostnameOf(configured);
  let lastGood: string | undefined; // the same in nearly all requests
  return (origin) => {
    if (origin === lastGood) return true;
    const hostname = hostnameIn(origin);
    if (hostname === undefined || !isLoopback(hostname) && hostname !== own) return false;
    lastGood = origin;
    return true;
  };
}

/** Answers 421 to requests for a host that {@linkcode hostTest} does not take. */
export function hostGuard(isOwn: (origin: string) => boolean): MiddlewareHandler {
  return function guardHost(c, next) {
    const { url } = c.req;
    if (!isOwn(url.slice(0, url.indexOf("/", url.indexOf("://") + 3)))) {
      throw new Problem({
        status: 421,
        detail:
          "Without authentication the service answers only to localhost and the name in PORT; " +
          "use one of these, or turn AUTH on",
      });
    }
    return next();
  };
}

/**
 * Requests that change something are refused with 403 when a browser says that they come from another site, unless they carry
 * a token that is checked: no other site can make a browser send that.
 *
 * @param origins those of CORS_ORIGINS
 * @param tokenIsChecked whether AUTH is on
 */
export function siteGuard(origins: readonly string[], tokenIsChecked: boolean): MiddlewareHandler {
  return function guardSite(c, next) {
    if (SAFE_METHODS.includes(c.req.method)) return next();
    const origin = c.req.header("origin");
    const site = c.req.header("sec-fetch-site");
    const isTrusted = (tokenIsChecked && /^Bearer /i.test(c.req.header("authorization") ?? "")) ||
      (origin !== undefined && origins.includes(origin));
    if (!isTrusted) {
      const isForeignSite = site !== undefined && site !== "same-origin" && site !== "none";
      const isForeignOrigin = origin !== undefined && hostOf(origin) !== new URL(c.req.url).host;
      if (isForeignSite || isForeignOrigin) {
        throw new Problem({
          status: 403,
          detail: "This request comes from another site; add its origin to CORS_ORIGINS if it may",
        });
      }
    }
    return next();
  };
}

/** A name or address as the URL of a request has it: in lower case, an IPv6 address short and in brackets. */
function hostnameOf(host: string): string | undefined {
  return hostnameIn(`http://${host.includes(":") ? `[${host}]` : host}`);
}

function hostnameIn(url: string): string | undefined {
  try {
    return new URL(url).hostname;
  } catch {
    return undefined;
  }
}

function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined; // `null`, of a page without an origin
  }
}
