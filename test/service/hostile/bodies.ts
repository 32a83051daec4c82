/** Bodies that are none, are too long, or are not what their headers say; and keys for repeating. */
import { type BadRequest, FORM_TYPE, JSON_TYPE, post, request, shown } from "./case.ts";

const LIMIT = 64 * 1024;

/** No JSON object. */
const NO_OBJECT: readonly [string, string | Uint8Array][] = [
  ["an open brace", "{"],
  ["a closing brace too many", "{}}"],
  ["two objects", "{}{}"],
  ["a bare word", "gather"],
  ["single quotes", "{'timeout': '5m'}"],
  ["a comma at the end", '{"timeout": "5m",}'],
  ["a comment", '{"timeout": "5m"} // please'],
  ["NaN", '{"timeout": NaN}'],
  ["a newline within a text", '{"custom-name": "a\nb"}'],
  ["a NUL", "{\0}"],
  ["null", "null"],
  ["a number", "1e999"],
  ["a text", '"timeout"'],
  ["an array", '[{"timeout": "5m"}]'],
  ["an array of arrays, 32,000 deep", "[".repeat(32_000) + "]".repeat(32_000)],
  ["an array that is never closed, 65,536 deep", "[".repeat(LIMIT)],
  ["objects 10,000 deep, not closed", '{"a":'.repeat(10_000)],
  ["UTF-16", Buffer.from("\ufeff{}", "utf16le")],
  ["Latin-1", Buffer.from('{"custom-name": "caf\u00e9"}', "latin1")],
  ["an overlong slash of UTF-8", Buffer.from('{"custom-name": "\xc0\xaf"}', "latin1")],
  ["half a pair of surrogates in UTF-8", Buffer.from('{"custom-name": "\xed\xa0\x80"}', "latin1")],
  ["UTF-8 cut within a character", Buffer.from('{"custom-name": "\xf0\x9f\x98"}', "latin1")],
  ["gzip", Buffer.from("1f8b0800000000000003abae050043bfa6a302000000", "hex")],
];

/** Types and encodings that are not taken, with a body that would be. */
const TYPES: readonly (readonly string[])[] = [
  ["Content-Type: text/plain"],
  ["Content-Type: text/xml"],
  ["Content-Type: application/jsonx"],
  ["Content-Type: application/json-patch+json"],
  ["Content-Type: application/merge-patch+json"],
  ["Content-Type: json"],
  ["Content-Type: ;"],
  ["Content-Type: application/json, text/plain"],
  [JSON_TYPE, "Content-Type: text/plain"],
  ["Content-Type: multipart/form-data; boundary=x"],
  ["Content-Type: application/octet-stream"],
  [`Content-Type: ${"a".repeat(8000)}`],
  ["Content-Type: application/json; charset=utf-16"],
  ["Content-Type: application/json; charset=latin1"],
  ["Content-Type: application/json; charset="],
  [JSON_TYPE, "Content-Encoding: gzip"],
  [JSON_TYPE, "Content-Encoding: br, identity"],
  [JSON_TYPE, "Content-Encoding: \xff"],
];

/** JSON that comes under another name would start a gather with all defaults. */
const TRAPS: readonly (readonly [string, Uint8Array])[] = [
  ["JSON as a form", request("POST", "/must-gather", [FORM_TYPE], '{"timeout": "5m"}')],
  ["JSON as an encoded form", request("POST", "/must-gather", [FORM_TYPE], "%7B%22a%22%3A1%7D")],
  ["an array as a form", request("POST", "/must-gather", [FORM_TYPE], '["a"]')],
  ["JSON without a type", request("POST", "/must-gather", [], '{"timeout": "5m"}')],
  ["JSON in the query", request("POST", "/must-gather?%7B%22timeout%22:%225m%22%7D", [], "")],
];

const noObject = NO_OBJECT.map(([name, body]): BadRequest => ({
  name: `a body of ${name}`,
  bytes: post(body),
  status: 400,
  words: /The body (?:is not|must be)/,
}));

const types = TYPES.map((headers): BadRequest => ({
  name: `JSON with ${shown(headers.join(" and "))}`,
  bytes: request("POST", "/must-gather", headers, '{"timeout": "-5m"}'),
  status: 415,
  words: /application\/json/,
}));

const traps = TRAPS.map(([name, bytes]): BadRequest => ({
  name,
  bytes,
  status: 400,
  words: /Content-Type: application\/json/,
}));

const forms: readonly BadRequest[] = [
  "custom-name=%",
  "custom-name=%ff",
  "custom-name=%C0%AF",
  "%zz=1",
].flatMap((pairs) => [
  {
    name: `a form with ${pairs}`,
    bytes: request("POST", "/must-gather", [FORM_TYPE], pairs),
    status: 400,
    words: /The form is not well-formed/,
  },
  {
    name: `a query with ${pairs}`,
    bytes: request("POST", `/must-gather?${pairs}`, [], ""),
    status: 400,
    words: /The query is not well-formed/,
  },
]);

const lengths: readonly BadRequest[] = [
  {
    name: "one byte over the limit",
    bytes: post(`{"x": "${"a".repeat(LIMIT - 8)}"}`),
    status: 413,
    words: /over 65536 bytes/,
  },
  {
    name: "blanks over the limit",
    bytes: post(" ".repeat(LIMIT + 1)),
    status: 413,
    words: /over 65536 bytes/,
  },
  {
    name: "a form over the limit",
    bytes: request("POST", "/must-gather", [FORM_TYPE], "a=b&".repeat(LIMIT / 4 + 1)),
    status: 413,
    words: /over 65536 bytes/,
  },
  {
    name: "6,000 keys before the one that counts",
    bytes: post(`{${Array.from({ length: 6000 }, (_, n) => `"${n}":0`).join()},"timeout":0}`),
    status: 400,
    words: /^timeout: /,
  },
];

const keys: readonly BadRequest[] = ["", "k".repeat(256), " ".repeat(10), "k".repeat(20_000)]
  .map((key) => ({
    name: `Idempotency-Key ${shown(key)}`,
    bytes: post("{}", [`Idempotency-Key: ${key}`]),
    status: 400,
    words: /^Idempotency-Key: /,
  }));

export const BAD_BODIES: readonly BadRequest[] = [
  ...noObject,
  ...types,
  ...traps,
  ...forms,
  ...lengths,
  ...keys,
];
