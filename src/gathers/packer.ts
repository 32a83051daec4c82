/** Makes the archive of a gather out of its tree, and clears the tree away once it is safe. */
import { readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import type { ArchiveFormat } from "../archive/pack/formats.ts";
import { removeTree } from "../archive/remove-tree.ts";
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
  /** What trees are packed into. */
  format: ArchiveFormat;
  level: number;
  threads: number;
}

/** What came of packing. */
export interface PackerResult {
  found: "data" | "fallback" | "nothing";
  archive: Archive | null;
  /** The archive is kept, and is not what it should be: the gather has failed. */
  damaged?: boolean;
  /** That is so because the disk had no room for all of it. */
  diskFull?: boolean;
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
  /** Removes all of an ended gather's folder that is not the archive of its record and not oc's output. */
  clear: (folder: GatherFolder, archive: Archive | null) => Promise<void>;
}

export function createPacker(options: PackerOptions): Packer {
  return {
    async pack(job, control) {
      const { pack } = await import("../archive/pack/pack.ts"); // with all that it needs: when it is used
      const packed = await pack({
        tree: job.folder.tree,
        folder: job.folder.path,
        archiveFilename: options.archiveFilename,
        format: options.format,
        level: options.level,
        threads: options.threads,
        describe: (found) => describe(job.entry, found),
      }, control);
      if (!packed) return { found: "nothing", archive: null };
      if (!packed.whole) {
        control.trouble(
          packed.full
            ? "The disk had no room for more: the archive holds what was in it by then"
            : "The archive was finished early, with what was in it by then",
        );
      }
      if (packed.damage) control.trouble(packed.damage);
      return {
        damaged: packed.damage !== null || packed.full,
        diskFull: packed.full,
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
          partial: !packed.whole || packed.onlyFallback || packed.damage !== null,
          verdict: packed.verdict,
        },
      };
    },
    async clear(folder, archive) {
      const names = await readdir(folder.path).catch(() => []);
      // At boot there is nothing to do in nearly all folders, and there may be thousands.
      const left = names.filter((name) => name !== archive?.file && !name.startsWith("exec.log"));
      const has = (path: string) => left.includes(basename(path));
      if (has(folder.tree)) await removeTree(folder.tree);
      if (has(folder.home)) await rm(folder.home, { recursive: true, force: true });
      if (has(folder.tmp)) await removeTree(folder.tmp);
      if (has(folder.pipes)) await rm(folder.pipes, { recursive: true, force: true });
      // Of a packing that a crash cut, half-written or not yet in the record.
      for (const name of left.filter((name) => name.startsWith("archive"))) {
        await rm(join(folder.path, name), { force: true });
      }
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
