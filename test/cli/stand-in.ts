/** A server that stands in for the service: it plays what a test has written, and remembers what it was asked. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";

/** A request that came. */
export interface Asked {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Answers a request and gives true, or leaves it to the stand-in. */
export type Answer = (asked: Asked, response: ServerResponse) => boolean;

/** A record as the service has it. */
export function recordOf(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    "id": 7,
    "custom-name": "",
    "status": "completed",
    "image": "embedded",
    "archive-size": 0,
    "archive-name": "must-gather.tar.gz",
    "exec-output": "",
    "reason": "",
    "message": "The archive is ready",
    "partial": false,
    "progress": {
      "phase": "ended",
      "percent": 100,
      "lines": 2,
      "bytes": 0,
      "queue-position": null,
      "eta": null,
    },
    "archive-digest": "",
    ...changes,
  };
}

/** A record of a gather that runs. */
export function running(phase: string, execOutput = ""): Record<string, unknown> {
  const progress = recordOf()["progress"] as Record<string, unknown>;
  return recordOf({
    status: "inprogress",
    "exec-output": execOutput,
    progress: { ...progress, phase, percent: null },
  });
}

/** What a record says of an archive. */
export function about(archive: Buffer): Record<string, unknown> {
  return {
    "archive-size": archive.length,
    "archive-digest": `sha-256=:${createHash("sha256").update(archive).digest("base64")}:`,
  };
}

/** A tar.gz with these files, each with some text that does not compress. */
export async function tarOf(names: readonly string[], bytes = 10): Promise<Buffer> {
  const tar = pack();
  let noise = createHash("sha512").update("noise").digest();
  for (const name of names) {
    const pieces: Buffer[] = [];
    for (let length = 0; length < bytes; length += noise.length) {
      noise = createHash("sha512").update(noise).digest();
      pieces.push(noise);
    }
    tar.entry({ name }, Buffer.concat(pieces).subarray(0, bytes));
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks));
}

/** A stand-in that runs. */
export interface StandIn {
  url: string;
  port: number;
  asked: Asked[];
  /** `METHOD path` of what it was asked besides healthz and readyz, in order. */
  requests: () => string[];
  /** What records follow each other: each GET gives the next, the last one stays. The POST gives the first. */
  records: Record<string, unknown>[];
  archive: Buffer;
  /** Looks at a request before the stand-in does. */
  answer: Answer;
  close: () => Promise<void>;
}

/** Starts one on a free port; with a certificate over TLS. */
export async function startStandIn(tls?: { certificate: string; key: string }): Promise<StandIn> {
  const asked: Asked[] = [];
  let step = 0;
  const standIn: StandIn = {
    url: "",
    port: 0,
    asked,
    requests: () =>
      asked.filter(({ path }) => !/^\/(?:healthz|readyz)$/.test(path))
        .map(({ method, path }) => `${method} ${path}`),
    records: [recordOf()],
    archive: Buffer.alloc(0),
    answer: () => false,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };

  async function listen(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request) body += chunk;
    const { method = "", url: path = "", headers } = request;
    const seen = { method, path, headers, body };
    asked.push(seen);
    if (standIn.answer(seen, response)) return;
    if (path === "/healthz") return json(response, 200, { name: "must-gather-service" });
    if (path === "/readyz") return json(response, 200, {});
    if (path.endsWith("/data")) {
      response.setHeader("etag", '"tag"');
      return void response.end(standIn.archive);
    }
    if (method === "POST") step = 0;
    else step = Math.min(step + 1, standIn.records.length - 1);
    const status = method === "POST" ? 201 : method === "DELETE" ? 202 : 200;
    json(response, status, standIn.records[step]);
  }

  const listener = (request: IncomingMessage, response: ServerResponse) =>
    void listen(request, response).catch(() => response.destroy());
  const server = tls
    ? createTlsServer({ cert: tls.certificate, key: tls.key }, listener)
    : createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return Object.assign(standIn, { url: `${tls ? "https" : "http"}://127.0.0.1:${port}`, port });
}

/** Answers with JSON. */
export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
