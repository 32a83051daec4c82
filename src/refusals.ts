/** What the server itself answers, where no route is asked. */
import type { HeaderMap } from "./headers.ts";
import { Problem } from "./problem.ts";

const PROBLEM_TYPE = "application/problem+json";

/** To a request that came, and of which the URL cannot be made. */
export const UNREADABLE = new Problem({
  status: 400,
  detail: "The URL or the Host header cannot be read; percent-encode what a URL may not hold",
});

/** To one at which the app itself failed. */
export const FAILED = new Problem({
  status: 500,
  detail: "The service failed at this request; its log says why",
});

/** What is said to a request that came whole, without asking the app. */
export interface Refusal {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** To one more than a connection may have at once. */
export const TOO_MANY = refusalOf(
  new Problem({
    status: 503,
    detail: "Too many requests at once on one connection; wait for a reply before the next",
  }),
);

/** To one that names several hosts (RFC 9112, 3.2): what stands in front of the service may have gone by another than the first. */
export const SEVERAL_HOSTS = refusalOf(
  new Problem({ status: 400, detail: "There is more than one Host header; send one" }),
);

/** A whole reply, as it goes over the wire. */
export interface RawRefusal {
  readonly status: number;
  readonly text: string;
}

/** The limits that are named in a refusal; `Ms` is milliseconds. */
interface NamedLimits {
  readonly headerBytes: number;
  readonly headersMs: number;
  readonly requestMs: number;
}

/**
 * Writes, once, what a client is sent whose bytes never became a request: whole replies, as they go over the wire.
 *
 * @returns the one for an error's code; undefined where the client is gone, or does not speak HTTP
 */
export function rawRefusals(
  { headerBytes, headersMs, requestMs }: NamedLimits,
  headers: HeaderMap,
): (code: string) => RawRefusal | undefined {
  const refusal = (status: number, detail: string) => {
    const problem = new Problem({ status, detail });
    const body = textOf(problem);
    const lines = Object.entries({
      ...headers,
      "connection": "close",
      "content-type": PROBLEM_TYPE,
      "content-length": Buffer.byteLength(body),
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    const text = `HTTP/1.1 ${status} ${problem.title}\r\n${lines.join("")}\r\n${body}`;
    return { status, text };
  };
  const [headersS, requestS] = [headersMs / 1000, requestMs / 1000];
  const known: Readonly<Record<string, RawRefusal>> = {
    ERR_HTTP_REQUEST_TIMEOUT: refusal(
      408,
      `Headers have ${headersS} s to arrive, a whole request ${requestS} s; send it again, at once`,
    ),
    HPE_HEADER_OVERFLOW: refusal(
      431,
      `The URL and the headers are over ${headerBytes} bytes; shorten them`,
    ),
    HPE_CHUNK_EXTENSIONS_OVERFLOW: refusal(
      413,
      "The extensions of a chunk are too long; leave them out",
    ),
  };
  const unreadable = refusal(400, "This cannot be read as HTTP/1.1; send a request that can");
  return (code) => known[code] ?? (code.startsWith("HPE_") ? unreadable : undefined);
}

function refusalOf(problem: Problem): Refusal {
  return Object.freeze({ status: problem.status, type: PROBLEM_TYPE, text: textOf(problem) });
}

function textOf({ status, title, detail }: Problem): string {
  return JSON.stringify({ type: "about:blank", title, status, detail });
}
