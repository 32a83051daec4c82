/** Reading the manifests in deploy/. */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { parseAllDocuments } from "yaml";
import { PROJECT } from "./dockerfile.ts";

/** The parts of Kubernetes objects that are looked at here. `checkTypes()` vouches for their form. */
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** Labels, or what selects by them. */
export interface Labels {
  readonly [name: string]: string;
}

/** A volume of a pod, of the kinds that are used. */
export interface Volume {
  readonly name: string;
  readonly secret?: { readonly secretName: string };
  readonly emptyDir?: { readonly medium?: string; readonly sizeLimit: string };
  readonly persistentVolumeClaim?: { readonly claimName: string };
  readonly projected?: {
    readonly sources: readonly {
      readonly serviceAccountToken?: unknown;
      readonly configMap?: { readonly name: string };
    }[];
  };
}

/** A probe over HTTP. */
export interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string; readonly scheme: string };
}

/** A container of a pod. */
export interface ContainerSpec {
  readonly image: string;
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe: Probe;
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
  readonly resources: Readonly<Record<"requests" | "limits", Readonly<Record<string, string>>>>;
  readonly securityContext: unknown;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

/** A Deployment as ours is. */
export interface Deployment extends Resource {
  readonly spec: {
    readonly replicas: number;
    readonly strategy: { readonly type: string };
    readonly selector: { readonly matchLabels: Labels };
    readonly template: {
      readonly metadata: { readonly labels: Labels };
      readonly spec: {
        readonly serviceAccountName: string;
        readonly automountServiceAccountToken: boolean;
        readonly terminationGracePeriodSeconds: number;
        readonly securityContext: {
          readonly runAsNonRoot: boolean;
          readonly seccompProfile: unknown;
        };
        readonly containers: readonly ContainerSpec[];
        readonly volumes: readonly Volume[];
      };
    };
  };
}

/** Reads every document of a YAML text. Throws for what is no YAML, and for a key that stands twice. */
export function parseManifests(text: string): Resource[] {
  return parseAllDocuments(text).map((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    return document.toJS() as Resource;
  });
}

/** Reads the manifests of a folder in deploy/, kustomizations left out. */
export async function readManifests(folder: string): Promise<Resource[]> {
  const url = new URL(`deploy/${folder}/`, PROJECT);
  const names = (await readdir(url)).filter((name) => name !== "kustomization.yaml");
  const texts = await Promise.all(names.map((name) => readFile(new URL(name, url), "utf8")));
  return texts.flatMap(parseManifests);
}

/** The only resource of a kind. */
export function only<T extends Resource>(resources: readonly Resource[], kind: string): T {
  const found = resources.filter((resource) => resource.kind === kind);
  assert.equal(found.length, 1, `resources of kind ${kind}`);
  return found[0] as T;
}

/** The container of a Deployment, and its environment. */
export function containerOf(
  { spec }: Deployment,
): { container: ContainerSpec; env: Record<string, string> } {
  const [container, ...others] = spec.template.spec.containers;
  assert.ok(container && others.length === 0);
  return {
    container,
    env: Object.fromEntries(container.env.map(({ name, value }) => [name, value])),
  };
}
