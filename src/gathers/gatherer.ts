/**
 * What gathers: the one interface between the life of a gather and how it is done. Today a child process stands behind it;
 * nothing above may assume one.
 */
import type { ProcessIdentity, Run } from "../oc/run.ts";
import type { OcFact } from "../oc/output.ts";
import type { Entry, Made } from "./entry.ts";
import type { GatherFolder } from "./folders.ts";

/** A gather to be done, and where. */
export interface Job {
  entry: Entry;
  folder: GatherFolder;
}

/** Who is told what happens while it runs. */
export interface JobEvents {
  /** It runs; `identity` finds it again after a crash of the service. */
  started: (identity: ProcessIdentity | undefined) => void;
  /** Whole lines of what it prints; false asks for a pause until `resume()`. */
  output: (stream: "stdout" | "stderr", block: Buffer) => boolean;
  fact: (fact: OcFact) => void;
  /** What collects has come this far, as `src/oc/milestones.ts` counts. */
  milestone: (milestone: number) => void;
  exited: (end: { code: number | null; orphans: boolean }) => void;
  gone: () => void;
  /** A sentence on what could not be done. */
  trouble: (sentence: string) => void;
}

export interface Gatherer {
  /** Starts a gather; everything that goes wrong is told through `events`. */
  start: (job: Job, events: JobEvents) => Run;
  /** Takes over what an earlier life of the service started, only to end it; what it made since is told. */
  adopt: (job: Job, events: Pick<JobEvents, "exited" | "fact">) => Run;
  /** Fetches into the job's tree what the pods hold so far, at most `maxBytes`. Never rejects; what could not be had is told. */
  salvage: (
    job: Job,
    signal: AbortSignal,
    trouble: (sentence: string) => void,
    maxBytes: number | undefined,
  ) => Promise<void>;
  /** Removes from the cluster what the gather made there; `removed` is told of each, as it goes. Resolves when all is gone or at abort. */
  reap: (job: Job, signal: AbortSignal, removed: (made: Made) => void) => Promise<void>;
  /** Whether something it made is still there; undefined where the cluster does not say. */
  stands: (job: Job, made: Made, signal: AbortSignal) => Promise<boolean | undefined>;
}
