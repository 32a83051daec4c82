/** An API server and those who ask it, for tests. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import type { TestContext } from "node:test";
import { createClusters } from "../../src/auth/clusters.ts";
import { type Askers, createAskers } from "../../src/kube/asker.ts";
import {
  type ApiServer,
  type Authority,
  makeAuthority,
  startApiServer,
} from "../support/api-server.ts";
import { atEnd } from "../support/folder.ts";
import { kubeconfig } from "../support/kubeconfig.ts";

/** What the callers of these tests are known by. */
export const ADMIN = "admin-token";
export const VIEWER = "viewer-token";
export const SERVICE = "service-token";

/** Far longer than anything that answers at all takes: milliseconds. */
export const PATIENT_MS = 20_000;

let made: Promise<{ folder: string; authority: Authority }> | undefined;

after(async () => {
  if (made) await rm((await made).folder, { recursive: true, force: true });
});

/** The authority of a file's tests. */
export function testAuthority(): Promise<{ folder: string; authority: Authority }> {
  made ??= (async () => {
    const folder = await mkdtemp(join(tmpdir(), "mg-kube-"));
    return { folder, authority: await makeAuthority(folder) };
  })();
  return made;
}

/** A server that knows an admin, a viewer and the service, and the askers of a service that knows it. */
export async function stageApi(t: TestContext): Promise<{ api: ApiServer; askers: Askers }> {
  const { folder, authority } = await testAuthority();
  const api = await startApiServer(await authority.issue());
  atEnd(t, () => api.close());
  api.users.set(ADMIN, { name: "kube:admin", admin: true });
  api.users.set(VIEWER, { name: "viewer", admin: false });
  api.users.set(SERVICE, { name: "the service", admin: true });
  const path = join(await mkdtemp(join(folder, "config-")), "kubeconfig");
  await writeFile(path, kubeconfig(api.url, authority.path, { token: SERVICE }));
  const clusters = createClusters({
    kubernetes: undefined,
    kubeconfigPaths: [path],
    credentials: "service",
  });
  const askers = createAskers(clusters, { embedded: false });
  atEnd(t, () => askers.close());
  return { api, askers };
}
