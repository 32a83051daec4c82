/** What must hold of a deployment as a whole, whichever overlay it was built from. */
import assert from "node:assert/strict";
import manifest from "../../package.json" with { type: "json" };
import { type Config, readConfig } from "../../src/config.ts";
import {
  containerOf,
  type ContainerSpec,
  type Deployment,
  type Labels,
  only,
  type Resource,
  type Volume,
} from "./manifests.ts";

/** A deployment's resources, and what was found in them. */
interface Parts {
  readonly resources: readonly Resource[];
  readonly deployment: Deployment;
  readonly container: ContainerSpec;
  readonly config: Config;
  /** The volume that a path is in. */
  readonly volumeAt: (path: string | undefined) => Volume | undefined;
}

/** Checks that the parts of a deployment fit each other and the service. */
export function checkDeployment(resources: readonly Resource[]): void {
  const deployment = only<Deployment>(resources, "Deployment");
  const { container, env } = containerOf(deployment);
  const { volumes } = deployment.spec.template.spec;
  const parts = {
    resources,
    deployment,
    container,
    config: readEnvironment(env),
    volumeAt: (path = "") => {
      const mount = container.volumeMounts.find(({ mountPath }) =>
        path.startsWith(`${mountPath}/`)
      );
      return volumes.find(({ name }) => name === mount?.name);
    },
  };
  checkPod(parts);
  checkVolumes(parts);
  checkToken(parts);
  checkNames(parts);
  checkCertificate(parts);
  checkMonitoring(parts);
}

/**
 * Reads an environment as the service does in a pod. Throws for what would stop its start, and for a variable that it does not
 * read.
 */
function readEnvironment(env: Readonly<Record<string, string>>): Config {
  const read = new Set<string>();
  const inPod = { ...env, KUBERNETES_SERVICE_HOST: "172.30.0.1", KUBERNETES_SERVICE_PORT: "443" };
  const watched = new Proxy<Record<string, string>>(inPod, {
    get(target, name) {
      read.add(String(name));
      return target[String(name)];
    },
  });
  const config = readConfig(watched, {
    runtime: "node",
    tmpdir: "/tmp",
    cwd: "/opt/must-gather",
    cpus: 2,
    findProgram: (name) => `/usr/local/bin/${name}`,
    isWritableFolder: () => true,
    readText: () => "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n",
    isFile: () => false,
  });
  for (const name of Object.keys(env)) assert.ok(read.has(name), `nobody reads ${name}`);
  assert.deepEqual(config.warnings, []);
  return config;
}

/** One pod at a time, with time to end, as the pod security standard `restricted` wants it and more. */
function checkPod({ deployment, container, config }: Parts): void {
  const { replicas, strategy, template } = deployment.spec;
  const pod = template.spec;
  assert.notEqual(deployment.metadata.name, "forklift-must-gather-api");
  assert.deepEqual({ replicas, strategy }, { replicas: 1, strategy: { type: "Recreate" } });
  assert.equal(container.image, `must-gather-service:${manifest.version}`);
  assert.ok(pod.terminationGracePeriodSeconds * 1000 > config.drainGraceMs);
  assert.equal(pod.securityContext.runAsNonRoot, true);
  assert.deepEqual(pod.securityContext.seccompProfile, { type: "RuntimeDefault" });
  assert.deepEqual(container.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  });
  const { requests, limits } = container.resources;
  assert.deepEqual(Object.keys(requests).toSorted(), ["cpu", "ephemeral-storage", "memory"]);
  assert.deepEqual(Object.keys(limits).toSorted(), Object.keys(requests).toSorted());
}

/** The journal is in memory, or where archives outlive the pod. On disk the service is first to say that there is too much. */
function checkVolumes({ resources, deployment, container, config, volumeAt }: Parts): void {
  const { volumes } = deployment.spec.template.spec;
  const mounted = container.volumeMounts.map(({ name }) => name);
  assert.deepEqual(mounted.toSorted(), volumes.map(({ name }) => name).toSorted());
  const work = volumeAt(config.workPath);
  const journal = volumeAt(config.journalPath);
  const limit = config.workLimitBytes ?? NaN;
  if (work?.emptyDir) {
    assert.equal(work.emptyDir.medium, undefined);
    assert.ok(limit < bytes(work.emptyDir.sizeLimit));
    const storage = container.resources.limits["ephemeral-storage"] ?? "";
    assert.ok(bytes(work.emptyDir.sizeLimit) < bytes(storage));
    assert.deepEqual(journal?.emptyDir, { medium: "Memory", sizeLimit: "64Mi" });
  } else {
    type Claim = Resource & { spec: { resources: { requests: { storage: string } } } };
    const claim = only<Claim>(resources, "PersistentVolumeClaim");
    assert.equal(work?.persistentVolumeClaim?.claimName, claim.metadata.name);
    assert.ok(limit <= 0.85 * bytes(claim.spec.resources.requests.storage), "15 % stay free");
    assert.equal(journal, work);
  }
}

/** Bytes of `20Gi` and the like. */
function bytes(text: string): number {
  const [, number, unit] = /^(\d+)(Mi|Gi)$/.exec(text) ?? [];
  return Number(number) * (unit === "Gi" ? 2 ** 30 : 2 ** 20);
}

