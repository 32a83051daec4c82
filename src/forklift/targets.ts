/** What can be gathered of Forklift: plans and their VMs, for a list to choose from. */
import type { Held } from "../gathers/held.ts";
import type { Asker } from "../kube/asker.ts";
import type { LastGather, PlanTarget, Targets, VmTarget } from "../schema/targets.ts";
import { reason } from "./notes.ts";
import type { Plan } from "./plan.ts";
import type { Plans } from "./plans.ts";
import { readTarget } from "./target.ts";

/** Who looks at a list waits so long for it: milliseconds. */
const TIMEOUT_MS = 5_000;

/** Of each kind, in one reply: some 250 bytes each. */
const MOST_LISTED = 5_000;

/** Lists the targets that `asker` may see, with the newest of `gathers` (by id ascending) for each. Never rejects. */
export async function listTargets(
  asker: Asker,
  plans: Plans,
  gathers: Iterable<Pick<Held, "id" | "summary">>,
): Promise<Targets> {
  const { plans: found, trouble } = await plans.all(asker, TIMEOUT_MS);
  const last = newestOf(gathers);
  const listed = found.map((plan) => toPlanTarget(plan, last)).sort(byPlace);
  const vms = distinct(found.flatMap((plan) => toVmTargets(plan, last))).sort(byPlace);
  const isCut = listed.length > MOST_LISTED || vms.length > MOST_LISTED;
  const why = trouble
    ? sentence(reason(trouble, "plans"))
    : isCut
    ? `Only the first ${MOST_LISTED} plans and VMs are listed; others can be named all the same`
    : "";
  return { plans: listed.slice(0, MOST_LISTED), vms: vms.slice(0, MOST_LISTED), reason: why };
}

/** A list without anything in it, and why. */
export function noTargets(why: string): Targets {
  return { plans: [], vms: [], reason: why };
}

function toPlanTarget(plan: Plan, last: ReadonlyMap<string, LastGather>): PlanTarget {
  const { name, namespace, uid, status, targetNamespace, vms } = plan;
  const ofUid = uid === "" ? undefined : last.get(keyOf("uid", uid));
  const ofName = last.get(keyOf("plan", namespace, name));
  return {
    name,
    namespace,
    uid,
    status,
    "target-namespace": targetNamespace,
    "vms": vms.length,
    "last-gather": newer(ofUid, ofName) ?? null,
  };
}

function toVmTargets(plan: Plan, last: ReadonlyMap<string, LastGather>): VmTarget[] {
  return plan.vms.map(({ id, name, kubeName, phase }) => ({
    "name": kubeName ?? (name || id),
    "namespace": kubeName === undefined ? "" : plan.targetNamespace,
    "source-name": name,
    "source-id": id,
    "plan": `${plan.namespace}/${plan.name}`,
    "status": phase || "Planned",
    "last-gather": kubeName === undefined
      ? null
      : last.get(keyOf("vm", plan.targetNamespace, kubeName)) ?? null,
  }));
}

/** A VM that several plans name is one; the plan that has come furthest with it stands for all. */
function distinct(vms: readonly VmTarget[]): VmTarget[] {
  const byKey = new Map<string, VmTarget>();
  for (const vm of vms) {
    const key = keyOf(vm.namespace, vm.name, vm["source-id"]);
    if (!byKey.has(key) || vm.status !== "Planned") byKey.set(key, vm);
  }
  return [...byKey.values()];
}

/** The newest gather of each target, also under the uid that a custom name `plan:<name>:<uid>` has. */
function newestOf(
  gathers: Iterable<Pick<Held, "id" | "summary">>,
): ReadonlyMap<string, LastGather> {
  const newest = new Map<string, LastGather>();
  for (const { id, summary: { status, createdAt, customName, command } } of gathers) {
    const gather: LastGather = { "id": id, "status": status, "created-at": createdAt };
    const uid = /^plan:.*:([0-9a-f-]{36})$/.exec(customName)?.[1];
    if (uid !== undefined) newest.set(keyOf("uid", uid), gather);
    const target = readTarget(command);
    if (!target || target.namespace === "") continue;
    const { namespace, plan, vm } = target;
    if (plan !== "") newest.set(keyOf("plan", namespace, plan), gather);
    else if (vm !== "") newest.set(keyOf("vm", namespace, vm), gather);
  }
  return newest;
}

function newer(one: LastGather | undefined, other: LastGather | undefined): LastGather | undefined {
  return one && other ? (one.id > other.id ? one : other) : one ?? other;
}

function keyOf(...parts: readonly string[]): string {
  return parts.join("\0");
}

function byPlace(
  one: { name: string; namespace: string },
  other: { name: string; namespace: string },
): number {
  return compare(one.name, other.name) || compare(one.namespace, other.namespace);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function sentence(text: string): string {
  return `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}`;
}
