import { readFile } from "node:fs/promises";
import { open, type RawReply, replyOn } from "../../support/raw-http.ts";
import type { Service } from "../../support/service.ts";
import { until } from "../../support/until.ts";

/**
 * Stops the service, sends it each of these requests on a connection of its own, lets `meanwhile` happen and lets the service go
 * on: it finds all of it at once, whatever it does first.
 */
export async function atOnce(
  service: Service,
  requests: readonly Uint8Array[],
  meanwhile: () => Promise<void> = () => Promise.resolve(),
): Promise<Omit<RawReply, "ms">[]> {
  service.kill("SIGSTOP");
  try {
    await until("the service stands still", () => isStopped(service.pid));
    const sockets = await Promise.all(requests.map(async (bytes) => {
      const socket = await open(service.url); // the system takes connections in for who sleeps
      await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
      return socket;
    }));
    await meanwhile();
    return await Promise.all(sockets.map((socket) => {
      const reply = replyOn(socket);
      service.kill("SIGCONT");
      return reply;
    }));
  } finally {
    service.kill("SIGCONT");
  }
}

async function isStopped(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).startsWith("T");
}
