import { Buffer } from "node:buffer";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { FreshFile, type FreshFileOptions, isWholePem } from "./fresh-file.ts";
import {
  type ClusterEntry,
  ClusterError,
  type Credentials,
  type Kubeconfig,
  type Material,
  readKubeconfigFiles,
  type UserEntry,
} from "./kubeconfig-file.ts";

export { ClusterError, type Credentials, type Material } from "./kubeconfig-file.ts";

/** A Kubernetes cluster the service may ask about callers and run oc against. */
export interface Cluster {
  /** `https://host:port`, without a slash at the end. */
  readonly server: string;
  /** The name its certificate must have, where that is not the URL's. */
  readonly tlsServerName: string | undefined;
  /** Who signed its certificate, as a kubeconfig says it; `undefined`: an authority the system trusts. */
  readonly authority: Material | undefined;
  /** The same as PEM, read again when the file changes. Throws {@linkcode ClusterError} where it cannot be read. */
  ca(): string | undefined;
  /** What the service itself shows to this cluster. Throws {@linkcode ClusterError} where there is nothing to show. */
  credentials(): Credentials;
}

/** The clusters the configuration knows. */
export interface Clusters {
  /** Where a request goes that names none; `undefined` where nothing points at a cluster. */
  readonly main: Cluster | undefined;
  /**
   * The cluster with this URL, `undefined` for one that is not known. Throws {@linkcode ClusterError} for one that is
   * known and cannot be used.
   */
  find(server: string): Cluster | undefined;
}

export interface ClustersOptions
  extends Pick<Config, "kubernetes" | "kubeconfigPaths" | "credentials">, FreshFileOptions {
  /** @default "/var/run/secrets/kubernetes.io/serviceaccount" */
  readonly serviceAccountFolder?: string;
}

/**
 * Finds the clusters: those of the kubeconfig files, then the one the service runs in. The main one is that of the
 * current context, or without a kubeconfig the one it runs in.
 *
 * Throws {@linkcode ClusterError} where the main one, or with `credentials: "service"` what the service shows to it,
 * cannot be used. The others are looked at when somebody asks for them.
 */
export function createClusters(options: ClustersOptions): Clusters {
  const known = new Map<string, () => Cluster>();
  const inside = options.kubernetes && insideCluster(options.kubernetes, options);
  let main = inside;
  if (options.kubeconfigPaths.length > 0) {
    const kubeconfig = readKubeconfigFiles(options.kubeconfigPaths);
    main = toCluster(currentCluster(kubeconfig, options.kubeconfigPaths), kubeconfig, options);
    for (const entry of kubeconfig.clusters.values()) {
      const server = normalise(entry.server);
      if (server === undefined || known.has(server)) continue;
      known.set(server, () => toCluster(entry, kubeconfig, options));
    }
  }
  if (inside !== undefined && !known.has(inside.server)) known.set(inside.server, () => inside);
  if (main !== undefined) {
    main.ca();
    if (options.credentials === "service") main.credentials();
  }
  const made = new Map<string, Cluster>(main ? [[main.server, main]] : []);
  return {
    main,
    find(server) {
      const url = normalise(server);
      const make = url === undefined ? undefined : known.get(url);
      if (url === undefined || make === undefined) return undefined;
      const cluster = made.get(url) ?? make();
      made.set(url, cluster);
      return cluster;
    },
  };
}

function insideCluster(
  { host, port }: NonNullable<Config["kubernetes"]>,
  options: ClustersOptions,
): Cluster {
  const folder = options.serviceAccountFolder ?? "/var/run/secrets/kubernetes.io/serviceaccount";
  const authority = { path: join(folder, "ca.crt") };
  const token = new FreshFile(join(folder, "token"), options);
  const server = normalise(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`);
  if (server === undefined) throw new ClusterError(`KUBERNETES_SERVICE_HOST is no host: ${host}`);
  return {
    server,
    tlsServerName: undefined,
    authority,
    ca: authorityReader(authority, server, options),
    credentials() {
      readable(() => token.read(), `the service account's token ${token.path}`);
      return { tokenFile: token.path };
    },
  };
}

function currentCluster(kubeconfig: Kubeconfig, paths: readonly string[]): ClusterEntry {
  const named = kubeconfig.currentContext;
  const context = named === undefined ? undefined : kubeconfig.contexts.get(named);
  const cluster = context && kubeconfig.clusters.get(context.cluster);
  if (cluster !== undefined) return cluster;
  const problem = named === undefined
    ? "no current-context"
    : context === undefined
    ? `a current-context, "${named}", that it does not hold`
    : `no cluster "${context.cluster}", which its current-context names`;
  throw new ClusterError(`the kubeconfig ${paths.join(":")} has ${problem}`);
}

/** The user of the current context where that is this cluster, else of the first context that names it. */
function userOf(cluster: ClusterEntry, kubeconfig: Kubeconfig): UserEntry | undefined {
  const current = kubeconfig.contexts.get(kubeconfig.currentContext ?? "");
  const candidates = [...(current ? [current] : []), ...kubeconfig.contexts.values()];
  const context = candidates.find((candidate) => candidate.cluster === cluster.name);
  return context && kubeconfig.users.get(context.user);
}

function toCluster(entry: ClusterEntry, kubeconfig: Kubeconfig, options: ClustersOptions): Cluster {
  if (entry.refused !== undefined) throw new ClusterError(entry.refused);
  const server = normalise(entry.server);
  if (server === undefined) {
    throw new ClusterError(
      `the kubeconfig's cluster "${entry.name}" has no https URL as its server`,
    );
  }
  return {
    server,
    tlsServerName: entry.tlsServerName,
    authority: entry.authority,
    ca: authorityReader(entry.authority, server, options),
    credentials() {
      const user = userOf(entry, kubeconfig);
      if (user === undefined) {
        throw new ClusterError(`the kubeconfig has no context with a user for ${server}`);
      }
      if (user.refused !== undefined) throw new ClusterError(user.refused);
      return user.credentials;
    },
  };
}

function authorityReader(
  authority: Material | undefined,
  server: string,
  options: FreshFileOptions,
): Cluster["ca"] {
  if (authority === undefined) return () => undefined;
  const what = `the certificate authority of ${server}`;
  if ("path" in authority) {
    const file = new FreshFile(authority.path, { ...options, isWhole: isWholePem });
    return () => readable(() => file.read(), `${what}, ${authority.path}`);
  }
  const pem = Buffer.from(authority.data, "base64").toString("utf8");
  return () => {
    if (!isWholePem(pem)) throw new ClusterError(`cannot read ${what}: it is no PEM as base64`);
    return pem;
  };
}

function readable<T>(read: () => T, what: string): T {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ClusterError(`cannot read ${what}: ${code ?? "it is empty or half written"}`);
  }
}

/** One spelling for one URL; `undefined` for what is no https URL, or has a query or a password in it. */
function normalise(server: string): string | undefined {
  if (!URL.canParse(server)) return undefined;
  const url = new URL(server);
  if (url.protocol !== "https:" || url.username || url.password || url.search || url.hash) {
    return undefined;
  }
  return url.origin + url.pathname.replace(/\/+$/, "");
}
