/** What is told of a search that did not find one thing. */
import type { ListTrouble } from "../kube/list.ts";
import type { Place } from "./virtual-machines.ts";

/** Named in a sentence; the others are counted. */
const MOST_NAMED = 10;

/** Why a list could not be read, as the second half of a sentence. */
export function reason(trouble: ListTrouble, kind: "plans" | "VMs"): string {
  switch (trouble) {
    case "absent":
      return kind === "plans"
        ? "Forklift is not installed in this cluster"
        : "KubeVirt is not installed in this cluster";
    case "forbidden":
      return `these credentials may not list ${kind} in all namespaces`;
    case "slow":
      return `the cluster did not list its ${kind} in time`;
    case "too-much":
      return `the cluster has more ${kind} than are read`;
    case "broken":
      return `the cluster did not answer with a list of ${kind}`;
  }
}

/** A sentence: why nothing was looked up, and that the command runs as it is. */
export function notLooked(why: string): string {
  return `${why[0]?.toUpperCase()}${why.slice(1)}, so the command ran as sent, without NS=`;
}

/** A sentence for none or several; `name` is what was asked for, as it was sent. */
export function notOne(
  kind: "plan" | "VM",
  name: string,
  places: readonly Place[],
  besides = "",
): string {
  const asSent = "the command ran as sent, without NS=";
  if (places.length === 0) {
    return `No ${kind} ${name} was found in any namespace${besides}, so ${asSent}`;
  }
  const named = places.slice(0, MOST_NAMED).map((place) => `${place.namespace}/${place.name}`);
  const more = places.length - named.length;
  return `${places.length} ${kind}s may be meant by ${name}: ${named.join(", ")}` +
    `${more > 0 ? ` and ${more} more` : ""}; ${asSent}: send NS=<namespace> to choose one`;
}
