import { Buffer } from "node:buffer";
import { badRequest, Problem } from "../problem.ts";
import { type RawGatherRequest, REQUEST_KEYS, type RequestKey } from "../schema/options.ts";

/** Longest body of a POST, in bytes. */
export const LONGEST_BODY = 64 * 1024;

const JSON_TYPE = "application/json";
const FORM_TYPE = "application/x-www-form-urlencoded";

/**
 * Reads what a POST asks for from its body (JSON, a form, or none) and its query; where both have a key, the body's
 * holds. Only keys that a request may set come back, unchecked; a key sent more than once becomes an array.
 *
 * Throws a {@link Problem}: 400 for a body that is not well-formed or breaks off, 413 for one over {@link LONGEST_BODY}, 415 for
 * another media type, and 400 for JSON sent under a form's name, which would otherwise start a full gather.
 */
export async function readGatherRequest(request: Request): Promise<RawGatherRequest> {
  const queryText = new URL(request.url).search.slice(1);
  const query = fields(queryText, "query");
  const body = await readBody(request);
  const sent = body.length === 0 ? undefined : read(body, request.headers);

  if (sent === undefined && query.size === 0 && looksLikeJson(firstKey(queryText, "query"))) {
    throw missingContentType("query");
  }
  const raw: Partial<Record<RequestKey, unknown>> = Object.create(null);
  for (const key of REQUEST_KEYS) {
    const value = sent?.get(key) ?? query.get(key);
    if (value !== undefined) raw[key] = value;
  }
  return raw;
}

function read(body: Uint8Array, headers: Headers): ReadonlyMap<string, unknown> {
  const contentType = headers.get("content-type")?.toLowerCase() ?? "";
  const mediaType = contentType.replace(/;.*/s, "").trim();
  const charset = /;\s*charset="?([^";]*)/.exec(contentType)?.[1] ?? "utf-8";
  const encoding = headers.get("content-encoding")?.trim().toLowerCase() ?? "identity";
  const known = mediaType === JSON_TYPE || mediaType === FORM_TYPE;

  if (!known && contentType !== "") throw unsupported();
  if (encoding !== "identity" || !/^(?:utf-?8|us-ascii)$/.test(charset.trim())) {
    throw unsupported();
  }
  const text = utf8(body);
  if (mediaType === JSON_TYPE) return json(text);
  if (looksLikeJson(text)) throw missingContentType("body");
  if (!known) throw unsupported();
  const form = fields(text, "form");
  if (form.size === 0 && looksLikeJson(firstKey(text, "form"))) throw missingContentType("body");
  return form;
}

function json(text: string): ReadonlyMap<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message repeats the input.
    throw badRequest("The body is not well-formed JSON; check its quotes, commas and braces");
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw badRequest('The body must be a JSON object, such as {} or {"timeout":"20m"}');
  }
  return new Map(Object.entries(value).filter(([, part]) => part !== null));
}

/** The known keys of a form or a query; what stands more than once becomes an array. */
function fields(text: string, what: "form" | "query"): ReadonlyMap<string, unknown> {
  const found = new Map<RequestKey, string[]>();
  for (const pair of text.split("&")) {
    const [key = "", ...rest] = pair.split("=");
    const name = decode(key, what);
    const known = REQUEST_KEYS.find((one) => one === name);
    if (known === undefined) continue;
    const values = found.get(known) ?? [];
    values.push(decode(rest.join("="), what));
    found.set(known, values);
  }
  return new Map(
    [...found].map(([key, values]) => [key, values.length === 1 ? values[0] : values]),
  );
}

function firstKey(text: string, what: "form" | "query"): string {
  return decode(/^[^&=]*/.exec(text)?.[0] ?? "", what);
}

/** Strict where `URLSearchParams` puts a replacement character. */
function decode(text: string, what: "form" | "query"): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw badRequest(`The ${what} is not well-formed; write it percent-encoded, in UTF-8`);
  }
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw badRequest("The body is not UTF-8; send it in UTF-8");
  }
}

function looksLikeJson(text: string): boolean {
  return /^\s*[{["]/.test(text);
}

/** Reads a body of at most {@link LONGEST_BODY}. Throws a {@link Problem}: 413 for a longer one, 400 for one that breaks off. */
export async function readBody(request: Request): Promise<Uint8Array> {
  // Of one that says so itself nothing is read; of one that says nothing, or lies, no more than the limit.
  if (Number(request.headers.get("content-length")) > LONGEST_BODY) throw tooLong();
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = request.body?.getReader(); // never cancelled: that would break the connection, and the reply with it
  for (let chunk = await next(reader); chunk; chunk = await next(reader)) {
    length += chunk.byteLength;
    if (length > LONGEST_BODY) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/** The next piece of a body; undefined at its end. Throws a {@link Problem} for one that breaks off. */
async function next(
  reader: ReadableStreamDefaultReader<Uint8Array> | undefined,
): Promise<Uint8Array | undefined> {
  try {
    return (await reader?.read())?.value;
  } catch {
    throw badRequest("The body ended before all of it was there; send it again"); // the client's doing, not the service's
  }
}

/** Without `Connection: close`: whoever still sends would see the connection break, and no reply. */
function tooLong(): Problem {
  return new Problem({
    status: 413,
    detail: `The body is over ${LONGEST_BODY} bytes; shorten it`,
  });
}

function missingContentType(where: "body" | "query"): Problem {
  return badRequest(
    `The ${where} looks like JSON but was not sent as JSON; send a body with the header Content-Type: ${JSON_TYPE}`,
  );
}

function unsupported(): Problem {
  return new Problem({
    status: 415,
    detail:
      `Send the body in UTF-8, not compressed, with Content-Type: ${JSON_TYPE} or ${FORM_TYPE}`,
    headers: { "accept-post": `${JSON_TYPE}, ${FORM_TYPE}` },
  });
}
