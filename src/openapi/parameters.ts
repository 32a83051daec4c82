/** Parameters that several operations have. */
import type { Parameter } from "./operation.ts";

/** Which gather; names may be sent encoded or not. */
export const ID_OR_NAME: Parameter = {
  in: "path",
  name: "id",
  description: "The gather's number, or a custom name: then the newest gather of that name",
  schema: { type: "string", minLength: 1 },
};

/** Which gather, where another than the one meant must not be hit. */
export const ID: Parameter = {
  in: "path",
  name: "id",
  description: "The gather's number",
  schema: { type: "integer", minimum: 1 },
};

/** A parameter of the query that is a text. */
export function query(
  name: string,
  description: string,
  schema: Parameter["schema"] = { type: "string" },
): Parameter {
  return { in: "query", name, description, schema };
}

/** A parameter of the query that is switched on with 1. */
export function toggle(name: string, description: string): Parameter {
  return query(name, description, { type: "string", enum: ["1"] });
}

/** A parameter of the query that is a whole number. */
export function number(name: string, description: string, maximum: number): Parameter {
  return query(name, description, { type: "integer", minimum: 1, maximum });
}

/** A header of a request. */
export function header(name: string, description: string): Parameter {
  return { in: "header", name, description, schema: { type: "string" } };
}

/** The conditions and ranges of RFC 9110, for files. */
export const CONDITIONS: readonly Parameter[] = [
  header("Range", "One range of bytes, `bytes=0-99`; of more than one all is sent"),
  header("If-Range", "The range holds only for this ETag; else all is sent"),
  header("If-None-Match", "304 when it still has this ETag"),
  header("If-Match", "412 when it no longer has this ETag"),
  header("If-Modified-Since", "304 when it has not changed since"),
  header("If-Unmodified-Since", "412 when it has changed since"),
];
