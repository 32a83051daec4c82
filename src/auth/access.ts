import PQueue from "p-queue";
import * as v from "valibot";
import { type Answer, type Api, createApi } from "../kube/api.ts";
import type { Cluster, Clusters } from "./clusters.ts";
import { callerKey } from "./caller-key.ts";
import { ExpiringCache } from "../expiring-cache.ts";

/** What a caller may do, as the status a reply to it has. `detail` is a sentence for that reply. */
export type Access =
  | { readonly status: 200; readonly name: string }
  | { readonly status: 401 | 403; readonly detail: string }
  | { readonly status: 503; readonly detail: string; readonly retryAfterSeconds: number };

export interface AccessOptions {
  readonly clusters: Clusters;
  /** A monotonic clock in milliseconds. @default performance.now */
  readonly now?: () => number;
  /** How long a cluster may take to say whether. @default 5000 */
  readonly timeoutMs?: number;
  /** How long it may take to name the caller, who waits for that too. @default 2000 */
  readonly nameTimeoutMs?: number;
}

export interface AccessCheck {
  /**
   * Tells whether the bearer of `token` is a cluster-admin of the cluster at `server` (the main one without it).
   *
   * Never rejects for what a caller sent or a cluster did. Throws RangeError for a `server` the configuration does
   * not know, and ClusterError for one it cannot use: ask `clusters.find()` first.
   */
  check(token: string | undefined, server?: string): Promise<Access>;
  /** What stands for a token at the main cluster. */
  keyOf(token: string): string;
  /**
   * Whether the main cluster let the bearer of the token with this key in so short a time ago that it need not be asked again; then it
   * counts as a hit.
   */
  isKnown(key: string): boolean;
  /** Ends the connections it kept. */
  close(): void;
  /** What it did since it was made. */
  readonly counts: AccessCounts;
}

/** How often clusters were asked, by what that came to, and how often a kept answer was good enough. */
export interface AccessCounts {
  readonly asked: ReadonlyMap<Access["status"], number>;
  readonly hits: number;
}

/** CONTRACT §3 sets these: a yes may outlive the caller's right by this much, a no delays a new right by this much. */
const YES_MS = 10_000;
const NO_MS = 2_000;
/** So that a cluster that is down is asked once a second and token, not once a poll. */
const UNAVAILABLE_MS = 1_000;
/** Questions under way at once; one takes about 10 ms on a healthy cluster. */
const MAX_ASKING = 20;
/** Different tokens that may wait for one of those; beyond that a caller is told to come again. */
const MAX_WAITING = 100;
/** Of each, yes and no: so a flood of made-up tokens does not push out those of real callers. */
const MAX_KEPT = 1_000;
/** Real tokens have up to about 2 kB; Node's limit for all headers is 16 KiB. */
const MAX_TOKEN_LENGTH = 16_384;

const SelfSubjectAccessReview = v.object({ status: v.object({ allowed: v.boolean() }) });
const TokenReview = v.object({
  status: v.object({ authenticated: v.literal(true), user: v.object({ username: v.string() }) }),
});

const UNAUTHENTICATED: Access = {
  status: 401,
  detail: "the cluster does not know this token: log in again and send the new one",
};
const FORBIDDEN: Access = {
  status: 403,
  detail: "this token's user is no cluster-admin, which oc adm must-gather needs: " +
    "ask for the ClusterRole cluster-admin",
};

/** The token of an `Authorization` header, `undefined` where that is missing or of another scheme. */
export function readBearer(header: string | undefined): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(header ?? "")?.[1];
}

/**
 * Makes the check of who may call. It keeps answers for seconds, under a hash of the token; asks one question a token
 * at a time, which all who wait for it share; and asks 20 in all.
 */
