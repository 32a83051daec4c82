import type { GatherRequest } from "../schema/request.ts";
import type { Asker } from "../kube/asker.ts";
import { commandLine } from "../oc/command.ts";
import { findPlan, findPlannedVm, findVm } from "./find.ts";
import type { Plans } from "./plans.ts";
import type { Found, Search } from "./search.ts";
import { readTarget, type Target, targetCommand } from "./target.ts";

/** What became of a command that names a plan or a VM and no namespace. */
export interface Resolution {
  /** With its namespace and the cluster's own name; `undefined`: it runs as it was sent. */
  readonly resolved: { readonly command: string; readonly commandLine: string } | undefined;
  /** What was found, in a sentence, where that is not one thing; else `""`. */
  readonly note: string;
}

const AS_SENT: Resolution = { resolved: undefined, note: "" };

/** Whether a request's command names a plan or a VM, and leaves the namespace to the image. */
export function needsResolving(request: Pick<GatherRequest, "command" | "commandLine">): boolean {
  return unresolved(request) !== undefined;
}

/**
 * Looks up, within `timeoutMs` and with the rights of `asker`, which plan or VM a command means.
 *
 * Exactly one: the command gets `NS=` and the name the cluster has for it. None or several, or no answer: the command stays,
 * and a sentence tells what was found. Never rejects.
 */
export async function resolve(
  request: Pick<GatherRequest, "command" | "commandLine" | "customName">,
  { asker, plans, timeoutMs }: { asker: Asker; plans: Plans; timeoutMs: number },
): Promise<Resolution> {
  const target = unresolved(request);
  if (!target) return AS_SENT;
  const search: Search = {
    asker,
    plans,
    deadline: performance.now() + timeoutMs,
    planUid: /^plan:.*:([0-9a-f-]{36})$/.exec(request.customName)?.[1],
  };
  const found = target.plan !== "" ? await ofPlan(target, search) : await ofVm(target, search);
  if ("note" in found) return { resolved: undefined, note: found.note };
  try {
    return { resolved: targetCommand(found.one), note: "" };
  } catch {
    return AS_SENT; // a name that no command may hold: what the cluster says is not trusted further than a client
  }
}

async function ofPlan(target: Target, search: Search): Promise<Found<Target>> {
  const found = await findPlan(target.plan, search);
  if ("note" in found) return found;
  const { namespace, name } = found.one;
  if (target.vm === "") return { one: { namespace, plan: name, vm: "" } };
  const vm = await findPlannedVm(target.vm, found.one, search);
  return { one: { namespace, plan: name, vm: vm ?? target.vm } };
}

async function ofVm(target: Target, search: Search): Promise<Found<Target>> {
  const found = await findVm(target.vm, search);
  if ("note" in found) return found;
  return { one: { namespace: found.one.namespace, plan: "", vm: found.one.name } };
}

/** The target of a command that has one and no namespace. */
function unresolved(
  { command, commandLine: line }: Pick<GatherRequest, "command" | "commandLine">,
): Target | undefined {
  const target = readTarget(command);
  if (!target || target.namespace !== "" || (target.plan === "" && target.vm === "")) {
    return undefined;
  }
  // Words of an array are shown joined by blanks, and may have meant something else.
  return commandLine(command) === line ? target : undefined;
}
