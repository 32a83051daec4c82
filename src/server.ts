/** The listening socket: bounds on what a client may hold open, and an orderly end. */
import { readFileSync } from "node:fs";
import { createServer as createHttpServer, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { Log } from "./log.ts";
import { reasonOf } from "./log.ts";

/** Request line and headers together: a token of OpenShift has about 1 KiB, a service account's 2. Bytes. */
const LONGEST_HEADERS = 32 * 1024;

/** How long the headers of a request may take, and all of it (64 KiB at most); milliseconds. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;

/** How long a connection waits for its next request: longer than proxies keep theirs (60 s). Milliseconds. */
const KEEP_ALIVE_MS = 75_000;

/** How many connections there may be. */
const MOST_CONNECTIONS = 2000;

export interface ServerOptions {
  /** Undefined listens on all addresses. */
  host: string | undefined;
  port: number;
  tls: { readonly certificate: string; readonly key: string } | undefined;
  fetch: (request: Request) => Response | Promise<Response>;
  log: Log;
}

/** The HTTP server. */
export interface ServiceServer {
  /** Rejects with a sentence when the address cannot be had. */
  listen: () => Promise<AddressInfo>;
  /** Takes no more connections; resolves when those that are in a request have ended, at the latest when `signal` aborts. */
  close: (signal: AbortSignal) => Promise<void>;
}

export function createServer(options: ServerOptions): ServiceServer {
  const listener = getRequestListener(options.fetch, { overrideGlobalObjects: false });
  const bounds = {
    maxHeaderSize: LONGEST_HEADERS,
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: 5000,
  };
  const server: Server = options.tls
    ? createHttpsServer({
      ...bounds,
      cert: readFileSync(options.tls.certificate),
      key: readFileSync(options.tls.key),
      minVersion: "TLSv1.2",
    }, listener)
    : createHttpServer(bounds, listener);
  server.maxConnections = MOST_CONNECTIONS;

  return {
    listen: () =>
      new Promise((resolve, reject) => {
        const failed = (error: NodeJS.ErrnoException) => reject(listenFailure(options, error));
        server.once("error", failed);
        server.listen(options.port, options.host, () => {
          server.off("error", failed);
          server.on("error", (error) => options.log.error("server", { reason: reasonOf(error) }));
          resolve(server.address() as AddressInfo);
        });
      }),
    close: (signal) =>
      new Promise((resolve) => {
        const cut = () => server.closeAllConnections();
        server.close(() => {
          signal.removeEventListener("abort", cut);
          resolve();
        });
        server.closeIdleConnections();
        if (signal.aborted) cut();
        else signal.addEventListener("abort", cut, { once: true });
      }),
  };
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
