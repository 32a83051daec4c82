/** Polls of the service and of a bare server, asked in turns. */
import { type Bare, recordReply, startBare } from "./bare.ts";
import { cpuMs } from "./cpu.ts";
import { run } from "./load.ts";
import type { Runtime, Service } from "./service.ts";
import { quantile } from "./table.ts";

/** As many as the issue says. */
export const CONNECTIONS = 16;

/** A request that is measured. */
export interface Case {
  name: string;
  path: string;
  headers: Record<string, string>;
  status: number;
  requests: number;
}

/** Who answers it. */
export interface Server {
  port: number;
  pid: number;
  path: (asked: Case) => string;
  headers: Record<string, string>;
  knows: (asked: Case) => boolean;
}

/** What each round took. */
export interface Figures {
  /** A request, µs. */
  cpu: number[];
  /** ms. */
  p99: number[];
}

/** One path is asked in two ways; the bare server tells them apart by their paths. */
export function barePath({ path, status }: Case): string {
  return status === 304 ? `${path}?304` : path;
}

/** Starts a bare server that gives the replies of the service, each recorded from it. */
export async function startBareFor(
  service: Service,
  cases: readonly Case[],
  runtime: Runtime,
  cpu?: number,
): Promise<Bare> {
  const replies = [];
  for (const each of cases) {
    const reply = await recordReply(service.port, each.path, each.headers);
    if (reply.status !== each.status) throw new Error(`${each.path} gave ${reply.status}`);
    replies.push({ ...reply, path: barePath(each) });
  }
  return await startBare(replies, cpu, runtime);
}

/** Asks all of them everything in turns, `runs` rounds after one to warm up, and gives the figures of each case, a server each. */
export async function askInTurns(
  servers: readonly Server[],
  cases: readonly Case[],
  runs: number,
): Promise<Figures[][]> {
  const figures = cases.map(() => servers.map((): Figures => ({ cpu: [], p99: [] })));
  for (let round = 0; round <= runs; round++) {
    for (const [index, each] of cases.entries()) {
      for (const [which, server] of servers.entries()) {
        if (!server.knows(each)) continue;
        const before = await cpuMs(server.pid);
        const { requests, latencies } = await run({
          port: server.port,
          path: server.path(each),
          headers: { ...each.headers, ...server.headers },
          connections: CONNECTIONS,
          // Compilers take some ten thousand requests to come to rest.
          requests: round === 0 ? each.requests * 2 : each.requests,
          status: each.status,
        });
        const used = await cpuMs(server.pid) - before;
        if (round === 0) continue;
        figures[index]?.[which]?.cpu.push(used * 1000 / requests);
        figures[index]?.[which]?.p99.push(quantile(latencies, 0.99));
      }
    }
  }
  return figures;
}
