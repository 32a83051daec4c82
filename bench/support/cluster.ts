/** A stand-in for a cluster that knows one caller, for measurements under authentication. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeAuthority, startApiServer } from "../../test/support/api-server.ts";
import { kubeconfig } from "../../test/support/kubeconfig.ts";

/** As long as OpenShift's own are. */
const TOKEN = `sha256~${"measured".repeat(6)}`;

export interface Cluster {
  /** The caller who may do everything. */
  token: string;
  /** What makes the service ask this cluster. */
  env: Record<string, string>;
  stop: () => Promise<void>;
}

export async function startCluster(): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), "bench-cluster-"));
  const authority = await makeAuthority(join(folder, "ca"));
  const api = await startApiServer(await authority.issue());
  api.users.set(TOKEN, { name: "measured", admin: true });
  const path = join(folder, "kubeconfig");
  await writeFile(path, kubeconfig(api.url, authority.path));
  return {
    token: TOKEN,
    env: { AUTH: "cluster-admin", KUBECONFIG: path },
    async stop() {
      await api.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
