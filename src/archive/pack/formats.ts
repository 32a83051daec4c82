/** The two kinds of archive that a tree is packed into. */
import zlib from "node:zlib";
import { Deflater } from "../deflate.ts";
import { GzipWriter } from "../tar/gzip-writer.ts";
import { packTree } from "../zip/pack-tree.ts";
import type { PackTreeOptions } from "../zip/pack-tree.ts";
import type { PackedList } from "./packed-list.ts";
import { tarEnd, tarHeader, tarPadding } from "../tar/format.ts";
import { tarTree } from "../tar/pack-tree.ts";
import type { Tree } from "./tree.ts";
import { verifyZip } from "../zip/verify.ts";
import { verifyTar } from "../tar/verify.ts";
import { DEFLATED } from "../zip/format.ts";
import { ZipWriter } from "../zip/writer.ts";

/** What a tree can be packed into, as ARCHIVE_FORMAT says it. */
export type ArchiveFormat = "zip" | "tar.gz";

/** An archive in the making. Every method rejects as its writer does; the descriptor stays the caller's. */
interface Making {
  /** Packs all of a tree; see {@link packTree}, and {@link tarTree}, which leaves sources where they are. */
  pack: (tree: Tree, options: Omit<PackTreeOptions, "level" | "threads">) => Promise<PackedList>;
  /** What is in by now. */
  entries: () => number;
  /** Adds a file of a few KB. */
  add: (name: string, data: Buffer) => Promise<void>;
  close: () => Promise<void>;
  /** Resolves when nothing is being written any more. */
  settled: () => Promise<void>;
}

interface Format {
  make: (fd: number, level: number, threads: number) => Making;
  verify: typeof verifyZip;
}

const S_IFREG = 0o100000;

/** How each is made and read back. */
export const FORMATS: Readonly<Record<ArchiveFormat, Format>> = {
  "zip": { make: makeZip, verify: verifyZip },
  "tar.gz": { make: makeTar, verify: verifyTar },
};

function makeZip(fd: number, level: number, threads: number): Making {
  const writer = new ZipWriter(fd);
  return {
    async pack(tree, options) {
      if (options.inside) await writer.resume(options.inside.entries.values());
      return await packTree(tree, writer, { level, threads, ...options });
    },
    entries: () => writer.entries,
    async add(name, data) {
      const packed = await new Deflater(6, 1).deflate(data, true);
      const head = { name: Buffer.from(name), mode: S_IFREG | 0o644, zip64: false };
      const crc = zlib.crc32(data);
      const sums = { method: DEFLATED, crc, size: data.length, packed: packed.length } as const;
      await writer.add({ ...head, mtimeMs: Date.now() }, sums, packed);
    },
    close: async () => void await writer.close(),
    settled: () => Promise.resolve(),
  };
}

function makeTar(fd: number, level: number, threads: number): Making {
  const writer = new GzipWriter(fd, level, threads);
  let entries = 0;
  return {
    async pack(tree, options) {
      const packed = await tarTree(tree, writer, options);
      entries += packed.entries;
      return packed.list;
    },
    entries: () => entries,
    async add(name, data) {
      const head = { kind: "file", name, link: "", mode: 0o644, mtimeMs: Date.now() } as const;
      await writer.write(tarHeader({ ...head, size: data.length }));
      await writer.write(data);
      await writer.write(tarPadding(data.length));
      entries++;
    },
    async close() {
      await writer.write(tarEnd());
      await writer.close();
    },
    settled: () => writer.settled(),
  };
}
