import * as v from "valibot";
import { type Api, ApiError } from "./api.ts";

/** Why a list could not be read, or not to its end. */
export type ListTrouble =
  /** The cluster has no such kind: what it belongs to is not installed. */
  | "absent"
  /** Whoever asked may not read it. */
  | "forbidden"
  /** Not in time. */
  | "slow"
  /** More than is read. */
  | "too-much"
  /** No answer, or one that is no list. */
  | "broken";

/** How a list is read. */
export interface ListOptions {
  readonly token: string | undefined;
  /** On the clock of `performance.now()`. */
  readonly deadline: number;
  /** Items that are asked for at a time. @default 250 */
  readonly pageSize?: number;
  /** What all pages may have together. @default 64 MiB */
  readonly maxBytes?: number;
  /** Only names, labels and the like, not what the items hold. */
  readonly metadataOnly?: boolean;
  /** As the API server has them: `fieldSelector`, `labelSelector`. */
  readonly query?: Readonly<Record<string, string>>;
}

/** A page is parsed in one go, in which nothing else happens: 250 plans of 10 kB take some 20 ms. */
const PAGE_SIZE = 250;
/** Of one page: 250 plans with the progress of a hundred VMs each. Bytes. */
const MAX_PAGE_BYTES = 16 * 2 ** 20;
const MAX_BYTES = 64 * 2 ** 20;

/** Kubernetes leaves the body out but for metadata; a server that does not know the form sends all of it. */
const METADATA =
  "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

const PageSchema = v.object({
  metadata: v.optional(v.object({ continue: v.optional(v.string()) })),
  items: v.nullable(v.array(v.unknown())),
});

/**
 * Reads a list page by page and gives each item to `take`. Fulfils with `undefined` when it was read to its end, else with
 * why it was not; `take` has had what came before. Never rejects for what the cluster does.
 *
 * @param path such as `/apis/forklift.konveyor.io/v1beta1/plans`
 */
export async function readList(
  api: Api,
  path: string,
  options: ListOptions,
  take: (item: unknown) => void,
): Promise<ListTrouble | undefined> {
  const { token, deadline, pageSize = PAGE_SIZE, maxBytes = MAX_BYTES } = options;
  const accept = options.metadataOnly ? METADATA : "application/json";
  let left = maxBytes;
  let next = "";
  try {
    do {
      const query = new URLSearchParams({ ...options.query, limit: String(pageSize) });
      if (next !== "") query.set("continue", next);
      const timeoutMs = deadline - performance.now();
      if (timeoutMs <= 0) return "slow";
      const answer = await api.get(`${path}?${query}`, token, timeoutMs, {
        accept,
        maxBytes: Math.min(left, MAX_PAGE_BYTES),
      });
      if (answer.status === 404) return "absent";
      if (answer.status === 401 || answer.status === 403) return "forbidden";
      const page = v.safeParse(PageSchema, answer.body);
      if (answer.status !== 200 || !page.success) return "broken";
      for (const item of page.output.items ?? []) take(item);
      left -= answer.bytes;
      next = page.output.metadata?.continue ?? "";
      if (next !== "" && left <= 0) return "too-much";
    } while (next !== "");
    return undefined;
  } catch (error) {
    const kind = error instanceof ApiError ? error.kind : "other"; // such as a CA that cannot be read
    return kind === "slow" || kind === "too-much" ? kind : "broken";
  }
}
