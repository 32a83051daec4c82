import { constants } from "node:fs";
import { Readable } from "node:stream";
import zlib from "node:zlib";
import { PIECE, through } from "../bytes.ts";
import { Cursor } from "../cursor.ts";
import { PackError } from "../errors.ts";
import { codeOf } from "../../errors.ts";
import { closeFd, openFd, statFd } from "../fd.ts";
import { rawText } from "../paths.ts";
import { TarError } from "./feeder.ts";
import { readTar } from "./reader.ts";
import type { Judge } from "../pack/verdict.ts";
import type { Verified, VerifyOptions } from "../zip/verify.ts";

/**
 * Reads a tar.gz back from the disk, once, from its first byte to its last: it must unpack to the sums at its end, be a tar
 * from its first header to its mark, and hold as many entries as expected. Rejects with a {@link PackError} of code `EVERIFY`
 * when it does not, or with the signal's reason.
 */
export async function verifyTar(
  file: string,
  { entries, signal, judge }: Omit<VerifyOptions, "threads">,
): Promise<Verified> {
  const fd = await openFd(file, constants.O_RDONLY);
  try {
    const { size } = await statFd(fd);
    const cursor = new Cursor(fd, signal);
    const found = await readEntries(cursor, size, signal, judge).catch((error) => {
      const isFault = error instanceof TarError || codeOf(error).startsWith("Z_");
      if (!isFault) throw error;
      fail(file, error instanceof Error ? error.message : String(error), error);
    });
    if (found !== entries) fail(file, `it has ${found} entries, ${entries} were written`);
    await cursor.skipRest();
    return { size: cursor.position, digest: cursor.digest() };
  } finally {
    await closeFd(fd);
  }
}

async function readEntries(
  cursor: Cursor,
  size: number,
  signal: AbortSignal,
  judge: Judge | undefined,
): Promise<number> {
  let entries = 0;
  let failure: unknown;
  const tar = async function* () {
    try {
      yield* through(cursor.pieces(size), zlib.createGunzip({ chunkSize: PIECE }));
    } catch (error) {
      failure = error;
      throw error;
    }
  };
  await readTar(
    Readable.from(tar(), { objectMode: false, highWaterMark: 1 }),
    async (entry, content) => {
      entries++;
      const { name, kind, size } = entry;
      const type = kind === "folder" || kind === "link" ? kind : "file";
      await judge?.look({ path: rawText(name).replace(/\/$/, ""), type, size }, content);
    },
    { signal, count: () => {} },
  );
  if (failure) throw failure; // behind the mark at the end readTar does not mind; the sums stand there
  return entries;
}

function fail(file: string, why: string, cause?: unknown): never {
  throw new PackError("EVERIFY", `The archive ${file} does not read back: ${why}`, cause);
}
