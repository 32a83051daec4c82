/** How an operation of the service is written down. */
import type { SchemaName } from "./schemas.ts";

/** A parameter. Those of the path are required, others are not. */
export interface Parameter {
  readonly in: "path" | "query" | "header";
  readonly name: string;
  readonly description: string;
  /** JSON Schema. */
  readonly schema: Readonly<Record<string, unknown>>;
}

/** A reply of one status. */
export interface Reply {
  readonly description: string;
  /** What each header says, by name. One whose text ends in `?` is not always there. */
  readonly headers?: Readonly<Record<string, string>>;
  /** By media type: the name of a schema, in brackets for an array of it; `""` for what is no JSON. */
  readonly content?: Readonly<Record<string, SchemaName | `[${SchemaName}]` | "">>;
}

/** A request that works as shown, and the reply that it gets. */
export interface Example {
  readonly summary: string;
  /** The values of parameters, by name. */
  readonly with?: Readonly<Record<string, string | number>>;
  /** Of the body. */
  readonly body?: { readonly type: string; readonly value: unknown };
  readonly status: number;
  /** Of a reply that is JSON. That of a problem is its `detail`, word for word. */
  readonly reply?: unknown;
}

/** One method of one path. */
export interface Operation {
  readonly method: "get" | "post" | "delete";
  /** With parameters in braces. The one called `path` may hold slashes. */
  readonly path: `/${string}`;
  /** The name of a function for it. */
  readonly id: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly description?: string;
  /** Whether it answers whoever asks, without a token. */
  readonly isOpen?: boolean;
  readonly parameters?: readonly Parameter[];
  /** Media types of a body, and what it holds. */
  readonly body?: Readonly<Record<string, SchemaName>>;
  /** By status. What guards answer (401, 403, 421, 503) and a failure (500) go without saying. */
  readonly replies: Readonly<Record<number, Reply>>;
  readonly examples: Readonly<Record<string, Example>>;
}

/** What operations are grouped by. */
export type Tag = "gathers" | "archives" | "events" | "service";

/** A reply that says what was wrong. */
export function problem(description: string, headers: Reply["headers"] = {}): Reply {
  return { description, headers, content: { "application/problem+json": "Problem" } };
}
