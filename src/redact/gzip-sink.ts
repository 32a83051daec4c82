import { finished } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { PIECE } from "../archive/bytes.ts";

/** Takes pieces, one after the other. */
export type Sink = (piece: Buffer) => Promise<void>;

/** Compresses what `fill` writes, and hands it to `sink`. Rejects as either does; nothing is under way then. */
export async function gzipInto(
  sink: Sink,
  level: number,
  fill: (write: Sink) => Promise<void>,
): Promise<void> {
  const gzip = createGzip({ level, chunkSize: PIECE });
  const pumping = (async () => {
    for await (const piece of gzip as AsyncIterable<Buffer>) await sink(piece);
  })();
  pumping.catch(() => {}); // told below
  const write: Sink = async (piece) => {
    if (gzip.destroyed) return await pumping;
    if (!gzip.write(Buffer.from(piece))) { // it may be used again before it is compressed
      await Promise.race([new Promise((resolve) => gzip.once("drain", resolve)), pumping]);
    }
  };
  try {
    await fill(write);
    gzip.end();
    await pumping;
  } finally {
    gzip.destroy();
    await Promise.allSettled([pumping, finished(gzip)]);
  }
}
