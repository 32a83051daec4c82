/** What is in a journal, and what comes into it and goes, for measurements. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { newEntry } from "../../src/gathers/entry.ts";
import { parseGatherRequest } from "../../src/schema/request.ts";
import type { Service } from "./service.ts";

/** A gather is taken in, cancelled while it waits for a slot, and purged. Rejects when one of these is refused. */
export async function comeAndGo(service: Service): Promise<void> {
  const { id } = await service.post("instant");
  for (const query of ["", "?purge=1"]) {
    const url = `http://127.0.0.1:${service.port}/must-gather/${id}${query}`;
    const reply = await fetch(url, { method: "DELETE" });
    await reply.text();
    if (!reply.ok) throw new Error(`DELETE gave ${reply.status}`);
  }
}

/** Writes a journal of `size` ended gathers into the folder of a service that is to start, as a service leaves them. */
export async function writeJournal(folder: string, size: number): Promise<void> {
  const journal = join(folder, "journal");
  await mkdir(journal, { recursive: true });
  const request = parseGatherRequest({ command: "instant" }, {
    defaults: { image: "quay.io/kubev2v/forklift-must-gather", timeout: "20m" },
    maxTimeoutMs: 86_400_000,
    features: { version: "4.18.3", flags: new Set(["image", "timeout"]) },
    knownServer: () => false,
    embedded: false,
    localCommands: false,
  });
  for (let id = 1; id <= size; id++) {
    const at = new Date(Date.now() - (size - id) * 1000).toISOString();
    const entry = {
      ...newEntry(id, at, { ...request, customName: `plan:number-${id}` }, null),
      startedAt: at,
      finishedAt: at,
      status: "error",
      state: "error",
      reason: "no-data",
      message: "Nothing was collected",
    };
    await writeFile(join(journal, `${id}.json`), JSON.stringify(entry));
  }
}
