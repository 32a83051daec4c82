import { delimiter, join, resolve } from "node:path";
import type { Config, OcChoice, System } from "../config.ts";
import { ConfigError, type Variables } from "./environment.ts";
import { isHost } from "./serving.ts";

type Cluster = Pick<Config, "kubernetes" | "useKubeconfig" | "kubeconfigPaths">;

/** Which cluster the environment points at, if any. */
export function readCluster(read: Variables, system: System): Cluster {
  const host = read.text("KUBERNETES_SERVICE_HOST");
  if (host !== undefined && !isHost(host)) {
    throw new ConfigError("KUBERNETES_SERVICE_HOST", host, "a host name or an IP address");
  }
  const port = read.integer("KUBERNETES_SERVICE_PORT", 1, 65_535) ?? 443;
  const asked = read.isSet("USE_KUBECONFIG");
  const files = read.text("KUBECONFIG");
  let kubeconfigPaths = (files ?? "").split(delimiter).filter((path) => path !== "")
    .map((path) => resolve(system.cwd, path));
  if (files !== undefined && !kubeconfigPaths.some((path) => system.isFile(path))) {
    throw new ConfigError("KUBECONFIG", files, "the path of a kubeconfig file that can be read");
  }
  if (asked && kubeconfigPaths.length === 0) {
    const path = system.homedir ? join(system.homedir, ".kube", "config") : undefined;
    if (path === undefined || !system.isFile(path)) {
      throw new ConfigError(
        "USE_KUBECONFIG",
        read.text("USE_KUBECONFIG"),
        `KUBECONFIG beside it, as there is no ${path ?? "home folder"}`,
      );
    }
    kubeconfigPaths = [path];
  }
  return {
    kubernetes: host === undefined ? undefined : { host, port },
    useKubeconfig: kubeconfigPaths.length > 0,
    kubeconfigPaths,
  };
}

/** Who may call, and whose rights oc runs with. */
export function readAccess(
  read: Variables,
  cluster: Cluster,
): Pick<Config, "auth" | "credentials"> {
  const inCluster = cluster.kubernetes !== undefined;
  const auth = read.choice("AUTH", ["cluster-admin", "none"]) ??
    (inCluster ? "cluster-admin" : "none");
  if (auth === "cluster-admin" && !inCluster && !cluster.useKubeconfig) {
    throw new ConfigError(
      "AUTH",
      auth,
      "a cluster to ask (KUBERNETES_SERVICE_HOST or KUBECONFIG), or AUTH=none",
    );
  }
  const credentials = read.choice("CREDENTIALS", ["caller", "service"]) ??
    (auth === "none" ? "service" : "caller");
  if (credentials === "caller" && auth === "none") {
    throw new ConfigError(
      "CREDENTIALS",
      credentials,
      "service where AUTH is none, as no caller has a token there",
    );
  }
  return { auth, credentials };
}

/** Which oc to run. Refuses to fall back to the embedded gatherer wherever something points at a cluster. */
export function readOc(
  read: Variables,
  system: System,
  auth: Config["auth"],
  cluster: Cluster,
): OcChoice {
  const value = read.text("OC");
  if (value !== undefined && value !== "embedded") {
    const asked = value.includes("/") ? resolve(system.cwd, value) : value;
    const path = system.findProgram(asked);
    if (path === undefined) {
      throw new ConfigError("OC", value, "the path of an oc that can be run, or embedded");
    }
    return { kind: "program", path };
  }
  const path = value === undefined ? system.findProgram("oc") : undefined;
  if (path !== undefined) return { kind: "program", path };
  // A cluster must never get an archive of the service's own pod.
  const reason = cluster.kubernetes !== undefined
    ? "KUBERNETES_SERVICE_HOST is set"
    : auth !== "none"
    ? "AUTH is on"
    : read.isSet("USE_KUBECONFIG")
    ? "USE_KUBECONFIG is set"
    : undefined;
  if (reason !== undefined) {
    throw new ConfigError("OC", value, `an oc on PATH or its path here, as ${reason}`);
  }
  if (value === undefined && cluster.useKubeconfig) {
    throw new ConfigError(
      "OC",
      value,
      "an oc on PATH or its path here, as KUBECONFIG is set; or embedded, to gather from this machine",
    );
  }
  return { kind: "embedded" };
}
