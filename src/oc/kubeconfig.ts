import { randomUUID } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Cluster, Credentials, Material } from "../auth/clusters.ts";

/**
 * Writes the kubeconfig oc is given, and returns its path. Credentials are handed over this way only: oc's own
 * command line, and those of the programs it starts, can be read by everybody on the machine.
 *
 * @param folder the file's own folder, made here with mode 0700. It must lie outside of oc's destination, HOME and
 *   TMPDIR: those are packed or kept, this never.
 * @param credentials the caller's `{ token }`, or `cluster.credentials()`
 *
 * The file has mode 0600 from its first byte and appears whole or not at all. Rejects, and leaves nothing behind, where
 * it cannot be written.
 */
export async function writeKubeconfig(
  folder: string,
  cluster: Pick<Cluster, "server" | "authority" | "tlsServerName">,
  credentials: Credentials,
): Promise<string> {
  const path = join(folder, "kubeconfig");
  const temporary = join(folder, `.kubeconfig.${randomUUID()}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(compose(cluster, credentials));
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return path;
}

/** Removes the kubeconfig and its folder. Fulfils also where there is none; rejects where it cannot be removed. */
export async function removeKubeconfig(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/** JSON, which every reader of YAML takes, so nothing a token may hold needs quoting. */
function compose(
  { server, authority, tlsServerName }: Pick<Cluster, "server" | "authority" | "tlsServerName">,
  credentials: Credentials,
): string {
  const { token, tokenFile, certificate, key } = credentials;
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    preferences: {},
    clusters: [{
      name: "cluster",
      cluster: {
        server,
        ...material("certificate-authority", authority),
        ...(tlsServerName === undefined ? {} : { "tls-server-name": tlsServerName }),
      },
    }],
    users: [{
      name: "caller",
      user: {
        ...(tokenFile !== undefined ? { tokenFile } : token !== undefined ? { token } : {}),
        ...material("client-certificate", certificate),
        ...material("client-key", key),
      },
    }],
    contexts: [{ name: "gather", context: { cluster: "cluster", user: "caller" } }],
    "current-context": "gather",
  });
}

function material(name: string, value: Material | undefined): Record<string, string> {
  if (value === undefined) return {};
  return "path" in value ? { [name]: value.path } : { [`${name}-data`]: value.data };
}
