/**
 * What oc shows to its cluster: a kubeconfig in a folder of its own beside the gather's tree, from the moment the gather is taken in
 * until it has ended and nothing of it is left in the cluster.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Cluster, Clusters } from "../auth/clusters.ts";
import { removeKubeconfig, writeKubeconfig } from "../oc/kubeconfig.ts";
import { gatherFolder } from "./folders.ts";

export interface CredentialsOptions {
  clusters: Clusters;
  /** Whose rights oc has: the caller's, or the service's own. */
  whose: "caller" | "service";
  workPath: string;
  /** What oc uses where no cluster is configured, if anything. */
  fallback: string | undefined;
}

/** The kubeconfigs of gathers. */
export interface CredentialStore {
  /** Writes the kubeconfig for a gather; nothing where the service knows no cluster. Rejects when it cannot be written. */
  give: (id: number, server: string, token: string | undefined) => Promise<void>;
  /** The kubeconfig to run oc with. */
  path: (id: number) => string | undefined;
  /** Whether a gather still has what it needs to run. */
  has: (id: number) => boolean;
  /** Whether a gather of `server` goes to the main cluster, the one that callers' tokens were checked with. */
  isOfMain: (server: string) => boolean;
  /** Removes it. */
  take: (id: number) => Promise<void>;
}

export function createCredentials(options: CredentialsOptions): CredentialStore {
  const { clusters, workPath, whose } = options;
  const folder = (id: number) => join(gatherFolder(workPath, id).path, "credentials");
  const file = (id: number) => join(folder(id), "kubeconfig");
  const clusterOf = (server: string): Cluster | undefined =>
    server === "" ? clusters.main : clusters.find(server);

  return {
    async give(id, server, token) {
      const cluster = clusterOf(server);
      if (!cluster) return;
      const credentials = whose === "caller" ? { token: token ?? "" } : cluster.credentials();
      await writeKubeconfig(folder(id), cluster, credentials);
    },
    path: (id) => clusters.main ? file(id) : options.fallback,
    has: (id) => !clusters.main || existsSync(file(id)),
    isOfMain(server) {
      try {
        return clusterOf(server) === clusters.main;
      } catch {
        return false; // one that cannot be used; the main one can
      }
    },
    take: (id) => removeKubeconfig(folder(id)),
  };
}
