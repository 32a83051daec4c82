import * as v from "valibot";
import { Problem } from "../problem.ts";
import { ApiError } from "./api.ts";
import type { Asker } from "./asker.ts";

/** What `oc adm must-gather` makes before anything else. */
const MADE = [
  { group: "", resource: "namespaces" },
  { group: "rbac.authorization.k8s.io", resource: "clusterrolebindings" },
] as const;

const ReviewSchema = v.object({ status: v.object({ allowed: v.boolean() }) });

/**
 * Asks, in `timeoutMs` at most, whether oc could do its first steps with the credentials of `asker`.
 *
 * Throws a `Problem` where that is known to fail: 403 where they may not create what oc creates, 401 where the cluster does
 * not know a caller's token, 503 where nobody listens at the cluster's address. What cannot be told in time, or is answered
 * otherwise, is left to oc.
 *
 * @param proxied oc may reach the cluster through a proxy, which is not asked here: that nobody listens says nothing then
 */
export async function preflight(
  asker: Asker,
  { timeoutMs, proxied }: { timeoutMs: number; proxied: boolean },
): Promise<void> {
  const said = await Promise.all(MADE.map((object) => mayCreate(asker, object, timeoutMs)));
  if (said.includes("nobody") && !proxied) {
    throw new Problem({
      status: 503,
      detail: "Nobody listens at the cluster's address, so nothing was started; " +
        "try again in a moment, or see what server or KUBECONFIG names",
      headers: { "retry-after": "5" },
    });
  }
  if (said.includes("unknown-caller")) throw asker.isService ? unknownService() : unknownCaller();
  const refused = MADE.filter((_, index) => said[index] === "no").map(({ resource }) => resource);
  if (refused.length === 0) return;
  throw new Problem({
    status: 403,
    detail: `${asker.isService ? "The service's own credentials" : "This token's user"} may not ` +
      `create ${refused.join(" and ")}, which oc adm must-gather does: ` +
      "ask for the ClusterRole cluster-admin",
  });
}

type Said = "yes" | "no" | "unknown-caller" | "nobody" | "not told";

async function mayCreate(
  { api, token }: Asker,
  object: { group: string; resource: string },
  timeoutMs: number,
): Promise<Said> {
  try {
    const { status, body } = await api.ask(
      "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
      {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SelfSubjectAccessReview",
        spec: { resourceAttributes: { verb: "create", ...object } },
      },
      token,
      timeoutMs,
    );
    if (status === 401) return "unknown-caller";
    const review = v.safeParse(ReviewSchema, body);
    if (status !== 200 && status !== 201 || !review.success) return "not told";
    return review.output.status.allowed ? "yes" : "no";
  } catch (error) {
    return error instanceof ApiError && error.kind === "nobody" ? "nobody" : "not told";
  }
}

function unknownCaller(): Problem {
  return new Problem({
    status: 401,
    detail: "the cluster does not know this token: log in again and send the new one",
    headers: { "www-authenticate": "Bearer" },
  });
}

function unknownService(): Problem {
  return new Problem({
    status: 403,
    detail: "The cluster does not know the service's own credentials: renew those in its " +
      "KUBECONFIG, or its service account",
  });
}
