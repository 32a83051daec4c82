/** One HTTP request over `node:http` or `node:https`: the global `fetch` takes no authority of one's own. Follows no redirect. */
import { type IncomingHttpHeaders, type IncomingMessage, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { ConnectionError, Failure } from "./errors.ts";
import { printable } from "./text.ts";

/** Longest body that is read into memory, in bytes: a record has 64 KiB of output, which JSON may write six times as long. */
const LONGEST_BODY = 2 * 1024 * 1024;

export interface Asked {
  method?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** PEM of the only authorities to trust; the system's own without it. */
  ca?: string | undefined;
  /** How long the headers of the reply may take: milliseconds. */
  timeoutMs: number;
  signal?: AbortSignal;
}

/** A reply whose body is still to be read, or destroyed. */
export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: IncomingMessage;
}

/**
 * Sends a request; resolves when the headers of the reply are there.
 *
 * Rejects with {@linkcode ConnectionError}, with {@linkcode Failure} when the certificate is not trusted, and with the signal's
 * reason when that aborts; a reply's body breaks off then, too.
 */
export function send(url: URL, asked: Asked): Promise<Reply> {
  const { method = "GET", headers = {}, body, ca, timeoutMs, signal } = asked;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    // A connection each: on one that is used again Deno would repeat a request by itself, wherever that then goes.
    const options = { method, headers, agent: false, ...(ca !== undefined && { ca }) } as const;
    const request = (url.protocol === "https:" ? tlsRequest : plainRequest)(url, options);
    let reply: IncomingMessage | undefined;
    // Deno tells nobody of a request that is destroyed while it waits: so we do.
    const giveUp = (error: Error) => {
      reply?.destroy(error);
      request.destroy(error);
      reject(signal?.aborted ? signal.reason : error);
    };
    const timer = setTimeout(
      () => giveUp(new ConnectionError(`no answer in ${timeoutMs / 1000} s`, "ETIMEDOUT")),
      timeoutMs,
    );
    const abort = () => giveUp(new ConnectionError("aborted"));
    signal?.addEventListener("abort", abort, { once: true });
    request.on("close", () => {
      clearTimeout(timer);
      if (!reply) signal?.removeEventListener("abort", abort);
    });
    request.on("response", (response) => {
      clearTimeout(timer);
      reply = response;
      response.on("error", () => {}); // told to whoever reads; nobody may
      response.on("close", () => signal?.removeEventListener("abort", abort));
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: response });
    });
    request.on("error", (error) => { // stays on: an error after the response must not end the process
      clearTimeout(timer);
      reject(signal?.aborted ? signal.reason : explain(url, error));
    });
    request.end(body);
  });
}

/** Reads a body to its end as text. Rejects with {@linkcode ConnectionError} when it breaks off or is too long. */
export async function readText({ body }: Reply): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > LONGEST_BODY) throw new ConnectionError("the answer is too long");
      chunks.push(chunk);
    }
  } catch (error) {
    throw connectionError(error);
  } finally {
    body.destroy();
  }
  if (!body.complete) throw new ConnectionError("the answer broke off", "ECONNRESET");
  return Buffer.concat(chunks).toString("utf8");
}

/** What broke a connection, in the words of the system. */
export function connectionError(error: unknown): ConnectionError {
  if (error instanceof ConnectionError) return error;
  const { message, code } = error as NodeJS.ErrnoException;
  return new ConnectionError(printable(message).slice(0, 200) || "the connection failed", code);
}

function explain(url: URL, error: NodeJS.ErrnoException): Error {
  const isCertificate = /cert|unable to verify|self.signed|altname|UnknownIssuer/i.test(
    `${error.code} ${error.message}`,
  );
  if (!isCertificate) return connectionError(error);
  return new Failure(
    `The certificate of ${url.origin} is not trusted (${
      printable(error.message).slice(0, 200)
    }); ` +
      "name the file of its authority with --ca",
  );
}
