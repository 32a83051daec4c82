import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import * as v from "valibot";
import type { Document } from "yaml";

/** Tells, in one sentence, why a cluster cannot be used as it is configured. Holds no secret. */
export class ClusterError extends Error {
  override readonly name = "ClusterError";
}

/** A certificate or key: the path of a PEM file, or PEM as base64, as a kubeconfig has them. */
export type Material = { readonly path: string } | { readonly data: string };

export interface ClusterEntry {
  readonly name: string;
  readonly server: string;
  /** `undefined`: the authorities the system trusts. */
  readonly authority: Material | undefined;
  readonly tlsServerName: string | undefined;
  /** Why it cannot be used; a sentence. */
  readonly refused: string | undefined;
}

/** What a user of a kubeconfig shows to the cluster; any of these together. */
export interface Credentials {
  readonly token?: string;
  /** Read by oc itself, which reads it again when it changes. */
  readonly tokenFile?: string;
  readonly certificate?: Material;
  readonly key?: Material;
}

export interface UserEntry {
  readonly name: string;
  readonly credentials: Credentials;
  /** Why it cannot be used; a sentence. */
  readonly refused: string | undefined;
}

export interface ContextEntry {
  readonly name: string;
  readonly cluster: string;
  readonly user: string;
}

/** What several kubeconfig files say together. */
export interface Kubeconfig {
  readonly clusters: ReadonlyMap<string, ClusterEntry>;
  readonly users: ReadonlyMap<string, UserEntry>;
  readonly contexts: ReadonlyMap<string, ContextEntry>;
  readonly currentContext: string | undefined;
}

/** For what is loaded when it is used: the parser takes 10 MB, and in a cluster there is no kubeconfig. */
const require = createRequire(import.meta.url);

const text = v.optional(v.string());

function list<const T extends v.ObjectEntries>(entries: T) {
  return v.optional(v.array(v.object({ name: v.string(), ...entries })));
}

const Schema = v.object({
  "current-context": text,
  clusters: list({
    cluster: v.optional(v.object({
      server: text,
      "certificate-authority": text,
      "certificate-authority-data": text,
      "insecure-skip-tls-verify": text,
      "tls-server-name": text,
      "proxy-url": text,
    })),
  }),
  users: list({
    user: v.optional(v.object({
      token: text,
      tokenFile: text,
      "client-certificate": text,
      "client-certificate-data": text,
      "client-key": text,
      "client-key-data": text,
      username: text,
      as: text,
      exec: v.optional(v.unknown()),
      "auth-provider": v.optional(v.unknown()),
    })),
  }),
  contexts: list({ context: v.optional(v.object({ cluster: text, user: text })) }),
});
type Content = v.InferOutput<typeof Schema>;
type ClusterContent = NonNullable<NonNullable<Content["clusters"]>[number]["cluster"]>;
type UserContent = NonNullable<NonNullable<Content["users"]>[number]["user"]>;

/**
 * Reads kubeconfig files and merges them as kubectl does: of two entries with one name the first wins, relative paths
 * count from their own file, files that are not there are passed by.
 *
 * Entries that need what this service does not do (exec plugins, skipped TLS verification, …) are kept and marked as
 * refused: only who asks for one needs to be told. Throws {@linkcode ClusterError} for a file that is no kubeconfig.
 */
export function readKubeconfigFiles(paths: readonly string[]): Kubeconfig {
  const clusters = new Map<string, ClusterEntry>();
  const users = new Map<string, UserEntry>();
  const contexts = new Map<string, ContextEntry>();
  let currentContext: string | undefined;
  for (const path of paths) {
    const content = readContent(path);
    if (content === undefined) continue;
    const folder = dirname(path);
    currentContext ??= content["current-context"];
    for (const { name, cluster = {} } of content.clusters ?? []) {
      keepFirst(clusters, toCluster(name, cluster, folder));
    }
    for (const { name, user = {} } of content.users ?? []) {
      keepFirst(users, toUser(name, user, folder));
    }
    for (const { name, context } of content.contexts ?? []) {
      keepFirst(contexts, { name, cluster: context?.cluster ?? "", user: context?.user ?? "" });
    }
  }
  return { clusters, users, contexts, currentContext };
}

