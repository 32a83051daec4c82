import * as v from "valibot";
import { StatusSchema } from "./record.ts";

const text = (description: string) => v.pipe(v.string(), v.description(description));

const LastGatherSchema = v.pipe(
  v.nullable(v.strictObject({
    "id": v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
    "status": StatusSchema,
    "created-at": v.pipe(v.string(), v.isoTimestamp()),
  })),
  v.description("the newest gather of it; null where there is none"),
);

/** A migration plan that can be gathered. */
const PlanTargetSchema = v.strictObject({
  "name": v.string(),
  "namespace": v.string(),
  "uid": v.string(),
  "status": text("in one word: Running, Succeeded, Failed, Canceled, Ready, Not ready or Archived"),
  "target-namespace": text("where its VMs go"),
  "vms": v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.description("how many it has")),
  "last-gather": LastGatherSchema,
});

/** A VM of a plan that can be gathered. */
const VmTargetSchema = v.strictObject({
  "name": text("what the cluster calls it, or what it is called where it comes from until then"),
  "namespace": text("empty until the cluster has a name for it"),
  "source-name": text("what it is called where it comes from"),
  "source-id": text("its id there"),
  "plan": text("namespace/name of the plan that has it"),
  "status": text("how far its migration is, such as Completed; Planned before it"),
  "last-gather": LastGatherSchema,
});

/** What can be gathered of Forklift. */
export const TargetsSchema = v.strictObject({
  "plans": v.array(PlanTargetSchema),
  "vms": v.array(VmTargetSchema),
  "reason": text("why there are none, or not all; empty where these are all"),
});

/** See {@link PlanTargetSchema}. */
export type PlanTarget = v.InferOutput<typeof PlanTargetSchema>;
/** See {@link VmTargetSchema}. */
export type VmTarget = v.InferOutput<typeof VmTargetSchema>;
/** See {@link TargetsSchema}. */
export type Targets = v.InferOutput<typeof TargetsSchema>;
/** The newest gather of a target. */
export type LastGather = NonNullable<PlanTarget["last-gather"]>;
