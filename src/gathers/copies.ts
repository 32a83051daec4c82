/** Redacted copies of archives that exist: gathers that fetch an archive of this service instead of running oc. */
import { copyFile, link } from "node:fs/promises";
import { join } from "node:path";
import { reasonOf } from "../log.ts";
import { gatherFolder } from "./folders.ts";
import type { Gatherer } from "./gatherer.ts";

/** A gatherer that copies where a request says so, and leaves all else to `gatherer`. */
export function withCopies(gatherer: Gatherer, workPath: string): Gatherer {
  return {
    ...gatherer,
    start(job, events) {
      const { copyOf } = job.entry.request;
      if (!copyOf) return gatherer.start(job, events);
      const from = join(gatherFolder(workPath, copyOf.id).path, copyOf.file);
      const to = join(job.folder.tree, copyOf.file);
      const fetch = async () => {
        // A second name costs no room, and stays should the first gather be removed meanwhile.
        await link(from, to).catch(() => copyFile(from, to));
        events.output("stdout", Buffer.from(`Redacting the archive of gather ${copyOf.id}\n`));
      };
      fetch().then(() => 0, (error: unknown) => {
        events.trouble(`The archive of gather ${copyOf.id} cannot be had: ${reasonOf(error)}`);
        return 1;
      }).then((code) => events.exited({ code, orphans: false }));
      return { signal: () => {}, resume: () => {} };
    },
  };
}
