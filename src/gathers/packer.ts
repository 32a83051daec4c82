/** Makes the archive of a gather out of its tree, and clears the tree away once it is safe. */
import { readdir, rm, rmdir, unlink } from "node:fs/promises";
import { basename, join } from "node:path";
import type { ArchiveFormat } from "../archive/pack/formats.ts";
import { removeTree } from "../archive/remove-tree.ts";
import { formatSeconds } from "../duration.ts";
import { spoolIn } from "../oc/spool.ts";
import type { Redactor } from "../redact/redactor.ts";
import type { GatherRedaction } from "../schema/record.ts";
import type { Archive, Entry } from "./entry.ts";
import type { GatherFolder } from "./folders.ts";
import type { Job } from "./gatherer.ts";
import { archiveName } from "./record.ts";

/** Files that a sentence names; the report has more. */
const NAMED = 5;

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
  redaction?: GatherRedaction;
}

export interface PackerControl {
  /** Takes the secrets out of it; undefined where that was not asked for. */
  redactor?: Redactor | undefined;
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
  clear: (folder: GatherFolder, archive: Pick<Archive, "file"> | null) => Promise<void>;
}

export function createPacker(options: PackerOptions): Packer {
  return {
    async pack(job, control) {
      const { pack } = await import("../archive/pack/pack.ts"); // with all that it needs: when it is used
      const { redactor, signal } = control;
      const { path: folder } = job.folder;
      const redacting = redactor && await import("../redact/packing.ts");
      const contents = redactor && { redactor, folder, level: options.level, signal };
      const { copyOf } = job.entry.request;
      const archiveFilename = copyOf?.file ?? options.archiveFilename;
      const packed = await pack({
        tree: job.folder.tree,
        folder: job.folder.path,
        archiveFilename,
        format: options.format,
        level: options.level,
        threads: options.threads,
        describe: (found) => describe(job.entry, found, redactor),
        // What was taken into a ZIP cannot be redacted again after a crash: the tree stays until the archive is whole.
        ...(contents && redacting && {
          rewriter: redacting.createRewriter(contents),
          free: () => Promise.resolve(Infinity),
        }),
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
      const redaction = contents && redacting && {
        ...redactor.ledger.report(),
        residue: await redacting.residueOf(packed.file, contents),
      };
      if (redaction) {
        for (const sentence of redactionTroubles(redaction)) control.trouble(sentence);
      }
      return {
        ...(redaction && { redaction }),
        damaged: packed.damage !== null || packed.full || (redaction?.residue.count ?? 0) > 0,
        diskFull: packed.full,
        found: packed.onlyFallback ? "fallback" : "data",
        archive: {
          name: copyOf?.name ?? archiveName(
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
      // These are empty mostly, and two files all that is in the last: each question less is a turn of a thread less.
      if (has(folder.home)) await rmdir(folder.home).catch(() => removeTree(folder.home));
      if (has(folder.tmp)) await rmdir(folder.tmp).catch(() => removeTree(folder.tmp));
      if (has(folder.spool)) await removeSpool(folder.spool);
      // Of a packing that a crash cut, half-written or not yet in the record.
      const isOurs = (name: string) => name.startsWith("archive") || name.startsWith(".scratch-");
      for (const name of left.filter(isOurs)) {
        await rm(join(folder.path, name), { force: true });
      }
    },
  };
}

async function removeSpool(folder: string): Promise<void> {
  const { stdout, stderr } = spoolIn(folder);
  await Promise.allSettled([unlink(stdout), unlink(stderr)]);
  await rmdir(folder).catch(() => rm(folder, { recursive: true, force: true }));
}

/** What `GATHER.json` in the archive says of the gather. */
function describe(
  entry: Entry,
  found: object,
  redactor: Redactor | undefined,
): Record<string, unknown> {
  const { request } = entry;
  const described = {
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
  return redactor ? withoutSecrets(described, redactor) : described;
}

/** The same with every text in it redacted. */
function withoutSecrets<T>(value: T, redactor: Redactor): T {
  const text = JSON.stringify(
    value,
    (_key, part: unknown) => typeof part === "string" ? redactor.text(part) : part,
  );
  return JSON.parse(text) as T;
}

/** What of the report the person who asked has to know at once. */
function redactionTroubles({ "left-out": left, residue }: GatherRedaction): string[] {
  const some = (paths: readonly string[]) => paths.slice(0, NAMED).join(", ");
  return [
    ...(left.count === 0 ? [] : [
      `${left.count} archives in it could not be opened to take secrets out, so they are left out: ` +
      some(left.paths.map(({ path }) => path)),
    ]),
    ...(residue.count === 0 ? [] : [
      `Secrets are left in ${residue.count} files of the archive, do not pass it on: ${
        some(residue.paths)
      }`,
    ]),
  ];
}
