import { Buffer } from "node:buffer";
import { Agent, request } from "node:https";
import type { Cluster } from "./clusters.ts";

/** Tells, in one sentence without any secret, why a cluster could not be asked. */
export class ApiError extends Error {
  override readonly name = "ApiError";
}

export interface Answer {
  readonly status: number;
  /** The parsed JSON, `undefined` where the answer was none. */
  readonly body: unknown;
}

/** A JSON client for the API server of one cluster. */
export interface Api {
  /**
   * Posts a question, one that may be asked twice without harm, with the caller's own `token`.
   *
   * Rejects with {@linkcode ApiError} where there is no whole answer within `timeoutMs`: the server cannot be
   * reached or verified, is too slow, breaks off, or says more than 1 MiB.
   */
  ask(path: string, question: unknown, token: string, timeoutMs: number): Promise<Answer>;
  /** Ends the connections it kept. */
  close(): void;
}

/** No review is longer; a real one has about 1 kB. */
const MAX_ANSWER_BYTES = 2 ** 20;
/** As many as there are questions under way at once, see access.ts. */
const MAX_SOCKETS = 20;

/** The connections made with one CA. When that changes they are retired: ended with their last question. */
interface Pool {
  readonly ca: string | undefined;
  readonly agent: Agent;
  busy: number;
}

/** Makes a client for `cluster`. TLS is verified with the cluster's own CA, whatever the environment says. */
export function createApi(cluster: Cluster): Api {
  let pool: Pool | undefined;

  function openPool(): Pool {
    const ca = cluster.ca();
    if (pool !== undefined && pool.ca === ca) return pool;
    if (pool?.busy === 0) pool.agent.destroy();
    const agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });
    return pool = { ca, agent, busy: 0 };
  }

  return {
    async ask(path, question, token, timeoutMs) {
      const used = openPool();
      used.busy++;
      try {
        const deadline = performance.now() + timeoutMs;
        const body = Buffer.from(JSON.stringify(question));
        const post = () => postOnce(cluster, used, path, body, token, deadline);
        return await post().catch((error) => {
          // A server may close an idle connection in the moment it is used again.
          if (error instanceof StaleConnection) return post();
          throw error;
        });
      } catch (error) {
        throw error instanceof ApiError ? error : new ApiError(explain(cluster, error));
      } finally {
        used.busy--;
        if (used !== pool && used.busy === 0) used.agent.destroy();
      }
    },
    close() {
      pool?.agent.destroy();
      pool = undefined;
    },
  };
}

class StaleConnection extends Error {}

function postOnce(
  cluster: Cluster,
  { ca, agent }: Pool,
  path: string,
  body: Buffer,
  token: string,
  deadline: number,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(cluster.server + path, {
      method: "POST",
      agent,
      ...(ca === undefined ? {} : { ca }),
      ...(cluster.tlsServerName === undefined ? {} : { servername: cluster.tlsServerName }),
      rejectUnauthorized: true,
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        "content-length": body.length,
        accept: "application/json",
      },
    });
    const timer = setTimeout(
      () => fail(new ApiError(`${cluster.server} did not answer in time`)),
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
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_ANSWER_BYTES) fail(new ApiError(`${cluster.server} answered with too much`));
        else chunks.push(chunk);
      });
      response.on("error", fail);
      response.on("close", () => {
        if (!response.complete) fail(new ApiError(`${cluster.server} broke off its answer`));
      });
      response.on("end", () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, body: parse(Buffer.concat(chunks)) });
      });
    });
    sent.end(body);
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
function explain(cluster: Cluster, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return `${cluster.server} does not answer: ${message || code || "unknown error"}`;
}
