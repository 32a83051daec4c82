import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "./cluster.ts";
import { cannotGoOn, type Command } from "./failing.ts";
import { type FlagKinds, isOn, parseFlags, valueOf } from "./flags.ts";
import { versionText } from "./release.ts";
import type { State } from "./state.ts";
import { say } from "./stdio.ts";

const KINDS: Record<string, FlagKinds> = {
  version: { client: "switch", output: "value", o: "value" },
  get: { output: "value", o: "value", "ignore-not-found": "switch" },
  delete: { wait: "switch", "ignore-not-found": "switch", output: "value", o: "value" },
};

/** What can be named on the command line, under its names. */
const RESOURCES: Record<string, { plural: string; full: string }> = {
  namespace: { plural: "namespaces", full: "namespace" },
  clusterrolebinding: {
    plural: "clusterrolebindings.rbac.authorization.k8s.io",
    full: "clusterrolebinding.rbac.authorization.k8s.io",
  },
  pod: { plural: "pods", full: "pod" },
};

const ALIASES: Record<string, string> = { ns: "namespace", po: "pod" };

interface Target {
  resource: string;
  /** Empty for all of them. */
  name: string;
}

/** Runs `oc version`, `oc get` and `oc delete`; resolves to the exit code. */
export async function simpleCommand(
  state: State,
  cluster: Cluster,
  name: string,
  argv: string[],
  unauthorized: boolean,
): Promise<number> {
  const kinds = KINDS[name];
  if (!kinds) {
    await say(2, `error: unknown command "${name}" for "oc"\n`);
    return 1;
  }
  const flags = parseFlags(argv, kinds, name);
  const pause = (seconds: number) => sleep(seconds * 1000 / state.config.speed);
  const command: Command = { state, cluster, flags, pause };
  if (name === "version" && flags.error === "") return await version(command);
  const targets = readTargets(flags.positional);
  const unknown = targets.find(({ resource }) => !RESOURCES[resource]);
  if (flags.error === "" && (unknown || targets.length === 0)) {
    await say(2, `error: the server doesn't have a resource type "${unknown?.resource ?? ""}"\n`);
    return 1;
  }
  const { resource = "", name: first = "" } = targets[0] ?? {};
  const what = { verb: name, resource: RESOURCES[resource]?.plural ?? resource, name: first };
  const failed = await cannotGoOn(command, `${name} ${resource}`, unauthorized, what);
  if (failed !== 0) return failed;
  return await (name === "get" ? get(command, targets) : remove(command, targets));
}

/** Reads `namespace one two`, `namespace/one` and `pods`. */
function readTargets(words: string[]): Target[] {
  const kind = (word: string) => ALIASES[word] ?? word.replace(/s$/, "").replace(/\..*$/, "");
  if (words.every((word) => word.includes("/"))) {
    return words.map((word) => {
      const [resource = "", name = ""] = word.split("/");
      return { resource: kind(resource), name };
    });
  }
  const [resource = "", ...names] = words;
  return (names.length > 0 ? names : [""]).map((name) => ({ resource: kind(resource), name }));
}

async function version({ state, flags }: Command): Promise<number> {
  const { release } = state.config;
  const text = valueOf(flags, "output") === "json"
    ? `${JSON.stringify({ releaseClientVersion: `${release}.0-lab` }, null, 2)}\n`
    : versionText(release);
  await say(1, text);
  return 0;
}

/** An object as the API server would show it. */
function shown(cluster: Cluster, resource: string, namespace: string): Record<string, unknown>[] {
  if (resource === "namespace") {
    return cluster.namespaces().map(({ name, phase, annotations }) => ({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name, annotations },
      status: { phase },
    }));
  }
  if (resource === "pod") {
    return cluster.pods(namespace).map((pod) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: pod.name, namespace: pod.namespace },
      spec: { containers: [{ name: "gather" }, { name: "copy" }] },
      status: { phase: pod.running ? "Running" : "Pending" },
    }));
  }
  return cluster.bindings().map(({ name, role, annotations, owner }) => ({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: {
      name,
      annotations,
      ...(owner ? { ownerReferences: [{ kind: "Namespace", name: owner }] } : {}),
    },
    roleRef: { kind: "ClusterRole", name: role },
  }));
}

async function get({ cluster, flags }: Command, targets: Target[]): Promise<number> {
  let missing = 0;
  const found: { resource: string; object: Record<string, unknown> }[] = [];
  for (const { resource, name } of targets) {
    const nameOf = (object: Record<string, unknown>) =>
      (object["metadata"] as { name: string }).name;
    const all = shown(cluster, resource, valueOf(flags, "namespace", "default"));
    const wanted = name === "" ? all : all.filter((object) => nameOf(object) === name);
    if (name !== "" && wanted.length === 0 && !isOn(flags, "ignore-not-found")) {
      await say(2, notFound(resource, name));
      missing = 1;
    }
    found.push(...wanted.map((object) => ({ resource, object })));
  }
  const single = targets.length === 1 && targets[0]?.name !== "";
  const output = valueOf(flags, "output");
  if (output === "json" && (found.length > 0 || !single)) {
    const items = found.map(({ object }) => object);
    const value = single ? items[0] : { apiVersion: "v1", kind: "List", items };
    await say(1, `${JSON.stringify(value, null, 4)}\n`);
  } else if (output !== "json") {
    for (const { resource, object } of found) {
      const { name } = object["metadata"] as { name: string };
      const { phase = "" } = (object["status"] ?? {}) as { phase?: string };
      await say(
        1,
        output === "name" ? `${RESOURCES[resource]?.full}/${name}\n` : `${name}   ${phase}\n`,
      );
    }
    if (found.length === 0 && output === "" && missing === 0) await say(2, "No resources found\n");
  }
  return missing;
}

async function remove({ cluster, flags, pause }: Command, targets: Target[]): Promise<number> {
  let missing = 0;
  for (const { resource, name } of targets) {
    const there = resource === "namespace"
      ? cluster.deleteNamespace(name)
      : cluster.deleteBinding(name);
    if (there) await say(1, `${RESOURCES[resource]?.full} "${name}" deleted\n`);
    else if (!isOn(flags, "ignore-not-found")) {
      await say(2, notFound(resource, name));
      missing = 1;
    }
    while (resource === "namespace" && isOn(flags, "wait", true) && cluster.namespace(name)) {
      await pause(0.5);
    }
  }
  return missing;
}

function notFound(resource: string, name: string): string {
  return `Error from server (NotFound): ${RESOURCES[resource]?.plural} "${name}" not found\n`;
}
