import * as v from "valibot";
import { GatherRecordSchema, ProgressSchema } from "../schema/record.ts";

const { entries } = GatherRecordSchema;

/** What the client reads of a record. A service of another version may say more. */
const SeenRecordSchema = v.looseObject({
  "id": entries.id,
  "status": entries.status,
  "image": v.string(),
  "archive-size": entries["archive-size"],
  "archive-name": v.string(),
  "archive-digest": v.string(),
  "exec-output": v.string(),
  "reason": v.string(),
  "message": v.string(),
  "partial": v.boolean(),
  "progress": v.looseObject(ProgressSchema.entries),
});

/** See {@linkcode SeenRecordSchema}. */
export type SeenRecord = v.InferOutput<typeof SeenRecordSchema>;

/** Reads a record from the text of a reply, its keys in their order; undefined when it is none. */
export function readRecord(text: string): SeenRecord | undefined {
  try {
    const data: unknown = JSON.parse(text);
    return v.is(SeenRecordSchema, data) ? data : undefined;
  } catch {
    return undefined;
  }
}

const SeenListSchema = v.array(
  v.object({ "id": entries.id, "finished-at": entries["finished-at"] }),
);

/** Reads what is needed of a list; one that is none is empty. */
export function readList(text: string): v.InferOutput<typeof SeenListSchema> {
  try {
    return v.parse(SeenListSchema, JSON.parse(text));
  } catch {
    return [];
  }
}

/** Whether a gather has ended for good. */
export function hasEnded({ status }: SeenRecord): boolean {
  return status === "completed" || status === "error";
}