function keepFirst<T extends { name: string }>(map: Map<string, T>, entry: T): void {
  if (!map.has(entry.name)) map.set(entry.name, entry);
}

/** The parsers' own messages quote the line they stumble on, which may hold a token: only its number is told. */
function readContent(path: string): Content | undefined {
  let source: string;
  try {
    source = readFileSync(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") return undefined;
    throw new ClusterError(`cannot read the kubeconfig ${path}: ${code ?? "unknown error"}`);
  }
  const { LineCounter, parseDocument } = require("yaml") as typeof import("yaml");
  const lines = new LineCounter();
  const document = parseDocument(source, {
    schema: "failsafe",
    prettyErrors: false,
    logLevel: "error",
    lineCounter: lines,
  });
  const error = document.errors[0];
  if (error !== undefined) {
    const { line } = lines.linePos(error.pos[0]);
    throw new ClusterError(`cannot read the kubeconfig ${path}: line ${line} is not YAML`);
  }
  const read = v.safeParse(Schema, toPlain(document));
  if (!read.success) {
    const where = v.getDotPath(read.issues[0]) ?? "its top";
    throw new ClusterError(
      `cannot read the kubeconfig ${path}: ${where} is not as a kubeconfig has it`,
    );
  }
  return read.output;
}

/** `undefined`, which no schema takes, for a file that is small but would be huge when its aliases are followed. */
function toPlain(document: Document): unknown {
  if (document.contents === null) return {};
  try {
    return withoutNulls(document.toJS());
  } catch {
    return undefined;
  }
}

/** All scalars are read as text, since a token may look like a number; so YAML's null is its text, too. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value as Record<string, unknown>)
    .filter(([, part]) => part !== "" && part !== "~" && part !== "null");
  return Object.fromEntries(entries.map(([key, part]) => [key, withoutNulls(part)]));
}

function toCluster(name: string, content: ClusterContent, folder: string): ClusterEntry {
  const insecure = content["insecure-skip-tls-verify"] ?? "false";
  const reason = insecure.toLowerCase() !== "false"
    ? "insecure-skip-tls-verify: the service always verifies; give certificate-authority instead"
    : content["proxy-url"] !== undefined
    ? "proxy-url, which the service does not go through"
    : undefined;
  return {
    name,
    server: content.server ?? "",
    authority: material(
      content["certificate-authority"],
      content["certificate-authority-data"],
      folder,
    ),
    tlsServerName: content["tls-server-name"],
    refused: reason && `the kubeconfig's cluster "${name}" asks for ${reason}`,
  };
}

function toUser(name: string, content: UserContent, folder: string): UserEntry {
  const { token, tokenFile } = content;
  const certificate = material(
    content["client-certificate"],
    content["client-certificate-data"],
    folder,
  );
  const key = material(content["client-key"], content["client-key-data"], folder);
  const give = "; give it a token or a client certificate instead";
  const reason = content.exec !== undefined
    ? `gets its credentials from an exec plugin, and the service runs no program but oc${give}`
    : content["auth-provider"] !== undefined
    ? `uses an auth-provider, which oc itself no longer knows${give}`
    : content.username !== undefined
    ? `has a password, which clusters no longer take${give}`
    : content.as !== undefined
    ? "acts as somebody else (as), which the service does not do"
    : (certificate === undefined) !== (key === undefined)
    ? "has only one of client-certificate and client-key"
    : token === undefined && tokenFile === undefined && certificate === undefined
    ? "has neither a token nor a client certificate"
    : undefined;
  return {
    name,
    credentials: {
      ...(token === undefined ? {} : { token }),
      ...(tokenFile === undefined ? {} : { tokenFile: resolve(folder, tokenFile) }),
      ...(certificate === undefined ? {} : { certificate }),
      ...(key === undefined ? {} : { key }),
    },
    refused: reason && `the kubeconfig's user "${name}" ${reason}`,
  };
}

/** Inline data wins over a path, as in kubectl. */
function material(
  path: string | undefined,
  data: string | undefined,
  folder: string,
): Material | undefined {
  if (data !== undefined) return { data };
  return path === undefined ? undefined : { path: resolve(folder, path) };
}
