/** Checking manifests against the Kubernetes API. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { PROJECT } from "./dockerfile.ts";
import type { Resource } from "./manifests.ts";

/** The module of the package kubernetes-types that has an API group's types. */
const MODULES: Readonly<Record<string, string>> = {
  "v1": "core/v1",
  "apps/v1": "apps/v1",
  "networking.k8s.io/v1": "networking/v1",
  "rbac.authorization.k8s.io/v1": "rbac/v1",
};

/** As cert-manager's reference has them, as far as they are used. */
const CERT_MANAGER = `
interface Meta { name: string; namespace?: string; labels?: Record<string, string> }
interface Issuer { apiVersion: "cert-manager.io/v1"; kind: "Issuer"; metadata: Meta; spec: { selfSigned: {} } }
interface Certificate {
  apiVersion: "cert-manager.io/v1"; kind: "Certificate"; metadata: Meta;
  spec: {
    secretName: string; dnsNames: string[]; issuerRef: { kind: "Issuer" | "ClusterIssuer"; name: string };
    privateKey: { algorithm: "RSA" | "ECDSA" | "Ed25519"; size: number; rotationPolicy: "Always" | "Never" };
  };
}
`;

/** As the reference of Prometheus' operator has them, as far as they are used. */
const PROMETHEUS_OPERATOR = `
interface Key { name: string; key: string }
interface ServiceMonitor {
  apiVersion: "monitoring.coreos.com/v1"; kind: "ServiceMonitor"; metadata: Meta;
  spec: {
    selector: { matchLabels: Record<string, string> };
    endpoints: {
      port: string; path: string; scheme: "http" | "https"; interval: string; scrapeTimeout: string;
      tlsConfig: { serverName: string; ca: { configMap: Key } | { secret: Key } };
    }[];
  };
}
interface PrometheusRule {
  apiVersion: "monitoring.coreos.com/v1"; kind: "PrometheusRule"; metadata: Meta;
  spec: { groups: { name: string; rules: {
    alert: string; expr: string; for?: string; labels: { severity: "info" | "warning" | "critical" };
    annotations: { summary: string; description: string };
  }[] }[] };
}
`;

/**
 * Checks resources against the types of the Kubernetes API, with the compiler: each becomes a literal of its type, so an unknown
 * key is an error too. Throws with what the compiler says.
 */
export async function checkTypes(resources: readonly Resource[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "mg-types-"));
  try {
    const lines = resources.map((resource, n) => {
      const module = MODULES[resource.apiVersion];
      const type = module === undefined
        ? resource.kind
        : `import("kubernetes-types/${module}").${resource.kind}`;
      return `export const resource${n}: ${type} = ${JSON.stringify(resource)};`;
    });
    await writeFile(
      join(folder, "resources.ts"),
      CERT_MANAGER + PROMETHEUS_OPERATOR + lines.join("\n"),
    );
    const types = fileURLToPath(new URL("node_modules/kubernetes-types/*", PROJECT));
    await writeFile(
      join(folder, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: {
          strict: true,
          noEmit: true,
          skipLibCheck: true,
          types: [],
          module: "preserve",
          paths: { "kubernetes-types/*": [types] },
        },
        files: ["resources.ts"],
      }),
    );
    const tsc = fileURLToPath(new URL("node_modules/.bin/tsc", PROJECT));
    await promisify(execFile)(tsc, ["--project", folder]);
  } catch (error) {
    throw new Error((error as { stdout?: string }).stdout || String(error));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
