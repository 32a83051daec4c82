/** Calling a service whose certificate only one authority vouches for, which the runtimes' fetch cannot be told. */
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { GatherRecord } from "../../src/schema/record.ts";
import { PATIENCE_MS } from "../support/service.ts";

/** A reply of the service. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface CallOptions {
  readonly method?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Another than the client's; `""` is none. */
  readonly token?: string;
}

/** Somebody who calls a service. */
export interface Client {
  call: (path: string, options?: CallOptions) => Promise<Reply>;
  /** POSTs a gather and gives its record. Rejects unless it is taken in. */
  start: (body: Record<string, unknown>) => Promise<GatherRecord>;
  /** Polls a gather until `when` holds of it. */
  until: (id: number, when: (record: GatherRecord) => boolean) => Promise<GatherRecord>;
  /** Polls until it has ended. */
  ended: (id: number) => Promise<GatherRecord>;
}

/** Makes a client for the service that listens at `url`, on this machine; with https, `ca` alone is trusted. */
export function createClient(
  url: URL,
  { ca, token = "" }: { ca?: string; token?: string } = {},
): Client {
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  const client: Client = {
    call: (path, { method = "GET", body, token: own = token } = {}) =>
      new Promise((resolve, reject) => {
        const sent = request({
          host: "127.0.0.1",
          port: url.port,
          path,
          method,
          agent: false,
          timeout: PATIENCE_MS,
          ...(ca === undefined ? {} : { ca }),
          headers: {
            ...(own === "" ? {} : { authorization: `Bearer ${own}` }),
            ...(body === undefined ? {} : { "content-type": "application/json" }),
          },
        }, (reply) => {
          let text = "";
          reply.setEncoding("latin1").on("data", (part: string) => text += part);
          reply.on("error", reject);
          reply.on("end", () => {
            resolve({ status: reply.statusCode ?? 0, headers: reply.headers, text });
          });
        });
        sent.on("timeout", () => sent.destroy(new Error(`no reply to ${method} ${path}`)));
        sent.on("error", reject);
        sent.end(body === undefined ? undefined : JSON.stringify(body));
      }),
    async start(body) {
      const { status, text } = await client.call("/must-gather", { method: "POST", body });
      if (status !== 201) throw new Error(`${status}: ${text}`);
      return JSON.parse(text) as GatherRecord;
    },
    async until(id, when) {
      for (const deadline = performance.now() + PATIENCE_MS;;) {
        const { status, text } = await client.call(`/must-gather/${id}`);
        if (status !== 200) throw new Error(`${status}: ${text}`);
        const record = JSON.parse(text) as GatherRecord;
        if (when(record)) return record;
        if (performance.now() > deadline) throw new Error(`gather ${id} stays as it is: ${text}`);
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    },
    ended: (id) => client.until(id, ({ status }) => status === "completed" || status === "error"),
  };
  return client;
}
