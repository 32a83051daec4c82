/** Holds every reply of a service under test against the OpenAPI document: its status, its headers, its type and its JSON. */
import assert from "node:assert/strict";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import {
  createDocument,
  type OpenApi,
  type OpenApiOperation,
  type OpenApiResponse,
} from "../../src/openapi/document.ts";

const PROBLEM = "application/problem+json";

/** What a path or method that the document does not have is answered with, guards first. */
const NOT_THERE = [401, 403, 404, 405, 421, 503];

/** A document, ready to be held against. */
export class Documented {
  readonly document: OpenApi;
  readonly #ajv: Ajv2020;
  readonly #paths: readonly {
    pattern: RegExp;
    template: string;
    operations: Readonly<Record<string, OpenApiOperation>>;
  }[];
  readonly #validators = new Map<string, ValidateFunction>();

  constructor(document = createDocument("0.0.0")) {
    this.document = document;
    this.#ajv = new Ajv2020({
      validateSchema: false,
      strictTypes: false,
      code: { optimize: false }, // of each schema little is checked: to make it faster takes longer
    });
    this.#ajv.addFormat("date-time", (text) => !Number.isNaN(Date.parse(text)));
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      this.#ajv.addSchema(schema, name);
    }
    this.#paths = Object.entries(document.paths).map(([template, operations]) => ({
      pattern: new RegExp(
        `^${template.replaceAll(/\{(\w+)\}/g, (_, name) => name === "path" ? ".+" : "[^/]+")}$`,
      ),
      template,
      operations,
    }));
  }

  /** What is wrong with a value by the schema that a reply of the document has; undefined when nothing is. */
  problemsOf(schema: object, value: unknown): string | undefined {
    const key = JSON.stringify(schema);
    let validate = this.#validators.get(key);
    if (!validate) {
      validate = this.#ajv.compile(JSON.parse(key.replaceAll('"#/components/schemas/', '"')));
      this.#validators.set(key, validate);
    }
    return validate(value) ? undefined : this.#ajv.errorsText(validate.errors);
  }

  /** Throws when a reply is not as the document says. Leaves its body to be read. */
  async check(method: string, url: URL, reply: Response): Promise<void> {
    if (method === "OPTIONS") return; // a browser's question, answered before there is a route
    const name = `${method} ${url.pathname}: ${reply.status}`;
    const path = this.#paths.find(({ pattern }) =>
      pattern.test(url.pathname.replace(/(.)\/$/, "$1"))
    );
    const operation = path?.operations[method === "HEAD" ? "get" : method.toLowerCase()];
    const type = reply.headers.get("content-type")?.split(";")[0] ?? "";
    if (!operation) {
      assert.ok(NOT_THERE.includes(reply.status), `${name}: the document has no such operation`);
      if (method !== "HEAD") assert.equal(type, PROBLEM, name);
      return;
    }
    const documented = operation.responses[reply.status];
    assert.ok(documented, `${name}: ${path?.template} has no such status in the document`);
    checkHeaders(name, documented, reply);
    if (method === "HEAD" || reply.body === null) return;
    const { content = {} } = documented;
    const media = content[type] ?? content["*/*"];
    assert.ok(media, `${name}: the document has no ${type || "body"} for ${path?.template}`);
    if (!media.schema) return;
    const problems = this.problemsOf(media.schema, await reply.clone().json());
    assert.equal(problems, undefined, `${name} is not as documented`);
  }
}

function checkHeaders(name: string, { headers = {} }: OpenApiResponse, reply: Response): void {
  for (const [header, { required }] of Object.entries(headers)) {
    assert.ok(!required || reply.headers.has(header), `${name}: without its ${header}`);
  }
}
