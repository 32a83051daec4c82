/** Forklift's migration plans, as far as a gather needs them. Fields as `plans.forklift.konveyor.io/v1beta1` has them. */
import * as v from "valibot";

/** Where plans are listed, of all namespaces. */
export const PLANS = "/apis/forklift.konveyor.io/v1beta1/plans";

/** A VM of a plan. */
export interface PlannedVm {
  /** In the provider it comes from: a managed object id of vSphere, a UUID of others. */
  readonly id: string;
  /** In the provider it comes from. */
  readonly name: string;
  /** What it is called in the cluster; `undefined` where that is not decided, or not told. */
  readonly kubeName: string | undefined;
  /** How far its migration is, such as `Completed`; `""` where it has none. */
  readonly phase: string;
}

export interface Plan {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  /** Where its VMs are once they are migrated. */
  readonly targetNamespace: string;
  /** In one word, such as `Ready` or `Succeeded`. */
  readonly status: string;
  readonly vms: readonly PlannedVm[];
}

/** A value of another type than it should have is none: a plan is not overlooked for that. */
const text = v.fallback(v.optional(v.string(), ""), "");

/** A name that Kubernetes takes; there are no others in a cluster, and what claims to be one goes into no command. */
export const kubeName = v.pipe(v.string(), v.check(isKubeName));

const VmSchema = v.object({ id: text, name: text, targetName: text, newName: text, phase: text });
const vmList = v.fallback(v.nullish(v.array(VmSchema)), []);

/** Nothing but its name and its place has to be there: plans are written by many hands and many versions. */
const PlanSchema = v.object({
  metadata: v.object({ name: kubeName, namespace: kubeName, uid: text }),
  spec: v.optional(v.object({
    targetNamespace: text,
    archived: v.fallback(v.optional(v.boolean(), false), false),
    vms: vmList,
  })),
  status: v.optional(v.object({
    conditions: v.fallback(v.nullish(v.array(v.object({ type: text, status: text }))), []),
    migration: v.fallback(v.nullish(v.object({ vms: vmList })), undefined),
  })),
});

/** What a condition is called here; the first that is true is the plan's status. */
const STATUSES: readonly (readonly [condition: string, status: string])[] = [
  ["Executing", "Running"],
  ["Succeeded", "Succeeded"],
  ["Failed", "Failed"],
  ["Canceled", "Canceled"],
  ["Ready", "Ready"],
];

/** A name that the cluster takes for a VM as it is; others are changed by Forklift, which says into what. */
const KUBE_NAME = /^(?=.{1,63}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;

/** Whether the cluster may have something of this name. */
export function isKubeName(name: string): boolean {
  return /^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/
    .test(name);
}

/** Reads an item of a list of plans; `undefined` where it is none. */
export function readPlan(item: unknown): Plan | undefined {
  const read = v.safeParse(PlanSchema, item);
  if (!read.success) return undefined;
  const { metadata, spec, status } = read.output;
  const target = spec?.targetNamespace ?? "";
  const conditions = (status?.conditions ?? []).filter((each) => each.status === "True");
  const [, word] = STATUSES.find(([type]) => conditions.some((each) => each.type === type)) ?? [];
  const migrated = new Map((status?.migration?.vms ?? []).map((vm) => [vm.id || vm.name, vm]));
  return {
    name: metadata.name,
    namespace: metadata.namespace,
    uid: metadata.uid,
    targetNamespace: isKubeName(target) ? target : metadata.namespace,
    status: spec?.archived ? "Archived" : word ?? "Not ready",
    vms: (spec?.vms ?? []).map((vm) => {
      const seen = migrated.get(vm.id || vm.name);
      const name = vm.name || seen?.name || ""; // some name their VMs by id only
      const told = seen?.newName || vm.targetName;
      return {
        id: vm.id,
        name,
        kubeName: told !== "" && isKubeName(told) ? told : KUBE_NAME.test(name) ? name : undefined,
        phase: seen?.phase ?? "",
      };
    }),
  };
}
