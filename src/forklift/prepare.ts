/** What is asked of the cluster before a gather is taken in. */
import type { Caller } from "../auth/middleware.ts";
import type { Log } from "../log.ts";
import { reasonOf } from "../log.ts";
import { Problem } from "../problem.ts";
import type { Asker, Askers } from "../kube/asker.ts";
import { preflight } from "../kube/preflight.ts";
import { badImage } from "../schema/grammar.ts";
import type { GatherRequest } from "../schema/request.ts";
import type { Plans } from "./plans.ts";
import { needsResolving, type Resolution, resolve } from "./resolve.ts";

/** How long a POST waits for the cluster, in all: milliseconds (the issue's). */
const TIMEOUT_MS = 2_000;

export interface PrepareOptions {
  askers: Askers;
  plans: Plans;
  /** Whose rights oc has. */
  credentials: "caller" | "service";
  /** PREFLIGHT. */
  preflight: boolean;
  /** Whether oc goes through a proxy. */
  proxied: boolean;
  log: Log;
}

/**
 * Makes what asks: whether oc would get anywhere, and what its command means. Both at once, two seconds at most; nothing
 * where no cluster is configured.
 *
 * It rejects with a `Problem` only: of the preflight (401, 403, 503), or 422 for an image that oc could not read.
 */
export function createPrepare(
  options: PrepareOptions,
): (request: GatherRequest, caller: Caller) => Promise<Resolution> {
  const { askers, plans, log } = options;

  function askerFor(server: string, token: string | undefined): Asker | undefined {
    try {
      return askers.of(server, token);
    } catch (error) {
      // What the service shows cannot be read: oc tells the same, and better.
      log.debug("the cluster is not asked", { reason: reasonOf(error) });
      return undefined;
    }
  }

  return async (request, { token }) => {
    const asSent: Resolution = { resolved: undefined, note: "" };
    const caller = askerFor(request.server, token);
    // As whom oc goes: its first steps fail or succeed with these rights, not with those of who looks something up.
    const goes = options.credentials === "caller" ? caller : askerFor(request.server, undefined);
    const [, resolution] = await Promise.all([
      options.preflight && goes ? check(request, goes, options.proxied) : undefined,
      caller && needsResolving(request)
        ? resolve(request, { asker: caller, plans, timeoutMs: TIMEOUT_MS })
        : asSent,
    ]);
    return resolution;
  };
}

async function check(request: GatherRequest, asker: Asker, proxied: boolean): Promise<void> {
  const wrong = request.images.map(badImage).find((each) => each !== undefined);
  if (wrong !== undefined) {
    throw new Problem({ status: 422, detail: `image: ${wrong}` });
  }
  await preflight(asker, { timeoutMs: TIMEOUT_MS, proxied });
}
