/** The listening socket: bounds on what a client may hold open, and an orderly end. */
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { getRequestListener, RequestError } from "@hono/node-server";
import { Connections, connectionsWithin } from "./connections.ts";
import { repliesWith, securityHeaders } from "./headers.ts";
import type { Log } from "./log.ts";
import { reasonOf } from "./log.ts";
import {
  FAILED,
  rawRefusals,
  type Refusal,
  SEVERAL_HOSTS,
  TOO_MANY,
  UNREADABLE,
} from "./refusals.ts";
import type { Hot } from "./routes/hot-polls.ts";
import { type Pair, type PairFiles, PairOnDisk } from "./tls.ts";

/** What a client may hold; `Ms` is milliseconds. */
export interface ServerLimits {
  /** Request line and headers together, in bytes. */
  readonly headerBytes: number;
  /** How long TLS may take to begin, and then the headers of a request. */
  readonly headersMs: number;
  /** How long a request may take to arrive, with its body. */
  readonly requestMs: number;
  /** How long a connection waits for its next request. */
  readonly keepAliveMs: number;
  /** How long a reader may take nothing of what waits for it. */
  readonly stallMs: number;
  readonly connections: number;
  /** Requests on one connection: in all, and at once. */
  readonly requests: number;
  readonly requestsAtOnce: number;
}

/** The limits, unless a test says otherwise. */
export const LIMITS: ServerLimits = {
  headerBytes: 32 * 1024, // a token of OpenShift has about 1 KiB, a service account's 2, one with many groups 8
  headersMs: 10_000,
  requestMs: 30_000, // 64 KiB at most, or the routes refuse it
  keepAliveMs: 100_000, // longer than those in front keep theirs: nginx 60 s, Go 90 s; else a request meets a closed one
  // The system buffers up to 4 MiB for a reader, out of our sight: whoever reads 16 KiB/s is never cut off.
  stallMs: 5 * 60_000,
  connections: 2_000, // with a file each, below the 4096 descriptors that Linux gives where nobody says otherwise
  requests: 1_000, // as nginx: so that connections spread anew, and see a new certificate
  requestsAtOnce: 16, // browsers and proxies have one; their replies wait in memory
};

/** How often the times of headers and requests are looked at, at most: milliseconds. */
const CHECK_MS = 2_000;

/** A client that vanished without a word is asked for a sign of life after this much silence: milliseconds. */
const PROBE_MS = 60_000;

export interface ServerOptions {
  /** Undefined listens on all addresses. */
  host: string | undefined;
  port: number;
  tls: PairFiles | undefined;
  fetch: (request: Request) => Response | Promise<Response>;
  /** Answers what it can at once, before `fetch` is asked; false leaves the request as it is. */
  hot?: Hot | undefined;
  log: Log;
  /** Is told the status of each refusal that no route is asked about. */
  refused?: (status: number) => void;
  /** The text of `/proc/self/limits`, where there is one. */
  processLimits?: string | undefined;
  limits?: Partial<ServerLimits>;
  /** How often the certificate is looked at: milliseconds. */
  certificateLookMs?: number;
}

/** The HTTP server. */
export interface ServiceServer {
  /** Rejects with a sentence when the address cannot be had. */
  listen: () => Promise<AddressInfo>;
  /**
   * Takes no more connections and closes those that wait; resolves when those that are in a request have ended, at the latest when
   * `signal` aborts.
   */
  close: (signal: AbortSignal) => Promise<void>;
}

