/** How a poll grows with the gathers there are, with the length of a list, and with the size of a record. */
import { cpuMs } from "../support/cpu.ts";
import { writeJournal } from "../support/journal.ts";
import { run } from "../support/load.ts";
import { CONNECTIONS } from "../support/polls.ts";
import { scratchFolder } from "../support/scratch.ts";
import { type Service, startService } from "../support/service.ts";
import { type Extent, growing, type Growth } from "./growth.ts";

const GATHERS = [10, 100, 1000, 10_000];

/** What oc prints for a record; the newest 64 KB of it are kept. Bytes. */
const OUTPUTS = [2000, 20_000, 200_000];

/** Requests in a round: so many of one record, and lists with so many records in all, but never fewer than that. */
const REQUESTS = 5000;
const RECORDS = 100_000;
const FEWEST = 20;

/** A request of a number of them: µs CPU. */
async function costOf(service: Service, path: string, requests: number): Promise<number> {
  const before = await cpuMs(service.pid);
  await run({ port: service.port, path, connections: CONNECTIONS, requests, status: 200 });
  return (await cpuMs(service.pid) - before) * 1000 / requests;
}

/** Measures. */
export async function growthOfPolling(extent: Extent): Promise<Growth[]> {
  await using closing = new AsyncDisposableStack();
  const services: { size: number; service: Service }[] = [];
  for (const gathers of GATHERS) {
    const size = Math.max(1, gathers * extent.scale);
    const folder = await scratchFolder(closing);
    await writeJournal(folder, size);
    const service = await startService({ runtime: extent.runtime, folder });
    closing.defer(service.stop);
    services.push({ size, service });
  }
  const requests = Math.ceil(REQUESTS * extent.scale);
  const ones = await growing(
    services,
    extent,
    ({ service }) => costOf(service, "/must-gather/1", requests),
  );
  const lists = await growing(services, extent, ({ service, size }) => {
    const lists = Math.min(requests, Math.max(FEWEST, Math.ceil(RECORDS * extent.scale / size)));
    return costOf(service, `/must-gather?limit=${size}`, lists);
  });

  const service = await startService({ runtime: extent.runtime });
  closing.defer(service.stop);
  const records: { path: string; kilobytes: number }[] = [];
  for (const bytes of OUTPUTS) {
    const { id } = await service.completed((await service.post(`print ${bytes}`)).id);
    const path = `/must-gather/${id}`;
    const reply = await fetch(`http://127.0.0.1:${service.port}${path}`);
    records.push({ path, kilobytes: (await reply.arrayBuffer()).byteLength / 1000 });
  }
  const sizes = await growing(records, extent, ({ path }) => costOf(service, path, requests));

  const group = "1 polling";
  return [
    {
      group,
      name: "one record",
      of: "gathers",
      unit: "µs a request",
      points: services.map(({ size }, index) => ({ size, cost: ones[index] ?? NaN })),
    },
    {
      group,
      name: "list of all",
      of: "gathers",
      unit: "µs a record",
      points: services.map(({ size }, index) => ({ size, cost: (lists[index] ?? NaN) / size })),
    },
    {
      group,
      name: "a long record",
      of: "KB",
      unit: "µs a KB",
      points: records.map(({ kilobytes: size }, index) => ({
        size,
        cost: (sizes[index] ?? NaN) / size,
      })),
    },
  ];
}