/** The cluster's CA is there, and a token of the service's own only where oc runs with it: then with rights. */
function checkToken({ resources, deployment, config, volumeAt }: Parts): void {
  const folder = "/var/run/secrets/kubernetes.io/serviceaccount"; // where src/auth/clusters.ts looks
  const sources = volumeAt(`${folder}/ca.crt`)?.projected?.sources ?? [];
  const hasToken = sources.some(({ serviceAccountToken }) => serviceAccountToken);
  assert.ok(sources.some(({ configMap }) => configMap?.name === "kube-root-ca.crt"));
  assert.equal(hasToken, config.credentials === "service");
  assert.equal(deployment.spec.template.spec.automountServiceAccountToken, false);
  assert.equal(resources.some(({ kind }) => kind === "ClusterRoleBinding"), hasToken);
}

/** Ports, probes, labels and the account name each other. */
function checkNames({ resources, deployment, container, config }: Parts): void {
  const [port] = container.ports;
  assert.equal(port?.containerPort, config.port);
  const get = (path: string) => ({ path, port: port?.name, scheme: "HTTPS" });
  assert.deepEqual(container.startupProbe.httpGet, get("/healthz"));
  assert.deepEqual(container.livenessProbe.httpGet, get("/healthz"));
  assert.deepEqual(container.readinessProbe.httpGet, get("/readyz"));

  const { labels } = deployment.spec.template.metadata;
  assert.deepEqual(deployment.spec.selector.matchLabels, labels);
  type Service = Resource & { spec: { selector: Labels; ports: { targetPort: string }[] } };
  const service = only<Service>(resources, "Service");
  assert.deepEqual(service.spec.selector, labels);
  assert.deepEqual(service.spec.ports.map(({ targetPort }) => targetPort), [port?.name]);
  type Policy = Resource & { spec: { podSelector: { matchLabels: Labels } } };
  assert.deepEqual(only<Policy>(resources, "NetworkPolicy").spec.podSelector.matchLabels, labels);
  const account = only(resources, "ServiceAccount").metadata.name;
  assert.equal(account, deployment.spec.template.spec.serviceAccountName);
}

/** OpenShift's service CA or cert-manager makes the certificate, not both. */
function checkCertificate({ resources, config, volumeAt }: Parts): void {
  const secret = volumeAt(config.tls?.certificate)?.secret?.secretName;
  assert.ok(secret);
  assert.equal(volumeAt(config.tls?.key)?.secret?.secretName, secret);
  const { name, namespace, annotations } = only(resources, "Service").metadata;
  const annotation = annotations?.["service.beta.openshift.io/serving-cert-secret-name"];
  if (!resources.some(({ kind }) => kind === "Certificate")) {
    assert.equal(annotation, secret);
    return;
  }
  type Certificate = Resource & { spec: { secretName: string; dnsNames: string[] } };
  const { spec } = only<Certificate>(resources, "Certificate");
  assert.equal(annotation, undefined);
  assert.equal(spec.secretName, secret);
  const host = `${name}.${namespace}.svc`;
  assert.deepEqual(spec.dnsNames, [host, `${host}.cluster.local`]);
}

/** Prometheus finds the Service's port, believes its certificate, and is let in. */
function checkMonitoring({ resources }: Parts): void {
  if (!resources.some(({ kind }) => kind === "ServiceMonitor")) return;
  type Monitor = Resource & {
    spec: {
      selector: { matchLabels: Labels };
      endpoints: { port: string; tlsConfig: { serverName: string; ca: { secret?: unknown } } }[];
    };
  };
  const { spec } = only<Monitor>(resources, "ServiceMonitor");
  type Service = Resource & {
    metadata: { labels: Labels };
    spec: { ports: { name: string }[] };
  };
  const service = only<Service>(resources, "Service");
  assert.deepEqual(spec.selector.matchLabels, service.metadata.labels);
  assert.deepEqual(
    spec.endpoints.map(({ port }) => port),
    service.spec.ports.map((port) => port.name),
  );
  const [tls] = spec.endpoints.map(({ tlsConfig }) => tlsConfig);
  assert.equal(tls?.serverName, `${service.metadata.name}.${service.metadata.namespace}.svc`);
  const hasIssuer = resources.some(({ kind }) => kind === "Certificate");
  assert.equal(tls?.ca.secret !== undefined, hasIssuer, "the one that signs");
  type Policy = Resource & { spec: { ingress: unknown } };
  const { ingress } = only<Policy>(resources, "NetworkPolicy").spec;
  assert.match(JSON.stringify(ingress), /"openshift-user-workload-monitoring"/);
  type Rules = Resource & { spec: { groups: { rules: { expr: string }[] }[] } };
  const rules = only<Rules>(resources, "PrometheusRule").spec.groups.flatMap((group) =>
    group.rules
  );
  const jobs = rules.flatMap(({ expr }) =>
    [...expr.matchAll(/job="([^"]+)"/g)].map(([, job]) => job)
  );
  assert.deepEqual(jobs, [service.metadata.name], "the operator names the job after the Service");
}
