/** What tests of gathers are set up with: a journal and a registry in a folder of their own, entries, and a log to read. */
import type { TestContext } from "node:test";
import { type Entry, newEntry } from "../../src/gathers/entry.ts";
import { Journal } from "../../src/gathers/journal.ts";
import { Registry } from "../../src/gathers/registry.ts";
import type { Log, LogFields } from "../../src/log.ts";
import type { GatherRequest } from "../../src/schema/request.ts";
import { atEnd, testFolder } from "../support/folder.ts";

/** A log that keeps what it is told. */
export interface KeptLog {
  log: Log;
  told: { level: string; event: string; fields: LogFields }[];
  /** The events of a level. */
  events: (level: string) => string[];
}

export function keptLog(): KeptLog {
  const told: KeptLog["told"] = [];
  const at = (level: string) => (event: string, fields: LogFields = {}) => {
    told.push({ level, event, fields });
  };
  return {
    log: { error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug") },
    told,
    events: (level) => told.filter((each) => each.level === level).map((each) => each.event),
  };
}

/** A request with everything at its default but what is given. */
export function request(more: Partial<GatherRequest> = {}): GatherRequest {
  return {
    customName: "",
    images: ["quay.io/org/image:tag"],
    imageStreams: [],
    allImages: false,
    nodeName: "",
    nodeSelector: "",
    hostNetwork: false,
    since: "",
    sinceTime: "",
    volumePercentage: null,
    sourceDir: "/must-gather/",
    command: "",
    commandLine: "",
    timeout: "20m",
    timeoutMs: 1_200_000,
    server: "",
    ...more,
  };
}

/** An entry of a gather that waits, with what is given in its place. */
export function entry(id: number, more: Partial<Entry> & { customName?: string } = {}): Entry {
  const { customName, ...rest } = more;
  const asked = request(customName === undefined ? {} : { customName });
  return { ...newEntry(id, "2026-01-02T03:04:05.000Z", asked, null), ...rest };
}

/** An entry of a gather that ended well, with an archive. */
export function endedEntry(id: number, more: Partial<Entry> & { customName?: string } = {}): Entry {
  return entry(id, {
    status: "completed",
    state: "completed",
    message: "The archive is ready",
    exitCode: 0,
    startedAt: "2026-01-02T03:04:06.000Z",
    finishedAt: "2026-01-02T03:05:00.000Z",
    archive: {
      name: "must-gather.zip",
      file: "archive.zip",
      size: 3,
      digest: "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
      partial: false,
      verdict: null,
    },
    ...more,
  });
}

/** A registry over a journal in a folder that goes with the test. */
export async function stageRegistry(t: TestContext): Promise<
  KeptLog & { folder: string; journal: Journal<Entry>; registry: Registry }
> {
  const folder = await testFolder(t);
  const kept = keptLog();
  const journal = await Journal.open<Entry>(folder, kept.log);
  atEnd(t, () => journal.close());
  await journal.read((data) => data as Entry, () => {});
  return { ...kept, folder, journal, registry: new Registry(journal) };
}