/** Makes the server. Throws a line that names the variable and the file when there is no certificate to be had. */
export function createServer(options: ServerOptions): ServiceServer {
  const { log, refused = () => {} } = options;
  const limits = { ...LIMITS, ...options.limits };
  const headers = securityHeaders(options.tls !== undefined);
  const pair = options.tls &&
    new PairOnDisk(options.tls, { lookMs: options.certificateLookMs });
  const bounds = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: Math.min(CHECK_MS, limits.headersMs / 4),
    keepAlive: true, // of TCP
    keepAliveInitialDelay: PROBE_MS,
    ServerResponse: repliesWith(headers),
  };
  const https = pair &&
    createHttpsServer({ ...bounds, ...secure(pair.pair), handshakeTimeout: limits.headersMs });
  const server: Server = https ?? createHttpServer(bounds);
  const connections = new Connections(server, {
    ...limits,
    connections: connectionsWithin(options.processLimits, limits.connections),
  }, log);

  const listener = getRequestListener(options.fetch, {
    // A `Response` with its body at hand is passed on as it is, not made into a stream and read again: 27 µs a request of 61.
    overrideGlobalObjects: true,
    autoCleanupIncoming: false, // it closes the connection half a second after the reply; `Connections` reads what is left
    errorHandler: (error) => {
      const problem = error instanceof RequestError ? UNREADABLE : FAILED;
      refused(problem.status);
      if (problem === UNREADABLE) return problem.toResponse();
      log.error("request failed", { reason: reasonOf(error) });
      return problem.toResponse();
    },
  });
  const refuse = (reply: ServerResponse, { status, type, text }: Refusal) => {
    refused(status);
    reply.setHeader("connection", "close");
    reply.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(text) });
    reply.end(text);
  };
  server.on("request", (request, reply) => {
    const answer = connections.begin(request, reply);
    if (answer === "refuse") return refuse(reply, TOO_MANY);
    if (hasSeveralHosts(request)) return refuse(reply, SEVERAL_HOSTS);
    if (answer === "last") reply.setHeader("connection", "close");
    else if (options.hot?.(request, reply)) return;
    void listener(request, reply);
  });

  const refusalFor = rawRefusals(limits, headers);
  server.on("clientError", ({ code }: NodeJS.ErrnoException, socket: Socket) => {
    if (connections.isLeaving(socket)) return;
    const refusal = refusalFor(code ?? "");
    if (!refusal || !socket.writable || connections.isAnswering(socket)) {
      socket.destroy();
      return;
    }
    refused(refusal.status);
    connections.leave(socket, refusal.text);
  });

  return {
    listen: () =>
      new Promise((resolve, reject) => {
        const failed = (error: NodeJS.ErrnoException) => reject(listenFailure(options, error));
        server.once("error", failed);
        server.listen(options.port, options.host, () => {
          server.off("error", failed);
          server.on("error", (error) => log.error("server", { reason: reasonOf(error) }));
          pair?.follow((renewed) => https?.setSecureContext(secure(renewed)), log);
          resolve(server.address() as AddressInfo);
        });
      }),
    close: (signal) =>
      new Promise((resolve) => {
        const cut = () => connections.cut();
        pair?.close();
        server.close(() => {
          signal.removeEventListener("abort", cut);
          resolve();
        });
        connections.close();
        if (signal.aborted) cut();
        else signal.addEventListener("abort", cut, { once: true });
      }),
  };
}

const TLS_AT_LEAST = "TLSv1.2";

function secure(pair: Pair) {
  return { ...pair, minVersion: TLS_AT_LEAST } as const;
}

/** The parser gives the first of them as the host, and says nothing of the others. */
function hasSeveralHosts({ rawHeaders }: IncomingMessage): boolean {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name?.length === 4 && name.toLowerCase() === "host") hosts++;
  }
  return hosts > 1;
}

function listenFailure({ host, port }: ServerOptions, error: NodeJS.ErrnoException): Error {
  const why = error.code === "EADDRINUSE"
    ? "another program uses the port; stop it or set PORT to another"
    : error.code === "EACCES"
    ? "ports below 1024 need more rights; set PORT to a higher one"
    : error.code === "EADDRNOTAVAIL"
    ? "this machine has no such address; set PORT to one it has"
    : error.message;
  return new Error(`Cannot listen on ${host ?? "all addresses"}, port ${port}: ${why}`);
}
