/** Line 6, its half after packing: how fast an archive goes out, beside a bare `node:fs` pipe, and what 50 slow readers hold. */
import { once } from "node:events";
import { mkdir, mkdtemp, open, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { cpuMs, memory } from "./support/cpu.ts";
import { measuring } from "./support/options.ts";
import { commandOf, startProgram, startService, stopProgram } from "./support/service.ts";
import { figure, machine, mebi, median, say, table } from "./support/table.ts";

/** As the issue has it. */
const BYTES = 2 ** 30;
const READERS = 50;

/** What a slow reader takes, a second, and for how long: bytes, milliseconds. */
const SLOW_BYTES = 2 ** 20;
const SLOW_MS = 5000;

const PIPE = fileURLToPath(new URL("./support/pipe.ts", import.meta.url));

/** Measures and prints. */
export async function benchDownload(args: string[]): Promise<void> {
  const { scale, runs, runtime } = measuring(args, 3);
  const bytes = Math.round(BYTES * scale);
  say(
    `Download on ${runtime}: ${machine()}; medians of ${runs} interleaved runs after one to warm up`,
  );
  const scratch = await mkdtemp(join(tmpdir(), "bench-download-"));
  const service = await startService({ runtime, env: { ARCHIVE_LEVEL: "0" } });
  try {
    await mkdir(join(scratch, "tree"));
    const file = await open(join(scratch, "tree", "large"), "w");
    await file.truncate(bytes); // nothing but zeros: a disk has no part in this
    await file.close();
    const { id } = await service.completed(
      (await service.post(`pack ${join(scratch, "tree")}`)).id,
    );
    const archive = join(service.folder, "work", String(id), "archive.zip");
    const command = [...commandOf(runtime, PIPE), archive];
    const { child, found: port } = await startProgram(command, {}, undefined, Number);
    const servers = [
      { port: service.port, pid: service.pid, path: `/must-gather/${id}/data` },
      { port, pid: child.pid ?? 0, path: "/" },
    ];
    const figures = servers.map(() => ({ wall: [] as number[], cpu: [] as number[] }));
    try {
      for (let round = 0; round <= runs; round++) {
        for (const [index, server] of servers.entries()) {
          const [cpu, began] = [await cpuMs(server.pid), performance.now()];
          const read = await download(server);
          if (read < bytes) throw new Error(`only ${read} bytes came`);
          if (round === 0) continue;
          figures[index]?.wall.push(performance.now() - began);
          figures[index]?.cpu.push(await cpuMs(server.pid) - cpu);
        }
      }
    } finally {
      await stopProgram(child);
    }
    const [ours, bare] = figures;
    const speed = (each: { wall: number[] } | undefined) =>
      bytes / 2 ** 20 / (median(each?.wall ?? []) / 1000);
    const cpu = (each: { cpu: number[] } | undefined) =>
      median(each?.cpu ?? []) / (bytes / 2 ** 30);
    table([
      "one reader",
      "speed, times the pipe's",
      "CPU, times the pipe's",
      "MiB/s",
      "ms CPU a GiB",
    ], [
      [
        "this service",
        figure(speed(ours) / speed(bare)),
        figure(cpu(ours) / cpu(bare)),
        figure(speed(ours)),
        figure(cpu(ours)),
      ],
      ["bare node:fs pipe", "", "", figure(speed(bare)), figure(cpu(bare))],
    ]);
    const server = servers[0];
    if (server) await slowly(server, SLOW_MS * scale);
  } finally {
    await service.stop();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Reads a reply to its end and gives its length. */
export async function download(
  { port, path }: { port: number; path: string },
): Promise<number> {
  const asking = request({ port, path, host: "127.0.0.1" }).end();
  const [reply] = await once(asking, "response");
  let read = 0;
  for await (const piece of reply) read += (piece as Buffer).length;
  return read;
}

async function slowly(server: { port: number; pid: number; path: string }, forMs: number) {
  const before = await memory(server.pid, "now");
  let highest = before;
  let read = 0;
  const slow = async () => {
    const asking = request({ port: server.port, path: server.path, host: "127.0.0.1" }).end();
    const [reply] = await once(asking, "response");
    const end = performance.now() + forMs;
    for await (const piece of reply) {
      const { length } = piece as Buffer;
      read += length;
      if (performance.now() > end) break;
      await sleep(length / SLOW_BYTES * 1000);
    }
    asking.destroy();
  };
  const looking = setInterval(async () => {
    highest = Math.max(highest, await memory(server.pid, "now"));
  }, 50);
  await Promise.all(Array.from({ length: READERS }, slow));
  clearInterval(looking);
  say(
    `${READERS} readers of 1 MiB/s each for ${forMs / 1000} s: ${mebi(read)} MiB read, ` +
      `${mebi(highest - before)} MiB of memory over before\n`,
  );
}
