/** What the tables of bad requests are made of. */

/** Something in every request that no reply may repeat: what a client sends may be a secret. */
export const CANARY = "canary-2b7e1516";

/** One bad request, and what it must come to. */
export interface BadRequest {
  readonly name: string;
  /** All that is sent. */
  readonly bytes: Uint8Array;
  /** The status of the one reply; two where the runtimes read HTTP differently; 0 where the connection is closed without. */
  readonly status: number | readonly number[];
  /** What the problem's `detail` must say. */
  readonly words?: RegExp;
  /** The runtime answers, before the service sees a request: there is no problem in the body. */
  readonly bare?: true;
}

/** The bytes of a request as it stands, one byte a character. */
export function bytes(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

/** A request that can be read as HTTP/1.1. Texts of `headers` and `target` are one byte a character, a `body` is UTF-8. */
export function request(
  method: string,
  target: string,
  headers: readonly string[] = [],
  body?: string | Uint8Array,
): Uint8Array {
  const content = Buffer.from(body ?? "");
  const lines = [
    `${method} ${target} HTTP/1.1`,
    "Host: localhost",
    "Connection: close",
    `X-Canary: ${CANARY}`,
    ...headers,
    ...(body === undefined ? [] : [`Content-Length: ${content.length}`]),
  ];
  return Buffer.concat([bytes(`${lines.join("\r\n")}\r\n\r\n`), content]);
}

export function get(target: string, headers: readonly string[] = []): Uint8Array {
  return request("GET", target, headers);
}

/** Only what stands before the body of the answer counts. */
export function head(target: string, headers: readonly string[] = []): Uint8Array {
  return request("HEAD", target, headers);
}

export const JSON_TYPE = "Content-Type: application/json";
export const FORM_TYPE = "Content-Type: application/x-www-form-urlencoded";

/** A POST of JSON as it stands. */
export function post(json: string | Uint8Array, headers: readonly string[] = []): Uint8Array {
  return request("POST", "/must-gather", [JSON_TYPE, ...headers], json);
}

/** Names what is sent, so that no two cases have one name and none a long one. */
export function shown(value: string): string {
  const text = JSON.stringify(value).replace(
    /[^ -~]/gu,
    (character) => `<U+${(character.codePointAt(0) ?? 0).toString(16)}>`,
  );
  return text.length <= 60 ? text : `${text.slice(0, 40)}… of ${value.length}`;
}
