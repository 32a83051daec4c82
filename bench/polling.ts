/** Line 1: what a poll costs the server, beside a bare `node:http` server that sends the same bytes. */
import process from "node:process";
import { recordReply } from "./support/bare.ts";
import { startCluster } from "./support/cluster.ts";
import { measuring } from "./support/options.ts";
import {
  askInTurns,
  barePath,
  type Case,
  CONNECTIONS,
  type Figures,
  startBareFor,
} from "./support/polls.ts";
import { pin, type Runtime, type Service, startService } from "./support/service.ts";
import { figure, machine, median, say, table } from "./support/table.ts";

/** The server on one processor, the load, which is this process, on the other. */
const SERVER_CPU = 0;
const LOAD_CPU = 1;

/**
 * How often all servers are started anew, and how many rounds each time: a ratio is another by up to a fifth from one start to the next,
 * and V8 compiles what is done often over the first rounds.
 */
const STARTS = 3;
const RUNS = 7;

/** Measures and prints. */
export async function benchPolling(args: string[]): Promise<void> {
  const { scale, runs, runtime, more } = measuring(args, RUNS, { gathers: 1000, starts: STARTS });
  const starts = scale < 1 ? 1 : more.starts;
  say(
    `Polling on ${runtime}: ${machine()}; medians of ${starts} × ${runs} interleaved runs after one to warm up, ` +
      `${CONNECTIONS} connections, server on one processor`,
  );
  await pin(process.pid, LOAD_CPU);
  const once = () => measure(runtime, Math.ceil(more.gathers * scale), scale, runs);
  const { cases, figures } = await once();
  for (let start = 1; start < starts; start++) {
    const again = await once();
    for (const [index, servers] of again.figures.entries()) {
      for (const [which, { cpu, p99 }] of servers.entries()) {
        figures[index]?.[which]?.cpu.push(...cpu);
        figures[index]?.[which]?.p99.push(...p99);
      }
    }
  }
  const ratio = (a: Figures | undefined, b: Figures | undefined) =>
    figure(median(a?.cpu.map((cpu, run) => cpu / (b?.cpu[run] ?? NaN)) ?? []));
  table(
    [
      "request",
      "CPU, times bare node:http",
      "authenticated, times not",
      "µs a request",
      "bare, µs",
      "p99 ms",
      "bare, p99 ms",
    ],
    cases.map(({ name }, index) => {
      const [ours, bare, asking] = figures[index] ?? [];
      return [
        name,
        ratio(ours, bare),
        ratio(asking, ours),
        ...[ours, bare].map((each) => figure(median(each?.cpu ?? []))),
        ...[ours, bare].map((each) => figure(median(each?.p99 ?? []))),
      ];
    }),
  );
}

/** Starts the service, one that asks who calls, and a bare server, and asks them in turns. */
async function measure(
  runtime: Runtime,
  gathers: number,
  scale: number,
  runs: number,
): Promise<{ cases: Case[]; figures: Figures[][] }> {
  const closing = new AsyncDisposableStack();
  await using _ = closing;
  const service = await startService({ cpu: SERVER_CPU, runtime });
  closing.defer(service.stop);
  const cluster = await startCluster();
  closing.defer(cluster.stop);
  const asking = await startService({ ...cluster, cpu: SERVER_CPU, runtime });
  closing.defer(asking.stop);

  const cases = await prepare(service, gathers, scale);
  await prepare(asking, 2, scale);
  const bare = await startBareFor(service, cases, runtime, SERVER_CPU);
  closing.defer(bare.stop);
  const asIs = { path: ({ path }: Case) => path, headers: {}, knows: () => true };
  const authorization = { authorization: `Bearer ${cluster.token}` };
  const figures = await askInTurns(
    [
      { ...asIs, ...service },
      { ...asIs, ...bare, path: barePath },
      // It has two gathers; its 304 would need a tag of its own.
      { ...asIs, ...asking, headers: authorization, knows: ({ name }) => name.startsWith("one") },
    ],
    cases,
    runs,
  );
  return { cases, figures };
}

/** Makes `gathers` of them, two at least, and tells what is to be asked. */
async function prepare(service: Service, gathers: number, scale: number): Promise<Case[]> {
  const small = await service.completed((await service.post("print 500")).id);
  const large = await service.post("print 70000", { "custom-name": "plan:large" });
  await service.completed(large.id);
  for (let made = 2; made < gathers; made++) {
    const { id } = await service.post("print 2000");
    if (made % 50 === 0 || made === gathers - 1) await service.completed(id);
  }
  const port = service.port;
  const one = (name: string, id: number | string, headers: Record<string, string> = {}): Case => ({
    name,
    path: `/must-gather/${id}`,
    headers,
    status: "if-none-match" in headers ? 304 : 200,
    requests: Math.ceil(10_000 * scale),
  });
  const list = (limit: number, requests: number): Case => ({
    name: `list of ${limit}`,
    path: `/must-gather?limit=${limit}`,
    headers: {},
    status: 200,
    requests: Math.ceil(requests * scale),
  });
  const known = gathers === 2
    ? "unknown"
    : (await recordReply(port, `/must-gather/${small.id}`, {})).headers["etag"] ?? "";
  return [
    one("one of 2 KB", small.id),
    one("one of 64 KB", large.id),
    one("by name, 64 KB", "plan:large"),
    one("304", small.id, { "if-none-match": known }),
    list(10, 5000),
    list(100, 2000),
    list(gathers, 300),
  ];
}
