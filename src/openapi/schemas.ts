/** The schemas that requests and replies have, as JSON Schema: made from those that check requests and type records. */
import { type ConversionConfig, toJsonSchema } from "@valibot/to-json-schema";
import * as v from "valibot";
import { RequestSchema } from "../schema/options.ts";
import { GatherListItemSchema, GatherRecordSchema } from "../schema/record.ts";
import {
  FileListSchema,
  GatherMachineSchema,
  HealthSchema,
  LinkSchema,
  MachineEventSchema,
  ProblemSchema,
  ServiceMachineSchema,
} from "../schema/replies.ts";
import { TargetsSchema } from "../schema/targets.ts";

/** By the names that the document has for them. */
const SCHEMAS = {
  Gather: GatherRecordSchema,
  GatherListItem: GatherListItemSchema,
  GatherRequest: RequestSchema,
  Problem: ProblemSchema,
  Link: LinkSchema,
  FileList: FileListSchema,
  Health: HealthSchema,
  Targets: TargetsSchema,
  GatherMachine: GatherMachineSchema,
  MachineEvent: MachineEventSchema,
  ServiceMachine: ServiceMachineSchema,
};

/** The name of a schema in the document. */
export type SchemaName = keyof typeof SCHEMAS;

/** JSON Schema, as far as it is touched here. */
export type JsonSchema = Record<string, unknown>;

/** What valibot checks and JSON Schema has no word for is left to the descriptions: the schemas take a little more. */
const CONFIG: ConversionConfig = {
  target: "draft-2020-12",
  typeMode: "input",
  errorMode: "ignore",
  overrideAction({ valibotAction, jsonSchema }) {
    const { type, requirement } = valibotAction as { type: string; requirement?: unknown };
    if (type === "max_bytes") return { ...jsonSchema, maxLength: Number(requirement) }; // no character has less than one
    if (type === "regex" && requirement instanceof RegExp && requirement.flags.includes("i")) {
      const { pattern: _, ...others } = jsonSchema; // a pattern has no flags
      return others;
    }
    if (jsonSchema.anyOf) { // a number or its digits: what is said of numbers says nothing of these
      const { type: _, ...others } = jsonSchema;
      if (type === "integer") return { ...others, multipleOf: 1 };
      if (type === "min_value") return { ...others, minimum: Number(requirement) };
      if (type === "max_value") return { ...others, maximum: Number(requirement) };
    }
    return undefined;
  },
};

/** All of them, for the document's `components`. */
export function componentSchemas(): Record<SchemaName, JsonSchema> {
  const converted = Object.entries(SCHEMAS).map(([name, schema]) => {
    const { $schema: _, ...json } = toJsonSchema(schema, CONFIG) as JsonSchema;
    describe(json, schema);
    return [name, json];
  });
  return Object.fromEntries(converted);
}

/** Descriptions that stand behind a transformation, which the conversion stops at. */
function describe(json: JsonSchema, { entries }: { entries: v.ObjectEntries }): void {
  const properties = json["properties"] as Record<string, JsonSchema>;
  for (const [key, entry] of Object.entries(entries)) {
    const inner = "wrapped" in entry ? entry.wrapped as v.GenericSchema : entry as v.GenericSchema;
    const description = v.getDescription(inner);
    const property = properties[key];
    if (property && description !== undefined) property["description"] = description;
  }
}
