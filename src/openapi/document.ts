/**
 * The OpenAPI document: what may be asked and what is answered, for programs and people.
 *
 * To document a route:
 * 1. Add an `Operation` to the family's file in `paths/` (a new family: a file, and a line in `OPERATIONS` below).
 * 2. `path` as Hono has it, `:id` as `{id}`; every status its handler can answer under `replies`. What guards and failures
 *    answer is added here for all of them; `isOpen` for what asks no token.
 * 3. A body or reply in JSON has a valibot schema in `src/schema/`, under a name in `SCHEMAS` of `schemas.ts`: the one that
 *    checks requests, or a strict one that says what a reply holds.
 * 4. An example for each success and each refusal that a caller may meet; `test/openapi/examples.test.ts` sends each, and
 *    says at its head which gathers there are by then.
 *
 * `test/openapi/document.test.ts` fails for a route without an operation, and every reply that a test gets through
 * `test/support/service.ts` fails that test unless it is as written here.
 */
import { STATUS_CODES } from "node:http";
import { archives } from "./paths/archives.ts";
import { events } from "./paths/events.ts";
import { gathers } from "./paths/gathers.ts";
import { inspector } from "./paths/inspector.ts";
import { service } from "./paths/service.ts";
import { targets } from "./paths/targets.ts";
import { type Example, type Operation, problem, type Reply } from "./operation.ts";
import { componentSchemas } from "./schemas.ts";

/** Every operation. */
export const OPERATIONS: readonly Operation[] = [
  ...gathers,
  ...archives,
  ...events,
  ...targets,
  ...inspector,
  ...service,
];

/** What guards answer before a route is asked. */
const GUARDED: Readonly<Record<number, Reply>> = {
  401: problem("With AUTH: the token is missing, or the cluster does not know it", {
    "WWW-Authenticate": "`Bearer`",
  }),
  403: problem(
    "With AUTH: the caller is no cluster-admin. To a browser: the page is of another site",
  ),
  421: problem("Without AUTH: the Host is neither loopback nor the name in PORT"),
  503: problem("The service starts, or the cluster cannot be asked whether the caller may", {
    "Retry-After": "seconds",
  }),
};

/** What any request may meet. */
const ALWAYS: Readonly<Record<number, Reply>> = {
  500: problem("The service failed; its log says why"),
};

const TAGS = {
  gathers: "Starting, watching and ending gathers",
  archives: "What gathers brought",
  events: "What happens, as it happens",
  service: "The service itself",
};

/** OpenAPI, as far as it is read again. */
export interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

/** One method of one path in the document. */
export interface OpenApiOperation {
  readonly parameters?: readonly {
    readonly in: string;
    readonly name: string;
    readonly examples?: Examples;
  }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, OpenApiResponse>>;
  /** The status that each example is answered with; its parts stand under its name. */
  readonly "x-example-status": Readonly<Record<string, number>>;
}

/** A reply in the document. */
export interface OpenApiResponse {
  readonly headers?: Readonly<Record<string, { readonly required: boolean }>>;
  readonly content?: Content;
}

type Examples = Readonly<Record<string, { readonly value: unknown }>>;
type Content = Readonly<Record<string, { readonly schema?: object; readonly examples?: Examples }>>;

/** Writes the document. */
export function createDocument(version: string): OpenApi {
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const operation of OPERATIONS) {
    (paths[operation.path] ??= {})[operation.method] = write(operation);
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "must-gather service",
      version,
      description:
        "`oc adm must-gather` as an HTTP service. All URLs in replies are relative. HEAD works wherever GET does; a " +
        "known path answers other methods with 405 and `Allow`. What cannot be read as HTTP at all is answered with 400, 408 or 431. " +
        "Every refusal is `application/problem+json`.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: ".", description: "Where this document is" }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: componentSchemas(),
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description:
            "The token of a cluster-admin (`oc whoami -t`); none is asked for with AUTH=none",
        },
      },
    },
  } as OpenApi;
}

function write(operation: Operation): OpenApiOperation {
  const { id, tag, summary, description, isOpen = false, parameters = [], body } = operation;
  const examples = Object.entries(operation.examples);
  const replies = { ...(isOpen ? {} : GUARDED), ...ALWAYS, ...operation.replies };
  const written = {
    operationId: id,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    security: isOpen ? [] : [{ bearer: [] }, {}],
    ...(parameters.length > 0 && {
      parameters: parameters.map((parameter) => ({
        ...parameter,
        required: parameter.in === "path",
        ...namedExamples(examples, ({ with: given }) => given?.[parameter.name]),
      })),
    }),
    ...(body && {
      requestBody: {
        required: false,
        content: Object.fromEntries(
          Object.entries(body).map(([type, schema]) => [type, {
            schema: reference(schema),
            ...namedExamples(
              examples,
              (each) => each.body?.type === type ? each.body.value : undefined,
            ),
          }]),
        ),
      },
    }),
    responses: Object.fromEntries(
      Object.entries(replies).map((
        [status, reply],
      ) => [status, writeReply(Number(status), reply, examples)]),
    ),
    "x-example-status": Object.fromEntries(examples.map(([name, { status }]) => [name, status])),
  };
  return written;
}

function writeReply(
  status: number,
  { description, headers = {}, content }: Reply,
  examples: readonly [string, Example][],
): OpenApiResponse {
  const own = examples.filter(([, example]) => example.status === status);
  const written = {
    description,
    ...(Object.keys(headers).length > 0 && {
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, text]) => [name, {
          description: text.replace(/\?$/, ""),
          required: !text.endsWith("?"),
          schema: { type: "string" },
        }]),
      ),
    }),
    ...(content && {
      content: Object.fromEntries(
        Object.entries(content).map(([type, schema]) => [type, {
          ...(schema !== "" && { schema: reference(schema) }),
          ...namedExamples(own, ({ reply }) => exampleOf(status, reply)),
        }]),
      ),
    }),
  };
  return written;
}

/** That of a problem is written as its detail alone. */
function exampleOf(status: number, reply: unknown): unknown {
  if (status < 400 || reply === undefined) return reply;
  return {
    "type": "about:blank",
    "title": STATUS_CODES[status],
    "status": status,
    "detail": reply,
  };
}

function namedExamples(
  examples: readonly [string, Example][],
  valueOf: (example: Example) => unknown,
): { examples?: Examples } {
  const named = examples.map(([name, example]) =>
    [name, { summary: example.summary, value: valueOf(example) }] as const
  ).filter(([, { value }]) => value !== undefined);
  return named.length > 0 ? { examples: Object.fromEntries(named) } : {};
}

function reference(name: string): object {
  const [, item] = /^\[(.*)\]$/.exec(name) ?? [];
  if (item !== undefined) return { type: "array", items: reference(item) };
  return { $ref: `#/components/schemas/${name}` };
}
