import * as v from "valibot";
import { formatSeconds, parseDuration } from "../duration.ts";
import { commandAsSent, commandLine } from "../oc/command.ts";
import type { GatherOptions } from "../oc/arguments.ts";
import type { OcFeatures } from "../oc/features.ts";
import { badRequest } from "../problem.ts";
import {
  type RawGatherRequest,
  REQUEST_KEYS,
  type RequestKey,
  RequestSchema,
  splitList,
} from "./options.ts";

/** The folder oc fetches from a pod unless told otherwise: the default in `oc adm must-gather --help`. */
export const SOURCE_DIR = "/must-gather/";

/**
 * A gather as asked for: checked, every default filled in, plain data that can be written as JSON.
 *
 * `""`, `[]`, `false` and `null` stand for what is left to oc.
 */
export type GatherRequest =
  & GatherOptions
  & Readonly<{
    customName: string;
    /** As sent; words of an array joined by single spaces. What goes to oc is `commandLine`. */
    command: string;
    /** Go duration, as sent. */
    timeout: string;
    timeoutMs: number;
    /** Takes secrets out, and addresses and host names where that is said. */
    redact?: Redact;
    /** The gather whose archive this one is a redacted copy of: its file, and what the copy is called. */
    copyOf?: Readonly<{ id: number; file: string; name: string }>;
    /** URL of the API server, as sent; `""` is the default cluster. */
    server: string;
  }>;

/** What of an archive goes out besides secrets. */
export type Redact = Readonly<{ ips: boolean; hosts: boolean }>;

/** What a request is checked against. */
export type RequestContext = Readonly<{
  /** From the configuration; not checked again. `timeout` is a Go duration, `image` may be several with commas. */
  defaults: Readonly<{ image: string; timeout: string }>;
  maxTimeoutMs: number;
  /** Every archive is redacted, whether a request says so or not. */
  redact?: boolean;
  features: OcFeatures;
  /** Whether the configuration knows the cluster of this URL. */
  knownServer: (url: string) => boolean;
  /** The embedded gatherer stands in for oc. */
  embedded: boolean;
  /** The embedded gatherer may run a request's command on this machine. */
  localCommands: boolean;
}>;

/** The keys that not every oc has a flag for; the flag has the key's name. */
const LATER_FLAGS = [
  "all-images",
  "node-selector",
  "host-network",
  "since",
  "since-time",
  "volume-percentage",
] as const satisfies readonly RequestKey[];

/** What oc refuses to be told at once. */
const EXCLUSIONS: readonly (readonly [RequestKey, RequestKey])[] = [
  ["node-name", "node-selector"],
  ["since", "since-time"],
  ["all-images", "image"],
  ["all-images", "image-stream"],
  ["all-images", "node-name"],
  ["all-images", "host-network"],
];

/**
 * Checks a request and fills in its defaults.
 *
 * Throws a `Problem` of status 400 that names the key and says what to change; it never repeats a value.
 */
export function parseGatherRequest(raw: RawGatherRequest, context: RequestContext): GatherRequest {
  const input = check(raw);
  const { features } = context;
  const asked = (key: RequestKey) => {
    const value = input[key];
    return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
  };

  for (const key of LATER_FLAGS) {
    if (!asked(key) || features.flags.has(key)) continue;
    throw badRequest(
      features.problem === undefined
        ? `${key}: oc ${features.version} has no flag --${key}; leave ${key} out`
        : `${key}: it is not known whether oc ${features.version} has the flag --${key}; leave ${key} out`,
    );
  }
  for (const [one, other] of EXCLUSIONS) {
    if (asked(one) && asked(other)) {
      throw badRequest(`${one} and ${other} exclude each other; send one of them`);
    }
  }

  const timeout = input.timeout ?? context.defaults.timeout;
  const timeoutMs = parseDuration(timeout) ?? 0;
  if (timeoutMs > context.maxTimeoutMs) {
    throw badRequest(`timeout: must be at most ${formatSeconds(context.maxTimeoutMs)}`);
  }
  const server = input.server ?? "";
  if (server !== "" && !context.knownServer(server)) {
    throw badRequest(
      "server: not a cluster this service knows; leave it out, or send a URL from its KUBECONFIG",
    );
  }
  const line = commandLine(input.command ?? "");
  if (line !== "" && context.embedded && !context.localCommands) {
    throw badRequest(
      "command: the embedded gatherer runs no commands unless the service is started with LOCAL_COMMANDS=1; " +
        "leave command out",
    );
  }
  const allImages = input["all-images"] ?? false;
  const images = input.image?.length ? input.image : splitList(context.defaults.image);

  const redact = readRedact(input.redact, context.redact ?? false);
  return {
    ...(redact && { redact }),
    customName: input["custom-name"] ?? "",
    images: allImages ? [] : images,
    imageStreams: input["image-stream"] ?? [],
    allImages,
    nodeName: input["node-name"] ?? "",
    nodeSelector: input["node-selector"] ?? "",
    hostNetwork: input["host-network"] ?? false,
    since: input.since ?? "",
    sinceTime: input["since-time"] ?? "",
    volumePercentage: input["volume-percentage"] ?? null,
    sourceDir: input["source-dir"] ?? SOURCE_DIR,
    command: line === "" ? "" : commandAsSent(input.command ?? ""),
    commandLine: line,
    timeout,
    timeoutMs,
    server,
  };
}

function readRedact(
  asked: v.InferOutput<typeof RequestSchema>["redact"],
  always: boolean,
): Redact | undefined {
  if (typeof asked === "object") return { ips: asked.ips ?? false, hosts: asked.hosts ?? false };
  return asked || always ? { ips: false, hosts: false } : undefined;
}

/** What a POST for a redacted copy of an archive asks for. Throws as {@linkcode parseGatherRequest} does. */
export function parseRedactRequest(raw: RawGatherRequest): Redact {
  return readRedact(check({ redact: raw.redact }).redact, true) ?? { ips: false, hosts: false };
}

function check(raw: RawGatherRequest): v.InferOutput<typeof RequestSchema> {
  const set: Partial<Record<RequestKey, unknown>> = {};
  for (const key of REQUEST_KEYS) {
    const value = Object.hasOwn(raw, key) ? raw[key] : undefined;
    if (value !== undefined && value !== null && value !== "") set[key] = value;
  }
  // Valibot's own messages repeat the value; none of them may come through.
  const message = "has a value that is not allowed";
  const result = v.safeParse(RequestSchema, set, { abortEarly: true, message });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw badRequest(`${issue.path?.[0].key ?? "request"}: ${issue.message}`);
}
