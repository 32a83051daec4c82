/** Opens connections that say nothing, and looks whether others are served. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { createFakeOc } from "../support/fake-oc.ts";
import { descriptors, mostDescriptors, residentBytes } from "../support/process-use.ts";
import { exchange, open } from "../support/raw-http.ts";
import { makePlace, type Service, startService } from "../support/service.ts";
import { until } from "../support/until.ts";
import { type Row, seconds, size } from "./table.ts";
import { cpuMs, peakBytes } from "./use.ts";

/** So many are opened before the next ones are: less than the system keeps for a server that is busy. */
const BATCH = 250;

/** Files that are open here besides them. */
const OTHERS = 300;

/** The service keeps 2,000 connections; with all else it has open, and some that are just being closed. */
const MOST_DESCRIPTORS = 2500;

/** How long anybody else may wait for an answer meanwhile: milliseconds. */
const MOST_MS = 5000;

/** Opens so many, holds them, and lets them go; a gather goes through before, during and after. */
export async function runConnections(count: number): Promise<Row[]> {
  const most = await mostDescriptors() - OTHERS;
  if (count > most) throw new Error(`Cannot open ${count} connections: set ulimit -n higher`);
  const place = await makePlace();
  const oc = await createFakeOc({ folder: place.folder });
  const service = await startService(place, { OC: oc.path });
  const sockets: Socket[] = [];
  try {
    await gatherGoesThrough(service);
    const before = await residentBytes(service.pid);
    const opened = (await descriptors(service.pid)).length;
    const cpu = await cpuMs(service.pid);
    const started = performance.now();
    let longest = 0;
    while (sockets.length < count) {
      const batch = Math.min(BATCH, count - sockets.length);
      sockets.push(...await Promise.all(Array.from({ length: batch }, () => open(service.url))));
      longest = Math.max(longest, await answer(service));
    }
    const wallMs = performance.now() - started;
    const held = (await descriptors(service.pid)).length;
    assert.ok(held < MOST_DESCRIPTORS, `${held} descriptors`);
    await gatherGoesThrough(service);
    const rows: Row[] = [
      [`${count} connections that say nothing are opened`, seconds(wallMs)],
      ["… and somebody else asks for the list meanwhile, at worst", seconds(longest)],
      ["… the service keeps open, of them all", String(held - opened)],
      ["… CPU of the service", seconds(await cpuMs(service.pid) - cpu)],
      ["… memory before, at most", `${size(before)}, ${size(await peakBytes(service.pid))}`],
    ];
    for (const socket of sockets) socket.destroy();
    await until(
      "they are closed there, too",
      async () => (await descriptors(service.pid)).length <= opened,
    );
    await gatherGoesThrough(service);
    return rows;
  } finally {
    for (const socket of sockets) socket.destroy();
    await service.stop();
    await oc.close();
    await place.remove();
  }
}

/** How long the service takes to answer on a connection of its own: milliseconds. */
async function answer(service: Service): Promise<number> {
  const { statuses, ms } = await exchange(
    service.url,
    "GET /must-gather HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  );
  assert.deepEqual(statuses, [200]);
  assert.ok(ms < MOST_MS, `${ms} ms`);
  return ms;
}

/** Raw, since a connection that a client keeps is a descriptor. */
async function gatherGoesThrough(service: Service): Promise<void> {
  const say = async (request: string) => {
    const { statuses, body } = await exchange(
      service.url,
      `${request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    assert.ok(statuses[0] === 200 || statuses[0] === 201, `${request}: ${statuses[0]}`);
    return JSON.parse(body) as { id: number; status: string };
  };
  const { id } = await say("POST /must-gather?image=localhost/instant:latest");
  await until(
    "the gather completes",
    async () => (await say(`GET /must-gather/${id}`)).status === "completed",
  );
}
