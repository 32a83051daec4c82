import fs from "node:fs";
import path from "node:path";
import type { Content } from "./content.ts";
import { bindingFollowsNamespace, type Release } from "./release.ts";
import type { ExecManner } from "./scenarios.ts";

/** A namespace of the pretended cluster. */
export interface Namespace {
  name: string;
  phase: "Active" | "Terminating";
  annotations: Record<string, string>;
}

/** A cluster role binding of the pretended cluster. */
export interface Binding {
  name: string;
  role: string;
  /** The namespace with which it goes, where it belongs to one. */
  owner: string | null;
  annotations: Record<string, string>;
}

/** A pod of the pretended cluster. It lives on when the oc that made it dies. */
export interface Pod {
  name: string;
  namespace: string;
  image: string;
  /** Where its image gathers to. */
  sourceDir: string;
  /** When its containers run, in milliseconds since the epoch. */
  started: number;
  /** False where its containers never run: an image that cannot be pulled, no room on a node. */
  running: boolean;
  content: Content;
  exec: ExecManner;
}

/** Seconds that a deleted namespace stays `Terminating` (recorded: 5 to 7). */
const TERMINATING = 5;

/** Characters of the suffixes that Kubernetes makes up. */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

/** Makes up five characters as Kubernetes does behind a `generateName`. */
export function suffix(): string {
  return Array.from({ length: 5 }, () => ALPHABET[Math.floor(Math.random() * ALPHABET.length)])
    .join("");
}

/** What oc writes on the namespace and the binding that it makes. */
const ANNOTATIONS: Record<string, string> = {
  "oc.openshift.io/command": "oc adm must-gather",
};

/**
 * The pretended cluster: one file an object, made and removed whole, so that processes share it without
 * a lock. What is over by the clock (a namespace five seconds after its deletion, and what belongs to it)
 * is removed by whoever looks next.
 */
export class Cluster {
  readonly #folder: string;
  readonly #release: Release;
  readonly #speed: number;

  constructor(folder: string, { release, speed }: { release: Release; speed: number }) {
    this.#folder = path.join(folder, "cluster");
    this.#release = release;
    this.#speed = speed;
    for (const kind of ["namespaces", "bindings", "pods", "deleted"]) {
      fs.mkdirSync(path.join(this.#folder, kind), { recursive: true });
    }
  }

  createNamespace(name: string, annotations = ANNOTATIONS): void {
    this.#write("namespaces", name, { name, annotations });
  }

  createBinding(name: string, namespace: string | null, annotations = ANNOTATIONS): void {
    const owner = bindingFollowsNamespace(this.#release) ? namespace : null;
    this.#write("bindings", name, { name, role: "cluster-admin", owner, annotations });
  }

  createPod(pod: Pod): void {
    this.#write("pods", `${pod.namespace}_${pod.name}`, pod);
  }

  /** Begins the end of a namespace. False where there is none of that name. */
  deleteNamespace(name: string): boolean {
    if (!this.namespace(name)) return false;
    try {
      fs.writeFileSync(path.join(this.#folder, "deleted", name), String(Date.now()), {
        flag: "wx",
      });
    } catch { /* it is Terminating already */ }
    return true;
  }

  deletePod(namespace: string, name: string): void {
    this.#remove("pods", `${namespace}_${name}`);
  }

  /** Removes a binding at once. False where there is none of that name. */
  deleteBinding(name: string): boolean {
    const there = this.bindings().some((binding) => binding.name === name);
    this.#remove("bindings", name);
    return there;
  }

  namespace(name: string): Namespace | null {
    return this.namespaces().find((namespace) => namespace.name === name) ?? null;
  }

  namespaces(): Namespace[] {
    this.#sweep();
    return this.#list<Omit<Namespace, "phase">>("namespaces").map((namespace) => ({
      ...namespace,
      phase: this.#deletedAt(namespace.name) === null ? "Active" : "Terminating",
    }));
  }

  bindings(): Binding[] {
    this.#sweep();
    return this.#list<Binding>("bindings");
  }

  pods(namespace?: string): Pod[] {
    this.#sweep();
    const pods = this.#list<Pod>("pods");
    return namespace === undefined ? pods : pods.filter((pod) => pod.namespace === namespace);
  }

  /**
   * What gathers have left: their namespaces that nobody is deleting, and their bindings that do not go
   * with a namespace that is being deleted. Written as `oc delete` takes it.
   */
  leftovers(): string[] {
    const ours = (thing: { annotations: Record<string, string> }) =>
      thing.annotations["oc.openshift.io/command"] === ANNOTATIONS["oc.openshift.io/command"];
    const going = this.namespaces().filter(({ phase }) => phase === "Terminating");
    return [
      ...this.namespaces().filter((namespace) => ours(namespace) && namespace.phase === "Active")
        .map(({ name }) => `namespace/${name}`),
      ...this.bindings().filter((binding) =>
        ours(binding) && !going.some(({ name }) => name === binding.owner)
      ).map(({ name }) => `clusterrolebinding/${name}`),
    ];
  }

  #sweep(): void {
    for (const name of this.#names("deleted")) {
      const since = this.#deletedAt(name);
      if (since === null || Date.now() - since < TERMINATING * 1000 / this.#speed) continue;
      for (const pod of this.#list<Pod>("pods")) {
        if (pod.namespace === name) this.deletePod(name, pod.name);
      }
      for (const binding of this.#list<Binding>("bindings")) {
        if (binding.owner === name) this.#remove("bindings", binding.name);
      }
      this.#remove("namespaces", name);
      fs.rmSync(path.join(this.#folder, "deleted", name), { force: true });
    }
  }

  #deletedAt(name: string): number | null {
    try {
      const text = fs.readFileSync(path.join(this.#folder, "deleted", name), "utf8");
      // Empty between being made and being written.
      return text === "" ? Date.now() : Number(text);
    } catch {
      return null;
    }
  }

  #write(kind: string, name: string, value: unknown): void {
    const file = path.join(this.#folder, kind, `${name}.json`);
    const temporary = path.join(this.#folder, `.${name}.${process.pid}`);
    fs.writeFileSync(temporary, JSON.stringify(value));
    fs.renameSync(temporary, file);
  }

  #remove(kind: string, name: string): void {
    fs.rmSync(path.join(this.#folder, kind, `${name}.json`), { force: true });
  }

  #names(kind: string): string[] {
    return fs.readdirSync(path.join(this.#folder, kind)).sort();
  }

  #list<T>(kind: string): T[] {
    const found: T[] = [];
    for (const file of this.#names(kind)) {
      try {
        found.push(JSON.parse(fs.readFileSync(path.join(this.#folder, kind, file), "utf8")));
      } catch { /* removed since it was listed */ }
    }
    return found;
  }
}
