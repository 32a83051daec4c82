import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { callerKey } from "../auth/caller-key.ts";
import type { Cluster, Clusters, Material } from "../auth/clusters.ts";
import { type Api, type ClientCertificate, createApi } from "./api.ts";

/** Somebody who asks a cluster: with a caller's token, or with what the service itself shows. */
export interface Asker {
  readonly api: Api;
  /** `undefined` where a client certificate says who asks. */
  readonly token: string | undefined;
  /** The same for the same credentials at the same cluster; says nothing of them. */
  readonly key: string;
  /** Whether these are the service's own credentials. */
  readonly isService: boolean;
}

export interface Askers {
  /**
   * Who asks the cluster at `server` (`""` is the main one): the owner of `token`, the service itself without one.
   * `undefined` where no cluster is configured. Throws where the service has nothing it could show.
   */
  of(server: string, token: string | undefined): Asker | undefined;
  /** Ends the connections they kept. */
  close(): void;
}

/**
 * Makes the askers for the clusters of the configuration. Connections are kept for each cluster, not for each caller.
 *
 * @param options with `embedded` this machine is gathered and not a cluster, so none is asked
 */
export function createAskers(clusters: Clusters, options: { embedded: boolean }): Askers {
  const apis = new Map<Cluster, { caller: Api; service: Api }>();

  function apisOf(cluster: Cluster): { caller: Api; service: Api } {
    const known = apis.get(cluster);
    if (known) return known;
    const made = {
      caller: createApi(cluster),
      service: createApi(cluster, () => certificateOf(cluster)),
    };
    apis.set(cluster, made);
    return made;
  }

  return {
    of(server, token) {
      const cluster = server === "" ? clusters.main : clusters.find(server);
      if (cluster === undefined || options.embedded) return undefined;
      const isService = token === undefined;
      const shown = token ?? ownToken(cluster);
      const key = callerKey(cluster.server, token ?? "the service"); // no token has a blank
      const { caller, service } = apisOf(cluster);
      return { api: isService ? service : caller, token: shown, key, isService };
    },
    close() {
      for (const { caller, service } of apis.values()) {
        caller.close();
        service.close();
      }
      apis.clear();
    },
  };
}

/** A file goes before a token beside it, as in the kubeconfig that oc gets. */
function ownToken(cluster: Cluster): string | undefined {
  const { token, tokenFile } = cluster.credentials();
  return tokenFile === undefined ? token : readFileSync(tokenFile, "utf8").trim();
}

function certificateOf(cluster: Cluster): ClientCertificate | undefined {
  const { certificate, key } = cluster.credentials();
  return certificate && key && { cert: pem(certificate), key: pem(key) };
}

function pem(material: Material): string {
  return "path" in material
    ? readFileSync(material.path, "utf8")
    : Buffer.from(material.data, "base64").toString("utf8");
}
