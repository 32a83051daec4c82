/** A reverse proxy that takes a prefix off, as the Forklift UI's server and the OpenShift console do. */
import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** A running proxy. */
export interface StrippingProxy {
  /** What stands for the service's `/`: absolute, with the prefix and a slash at the end. */
  readonly base: URL;
  /** What was asked for outside the prefix: a page's browser would have got something else there. */
  readonly astray: readonly string[];
  close: () => Promise<void>;
}

/**
 * Starts one that answers below `prefix` (with slashes at both ends) with what `target` says to the rest of the path, as it was
 * sent, with the target's own `Host`. Everything else is 404.
 */
export async function startStrippingProxy(prefix: string, target: string): Promise<StrippingProxy> {
  const { hostname, port } = new URL(target);
  const astray: string[] = [];
  const server = createServer((asked, answer) => {
    const path = asked.url ?? "/";
    if (!path.startsWith(prefix)) {
      astray.push(path);
      asked.resume();
      return void answer.writeHead(404).end();
    }
    const { host: _host, connection: _connection, ...headers } = asked.headers;
    const forwarded = request({
      hostname,
      port,
      method: asked.method,
      path: path.slice(prefix.length - 1),
      headers: { ...headers, "host": `${hostname}:${port}`, "x-forwarded-host": "console.example" },
    }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(answer);
      reply.on("error", () => answer.destroy());
    });
    forwarded.on("error", () => answer.destroy());
    answer.on("close", () => forwarded.destroy());
    asked.pipe(forwarded);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const own = (server.address() as AddressInfo).port;
  return {
    base: new URL(prefix, `http://127.0.0.1:${own}`),
    astray,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
