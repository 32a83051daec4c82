import { Buffer } from "node:buffer";
import { Agent, request } from "node:https";

/** An API server and how to know it: what a cluster of the configuration has. */
export interface ApiHost {
  /** `https://host:port`, without a slash at the end. */
  readonly server: string;
  /** The name its certificate must have, where that is not the URL's. */
  readonly tlsServerName: string | undefined;
  /** Who signed its certificate, as PEM, read again when that changes; `undefined`: an authority the system trusts. */
  ca(): string | undefined;
}

/** A client's own certificate and its key, PEM. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Tells, in one sentence without any secret, why a cluster could not be asked. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** `nobody`: nothing listens at that address, or the name leads nowhere; `slow`: no whole answer in time. */
  readonly kind: "nobody" | "slow" | "too-much" | "other";

  constructor(message: string, kind: ApiError["kind"] = "other") {
    super(message);
    this.kind = kind;
  }
}

export interface Answer {
  readonly status: number;
  /** The parsed JSON, `undefined` where the answer was none. */
  readonly body: unknown;
  /** How long the answer was. */
  readonly bytes: number;
}

/** How a question is put. */
export interface AskOptions {
  /** Default: JSON. */
  readonly accept?: string;
  /** Longest answer, in bytes. @default 1 MiB: no review is longer, a real one has about 1 kB */
  readonly maxBytes?: number;
}

/** A JSON client for the API server of one cluster. */
export interface Api {
  /**
   * Posts a question, one that may be asked twice without harm, with the caller's own `token` (`undefined` where a client
   * certificate says who asks).
   *
   * Rejects with {@linkcode ApiError} where there is no whole answer within `timeoutMs`: the server cannot be
   * reached or verified, is too slow, breaks off, or says more than it may.
   */
  ask(
    path: string,
    question: unknown,
    token: string | undefined,
    timeoutMs: number,
    options?: AskOptions,
  ): Promise<Answer>;
  /** As {@linkcode Api.ask}, with a GET. */
  get(
    path: string,
    token: string | undefined,
    timeoutMs: number,
    options?: AskOptions,
  ): Promise<Answer>;
  /** Ends the connections it kept. */
  close(): void;
}

const MAX_ANSWER_BYTES = 2 ** 20;
/** As many as there are questions about callers under way at once, see auth/access.ts. */
const MAX_SOCKETS = 20;
/** What a connection says where nothing can answer, whoever asks. */
const NOBODY = ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND"];

/** The connections made with one CA and certificate. When these change they are retired: ended with their last question. */
interface Pool {
  readonly ca: string | undefined;
  readonly certificate: ClientCertificate | undefined;
  readonly agent: Agent;
  busy: number;
}

interface Sent {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body: Buffer;
  readonly token: string | undefined;
  readonly accept: string;
  readonly maxBytes: number;
  readonly deadline: number;
}

/**
 * Makes a client for `host`. TLS is verified with the cluster's own CA, whatever the environment says.
 *
 * @param certificate what the client shows of itself besides tokens; asked for with each question, as files change
 */
export function createApi(
  host: ApiHost,
  certificate: () => ClientCertificate | undefined = () => undefined,
): Api {
  let pool: Pool | undefined;

  function openPool(): Pool {
    const ca = host.ca();
    const shown = certificate();
    const isSame = pool?.ca === ca && pool?.certificate?.cert === shown?.cert &&
      pool?.certificate?.key === shown?.key;
    if (pool !== undefined && isSame) return pool;
    if (pool?.busy === 0) pool.agent.destroy();
    const agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });
    return pool = { ca, certificate: shown, agent, busy: 0 };
  }

  async function send(sent: Sent): Promise<Answer> {
    const used = openPool();
    used.busy++;
    try {
      return await sendOnce(host, used, sent).catch((error) => {
        // A server may close an idle connection in the moment it is used again.
        if (error instanceof StaleConnection) return sendOnce(host, used, sent);
        throw error;
      });
    } catch (error) {
      throw error instanceof ApiError ? error : explain(host, error);
    } finally {
      used.busy--;
      if (used !== pool && used.busy === 0) used.agent.destroy();
    }
  }

  return {
    ask(path, question, token, timeoutMs, options = {}) {
      const body = Buffer.from(JSON.stringify(question));
      return send({ method: "POST", path, body, token, ...complete(timeoutMs, options) });
    },
    get(path, token, timeoutMs, options = {}) {
      const body = Buffer.alloc(0);
      return send({ method: "GET", path, body, token, ...complete(timeoutMs, options) });
    },
    close() {
      pool?.agent.destroy();
      pool = undefined;
    },
  };
}

function complete(
  timeoutMs: number,
  { accept = "application/json", maxBytes = MAX_ANSWER_BYTES }: AskOptions,
): Pick<Sent, "accept" | "maxBytes" | "deadline"> {
  return { accept, maxBytes, deadline: performance.now() + timeoutMs };
}

class StaleConnection extends Error {}

function sendOnce(
  host: ApiHost,
  { ca, certificate, agent }: Pool,
  { method, path, body, token, accept, maxBytes, deadline }: Sent,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(host.server + path, {
      method,
      agent,
      ...(ca === undefined ? {} : { ca }),
      ...certificate,
      ...(host.tlsServerName === undefined ? {} : { servername: host.tlsServerName }),
      rejectUnauthorized: true,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(method === "GET"
          ? {}
          : { "content-type": "application/json", "content-length": body.length }),
        accept,
      },
    });
    const timer = setTimeout(
      () => fail(new ApiError(`${host.server} did not answer in time`, "slow")),
      Math.max(0, deadline - performance.now()),
    );
    function fail(error: Error): void {
      clearTimeout(timer);
      reject(error);
      sent.destroy();
    }
    sent.on("error", (error: NodeJS.ErrnoException) => {
      const stale = sent.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");
      fail(stale ? new StaleConnection(error.message) : error);
    });
    sent.on("response", (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxBytes) {
          fail(new ApiError(`${host.server} answered with too much`, "too-much"));
        } else chunks.push(chunk);
      });
      response.on("error", fail);
      response.on("close", () => {
        if (!response.complete) fail(new ApiError(`${host.server} broke off its answer`));
      });
      response.on("end", () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, body: parse(Buffer.concat(chunks)), bytes });
      });
    });
    if (method === "GET") sent.end();
    else sent.end(body);
  });
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}

/** Connection errors of the runtimes name addresses and certificates, never what was sent. */
function explain(host: ApiHost, error: unknown): ApiError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new ApiError(
    `${host.server} does not answer: ${message || code || "unknown error"}`,
    NOBODY.includes(code ?? "") ? "nobody" : "other",
  );
}