export function createAccess(options: AccessOptions): AccessCheck {
  const { clusters, now = () => performance.now(), timeoutMs = 5_000, nameTimeoutMs = 2_000 } =
    options;
  const yes = new ExpiringCache<Access>(MAX_KEPT, now);
  const no = new ExpiringCache<Access>(MAX_KEPT, now);
  const pending = new Map<string, Promise<Access>>();
  const queue = new PQueue({ concurrency: MAX_ASKING });
  const apis = new Map<Cluster, Api>();
  const asked = new Map<Access["status"], number>();
  const counts = { asked, hits: 0 };

  function keep(key: string, access: Access, answeredAt: number): void {
    if (access.status === 200) {
      no.delete(key);
      yes.set(key, access, YES_MS - (now() - answeredAt));
    } else {
      yes.delete(key);
      no.set(key, access, access.status === 503 ? UNAVAILABLE_MS : NO_MS);
    }
  }

  async function ask(cluster: Cluster, token: string, key: string, since: number): Promise<Access> {
    if (now() - since > timeoutMs) return busy();
    const api = apis.get(cluster) ?? createApi(cluster);
    apis.set(cluster, api);
    const said = await whether(api, token, timeoutMs);
    asked.set(said.status, (asked.get(said.status) ?? 0) + 1);
    const answeredAt = now();
    const access: Access = said.status === 200
      ? { status: 200, name: await nameOf(api, token, nameTimeoutMs) }
      : said;
    keep(key, access, answeredAt);
    return access;
  }

  return {
    async check(token, server) {
      const cluster = server === undefined ? clusters.main : clusters.find(server);
      if (cluster === undefined) throw new RangeError("Cannot check: the cluster is not known");
      if (token === undefined || token === "") {
        return { status: 401, detail: "a bearer token is needed: send Authorization: Bearer …" };
      }
      if (token.length > MAX_TOKEN_LENGTH || !/^[\x21-\x7e]+$/.test(token)) return UNAUTHENTICATED;
      const key = callerKey(cluster.server, token);
      const kept = yes.get(key) ?? no.get(key);
      if (kept !== undefined) {
        counts.hits++;
        return kept;
      }
      const shared = pending.get(key);
      if (shared !== undefined) return shared;
      if (queue.size >= MAX_WAITING) return busy();
      const since = now();
      const answer = queue.add(() => ask(cluster, token, key, since))
        .finally(() => pending.delete(key));
      pending.set(key, answer);
      return answer;
    },
    keyOf: (token) => callerKey(clusters.main?.server, token),
    isKnown(key) {
      const kept = yes.get(key);
      if (kept !== undefined) counts.hits++;
      return kept !== undefined;
    },
    close() {
      for (const api of apis.values()) api.close();
      apis.clear();
    },
    counts,
  };
}

function busy(): Access {
  return {
    status: 503,
    detail: "too many callers wait to be checked: try again in a moment",
    retryAfterSeconds: 2,
  };
}

function unavailable(reason: string): Access {
  return {
    status: 503,
    detail: `whether you may do this cannot be asked now, try again in a moment: ${reason}`,
    retryAfterSeconds: 5,
  };
}

async function whether(api: Api, token: string, timeoutMs: number): Promise<Access> {
  let answer: Answer;
  try {
    answer = await api.ask(
      "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
      {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SelfSubjectAccessReview",
        spec: { resourceAttributes: { verb: "*", group: "*", resource: "*" } },
      },
      token,
      timeoutMs,
    );
  } catch (error) {
    return unavailable(error instanceof Error ? error.message : "unknown error");
  }
  if (answer.status === 401) return UNAUTHENTICATED;
  if (answer.status === 403) return FORBIDDEN;
  const review = v.safeParse(SelfSubjectAccessReview, answer.body);
  if (answer.status !== 200 && answer.status !== 201 || !review.success) {
    return unavailable(`the cluster answered ${answer.status} without a review`);
  }
  return review.output.status.allowed ? { status: 200, name: "unknown" } : FORBIDDEN;
}

/** Only for the audit line, so no failure here matters. */
async function nameOf(api: Api, token: string, timeoutMs: number): Promise<string> {
  try {
    const answer = await api.ask(
      "/apis/authentication.k8s.io/v1/tokenreviews",
      {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenReview",
        spec: { token },
      },
      token,
      timeoutMs,
    );
    const review = v.safeParse(TokenReview, answer.body);
    return (review.success && review.output.status.user.username.slice(0, 256)) || "unknown";
  } catch {
    return "unknown";
  }
}
