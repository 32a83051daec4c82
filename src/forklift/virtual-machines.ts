/** KubeVirt's virtual machines, by name or by the id that Forklift labels them with. */
import * as v from "valibot";
import type { Asker } from "../kube/asker.ts";
import { type ListTrouble, readList } from "../kube/list.ts";
import { kubeName } from "./plan.ts";

const VIRTUAL_MACHINES = "/apis/kubevirt.io/v1/virtualmachines";

/** What the label says that Forklift puts on the VMs that it makes: their id in the provider they come from. */
const ID_LABEL = "vmID";

/** As Kubernetes has values of labels. */
const LABEL_VALUE = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;

/** More of one name or id would not help anybody to choose. */
const MOST_FOUND = 100;

/** Where something is. */
export interface Place {
  readonly namespace: string;
  readonly name: string;
}

export interface FoundVms {
  readonly vms: readonly Place[];
  /** Why these may not be all. */
  readonly trouble: ListTrouble | undefined;
}

const ItemSchema = v.object({ metadata: v.object({ name: kubeName, namespace: kubeName }) });

/** The VMs called so in the cluster, of all namespaces. Never rejects. */
export function vmsNamed(asker: Asker, name: string, deadline: number): Promise<FoundVms> {
  return find(asker, { fieldSelector: `metadata.name=${name}` }, deadline, name);
}

/** The VMs that Forklift made from those with these ids; ids that can be no label are passed by. Never rejects. */
export async function vmsWithId(
  asker: Asker,
  ids: readonly string[],
  deadline: number,
): Promise<FoundVms> {
  const values = ids.filter((id) => LABEL_VALUE.test(id)).slice(0, MOST_FOUND);
  if (values.length === 0) return { vms: [], trouble: undefined };
  return await find(asker, { labelSelector: `${ID_LABEL} in (${values.join(",")})` }, deadline);
}

async function find(
  { api, token }: Asker,
  query: Readonly<Record<string, string>>,
  deadline: number,
  wanted?: string,
): Promise<FoundVms> {
  const vms: Place[] = [];
  const options = { token, deadline, query, metadataOnly: true, pageSize: MOST_FOUND };
  let isTooMuch = false;
  const trouble = await readList(api, VIRTUAL_MACHINES, options, (item) => {
    const read = v.safeParse(ItemSchema, item);
    if (!read.success) return;
    const { name, namespace } = read.output.metadata;
    if (wanted !== undefined && name !== wanted) return;
    if (vms.length < MOST_FOUND) vms.push({ name, namespace });
    else isTooMuch = true;
  });
  return { vms, trouble: trouble ?? (isTooMuch ? "too-much" : undefined) };
}
