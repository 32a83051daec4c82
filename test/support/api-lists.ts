/** The lists of an API server for tests: paged, with the selectors that are used, and in every way wrong. */
import type { IncomingMessage, ServerResponse } from "node:http";

/** What a test gives as an item; nothing but its name and its place has to be there. */
export interface Item {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly [key: string]: unknown;
}

/** How a list is answered instead of with its items. */
export type ListMood =
  | "403"
  | "401"
  | "500"
  | "hang"
  | "broken"
  | "expired"
  | "no-list"
  | "endless";

/** The lists of a server, by path. A path that is not there gives 404, as one of a kind that is not installed. */
export class ApiLists {
  readonly items = new Map<string, readonly Item[]>();
  readonly moods = new Map<string, ListMood>();
  /** Paths with their queries, in the order in which they were asked for, and whose tokens came with them. */
  readonly asked: { path: string; query: URLSearchParams; token: string | undefined }[] = [];
  /** Questions that get no answer. */
  readonly #hanging: ServerResponse[] = [];

  answer(request: IncomingMessage, response: ServerResponse, isKnown: boolean): void {
    const url = new URL(request.url ?? "/", "https://api");
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    this.asked.push({ path: url.pathname, query: url.searchParams, token });
    const items = this.items.get(url.pathname);
    const mood = this.moods.get(url.pathname);
    if (mood === "hang") return void this.#hanging.push(response);
    const status = !isKnown || mood === "401"
      ? 401
      : mood === "403" || mood === "500"
      ? Number(mood)
      : items === undefined
      ? 404
      : mood === "expired" && url.searchParams.has("continue")
      ? 410
      : 200;
    response.writeHead(status, { "content-type": "application/json" });
    if (status !== 200) return void response.end(JSON.stringify({ kind: "Status", code: status }));
    if (mood === "broken") return void response.end('{"items": [{"metadata"');
    if (mood === "no-list") return void response.end('{"items": {"metadata": 1}}');
    const selected = (items ?? []).filter((item) => isSelected(item, url.searchParams));
    const from = Number(url.searchParams.get("continue") ?? 0);
    const limit = Number(url.searchParams.get("limit") ?? Infinity);
    const more = mood === "endless" || from + limit < selected.length;
    response.end(JSON.stringify({
      kind: "List",
      metadata: more ? { continue: String(from + limit) } : {},
      items: mood === "endless" ? selected.slice(0, limit) : selected.slice(from, from + limit),
    }));
  }

  close(): void {
    for (const response of this.#hanging) response.destroy();
  }
}

function isSelected({ metadata }: Item, query: URLSearchParams): boolean {
  const field = query.get("fieldSelector");
  if (field !== null && field !== `metadata.name=${metadata.name}`) return false;
  const label = query.get("labelSelector");
  if (label === null) return true;
  const [, key = "", values = ""] = /^(\S+) in \((.*)\)$/.exec(label) ?? [];
  return values.split(",").includes(metadata.labels?.[key] ?? "");
}

export const PLANS_PATH = "/apis/forklift.konveyor.io/v1beta1/plans";
export const VMS_PATH = "/apis/kubevirt.io/v1/virtualmachines";

/** A plan as Forklift writes it, with what is given in its place. */
export function plan(
  place: string,
  { uid = `uid-of-${place}`, target = "vms", vms = [], migrated = [], conditions = [], spec = {} }:
    {
      uid?: string;
      target?: string;
      vms?: readonly Record<string, unknown>[];
      migrated?: readonly Record<string, unknown>[];
      /** Those that are true. */
      conditions?: readonly string[];
      spec?: Record<string, unknown>;
    } = {},
): Item {
  const [namespace = "", name = ""] = place.split("/");
  return {
    apiVersion: "forklift.konveyor.io/v1beta1",
    kind: "Plan",
    metadata: { name, namespace, uid },
    spec: { targetNamespace: target, vms, warm: false, map: {}, ...spec },
    status: {
      conditions: conditions.map((type) => ({ type, status: "True", category: "Required" })),
      ...(migrated.length > 0 ? { migration: { vms: migrated } } : {}),
    },
  };
}

/** A virtual machine as KubeVirt has it. */
export function virtualMachine(place: string, id?: string): Item {
  const [namespace = "", name = ""] = place.split("/");
  return { metadata: { name, namespace, ...(id === undefined ? {} : { labels: { vmID: id } }) } };
}
