import * as v from "valibot";
import { type ListTrouble, readList } from "../kube/list.ts";
import { notLooked, notOne, reason } from "./notes.ts";
import { isKubeName, kubeName, type Plan, type PlannedVm, PLANS } from "./plan.ts";
import type { Found, Search } from "./search.ts";
import { type Place, vmsNamed, vmsWithId } from "./virtual-machines.ts";

const ItemSchema = v.object({
  metadata: v.object({
    name: kubeName,
    namespace: kubeName,
    uid: v.optional(v.string(), ""),
  }),
});

type PlanPlace = Place & { readonly uid: string };

/** The one plan of a name; among several, that of the custom name's uid. Never rejects. */
export async function findPlan(
  name: string,
  { asker, deadline, planUid }: Search,
): Promise<Found<PlanPlace>> {
  if (!isKubeName(name)) return { note: notOne("plan", name, []) };
  const plans: PlanPlace[] = [];
  const trouble = await readList(
    asker.api,
    PLANS,
    {
      token: asker.token,
      deadline,
      metadataOnly: true,
      query: { fieldSelector: `metadata.name=${name}` },
    },
    (item) => {
      const read = v.safeParse(ItemSchema, item);
      if (read.success && read.output.metadata.name === name) plans.push(read.output.metadata);
    },
  );
  if (trouble) return { note: notLooked(reason(trouble, "plans")) };
  const chosen = plans.length > 1 && planUid !== undefined
    ? plans.filter((plan) => plan.uid === planUid)
    : plans;
  const [one, ...others] = chosen.length > 0 ? chosen : plans;
  return one && others.length === 0 ? { one } : { note: notOne("plan", name, plans) };
}

/** What the cluster calls a VM of a plan; `undefined` where that cannot be told. Never rejects. */
export async function findPlannedVm(
  vm: string,
  of: Place,
  { asker, plans, deadline }: Search,
): Promise<string | undefined> {
  const list = await plans.all(asker, deadline - performance.now());
  const plan = list.plans.find((each) => each.name === of.name && each.namespace === of.namespace);
  const meant = plan?.vms.filter(isMeant(vm)) ?? [];
  return meant.length === 1 ? meant[0]?.kubeName : undefined;
}

/**
 * The one VM that is called so in the cluster, or had that name or id where it came from, as its plan or its label says.
 * What is there goes before what is only planned. Never rejects.
 */
export async function findVm(vm: string, search: Search): Promise<Found<Place>> {
  const { asker, plans, deadline, planUid } = search;
  const [named, labelled] = await Promise.all([
    isKubeName(vm) ? vmsNamed(asker, vm, deadline) : { vms: [], trouble: undefined },
    vmsWithId(asker, [vm], deadline),
  ]);
  const [made, ...othersMade] = labelled.vms;
  // An id of a provider is nobody's name, so plans have nothing to add: they are many, and are not read for it.
  if (made && othersMade.length === 0 && named.vms.length === 0 && !named.trouble) {
    return { one: made };
  }
  const list = await plans.all(asker, deadline - performance.now());
  const planned = vmsOf(list.plans, vm);
  const unnamed = planned.filter(({ kubeName }) => kubeName === undefined);
  const renamed = await vmsWithId(asker, unnamed.map(({ id }) => id), deadline);

  const unread = [named, labelled, renamed].map(({ trouble }) => trouble).find(isUnfinished);
  if (unread) return { note: notLooked(reason(unread, "VMs")) };
  if (isUnfinished(list.trouble)) return { note: notLooked(reason(list.trouble, "plans")) };

  // The same id is another VM in another provider; this one is where its plan puts it.
  const renamedHere = placesIn(unnamed, renamed.vms);
  const there = distinct([...named.vms, ...labelled.vms, ...renamedHere]);
  // Of those called as was asked it is known whether they are there; of others only the plan's word.
  const isKnownGone = (place: Place) => place.name === vm && named.trouble === undefined;
  const places = planned.map(({ targetNamespace: namespace, kubeName: name }) =>
    name === undefined ? undefined : { namespace, name }
  ).filter((place) => place !== undefined);
  const all = distinct([
    ...there,
    ...places.filter((place) => there.length === 0 || !isKnownGone(place)),
  ]);
  const chosen = all.length > 1 && planUid !== undefined
    ? placesIn(planned.filter((each) => each.planUid === planUid), all)
    : all;
  const [one, ...others] = chosen.length > 0 ? chosen : all;
  if (one && others.length === 0) return { one };
  const besides = [
    named.trouble && reason(named.trouble, "VMs"),
    list.trouble && reason(list.trouble, "plans"),
  ].filter(Boolean);
  return { note: notOne("VM", vm, all, besides.length > 0 ? ` (${besides.join("; ")})` : "") };
}

/** Nobody can tell what else there would have been; what is not installed, or not to be seen, has nothing else. */
function isUnfinished(trouble: ListTrouble | undefined): trouble is ListTrouble {
  return trouble === "slow" || trouble === "too-much" || trouble === "broken";
}

type OfPlan = PlannedVm & { readonly targetNamespace: string; readonly planUid: string };

function vmsOf(plans: readonly Plan[], vm: string): OfPlan[] {
  const isThis = isMeant(vm);
  return plans.flatMap(({ targetNamespace, uid: planUid, vms }) =>
    vms.filter(isThis).map((each) => ({ ...each, targetNamespace, planUid }))
  );
}

/** Names of vSphere may be whole paths; the last part is what its own pages show. */
function isMeant(vm: string): (each: PlannedVm) => boolean {
  return ({ id, name, kubeName }) =>
    id === vm || name === vm || kubeName === vm || name.endsWith(`/${vm}`);
}

function placesIn(planned: readonly OfPlan[], all: readonly Place[]): Place[] {
  return all.filter((place) =>
    planned.some(({ targetNamespace, kubeName }) =>
      targetNamespace === place.namespace &&
      (kubeName === undefined || kubeName === place.name)
    )
  );
}

function distinct(places: readonly Place[]): Place[] {
  return [...new Map(places.map((place) => [`${place.namespace}/${place.name}`, place])).values()];
}
