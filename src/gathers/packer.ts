/** Makes the archive of a gather out of its tree, and clears the tree away once it is safe. */
import { rm } from "node:fs/promises";
import { pack, removeTree } from "../archive/pack.ts";
import { formatSeconds } from "../duration.ts";
import type { Archive, Entry } from "./entry.ts";
import type { GatherFolder } from "./folders.ts";
import type { Job } from "./gatherer.ts";
import { archiveName } from "./record.ts";

/** How packing goes. */
export interface PackerOptions {
  /** The name of an archive that an image makes itself. */
  archiveFilename: string;
  /** What the names of packed trees begin with; where it is undefined, what `archiveFilename` does. */
  stem: string | undefined;
  level: number;
  threads: number;
}

/** What came of packing. */
export interface PackerResult {
  found: "data" | "fallback" | "nothing";
  archive: Archive | null;
}

export interface PackerControl {
  /** Gives up; nothing half-written stays. */
  signal: AbortSignal;
  /** Finishes with what is in. */
  finish: AbortSignal;
  trouble: (sentence: string) => void;
}

export interface Packer {
  /** Packs what a gather collected. Rejects with a `PackError` when it cannot. */
  pack: (job: Job, control: PackerControl) => Promise<PackerResult>;
  /** Removes all of a gather's folder that is not its archive and not oc's output. */
  clear: (folder: GatherFolder) => Promise<void>;
}

export function createPacker(options: PackerOptions): Packer {
  return {
    async pack(job, control) {
      const packed = await pack({
        tree: job.folder.tree,
        folder: job.folder.path,
        archiveFilename: options.archiveFilename,
        level: options.level,
        threads: options.threads,
        describe: (found) => describe(job.entry, found),
      }, control);
      if (!packed) return { found: "nothing", archive: null };
      if (!packed.whole) {
        control.trouble("The archive was finished early, with what was in it by then");
      }
      return {
        found: packed.onlyFallback ? "fallback" : "data",
        archive: {
          name: archiveName(
            job.entry.request.customName,
            packed.kind,
            options.stem ?? options.archiveFilename,
          ),
          file: packed.file.slice(job.folder.path.length + 1) as Archive["file"],
          size: packed.size,
          digest: packed.digest,
          partial: !packed.whole || packed.onlyFallback,
        },
      };
    },
    async clear(folder) {
      await removeTree(folder.tree);
      await rm(folder.home, { recursive: true, force: true });
      await removeTree(folder.tmp);
    },
  };
}

/** What `GATHER.json` in the archive says of the gather. */
function describe(entry: Entry, found: object): Record<string, unknown> {
  const { request } = entry;
  return {
    "id": entry.id,
    "custom-name": request.customName,
    "images": request.images,
    "image-stream": request.imageStreams.join(","),
    "command": request.command,
    "timeout": formatSeconds(request.timeoutMs),
    "created-at": entry.createdAt,
    "started-at": entry.startedAt,
    "packed-at": new Date().toISOString(),
    "exit-code": entry.exitCode,
    "stopped-by": entry.reason,
    ...found,
  };
}
