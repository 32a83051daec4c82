/** An archive in another format than it is kept in. */
import type { Readable } from "node:stream";
import type { Archive } from "../gathers/entry.ts";
import { badRequest, Problem } from "../problem.ts";

/** Conversions at a time: each holds some 2 MB, and a slow reader's lasts. */
const MOST = 16;

/** After which another try may succeed: seconds. */
const RETRY_AFTER = 10;

/**
 * Of gzip: a conversion runs on one thread while somebody waits for it, and level 3 takes two thirds of the time of 6 for
 * a ninth more bytes (bench/README.md).
 */
const LEVEL = 3;

/** Whether `?format=` asks for a conversion. Throws a `Problem`: 400 for an unknown format, 406 for one that cannot be had. */
export function isConversion(format: string | undefined, archive: Archive): boolean {
  if (format === undefined) return false;
  if (format !== "zip" && format !== "tar.gz") {
    throw badRequest("format: must be zip or tar.gz; without it the archive comes as it is");
  }
  if (archive.file === `archive.${format}`) return false;
  if (archive.file === "archive.zip") return true;
  throw new Problem({
    status: 406,
    detail: `This archive can only be had as it is (${archive.name}): a ZIP can be turned into ` +
      "a tar.gz, nothing into a ZIP; leave format out",
  });
}

/** The name that a converted archive has. */
export function convertedName(name: string): string {
  return name.replace(/\.zip$/i, "") + ".tar.gz";
}

/** The conversions that run. */
export class Conversions {
  #running = 0;

  /**
   * The ZIP in `file` as a tar.gz. Nothing is opened before it is read, and everything is let go when the reader goes away, which
   * `gone` may tell before the reply begins; `handedOver` is told how many bytes it got, piece by piece. Rejects with a `Problem` of status 503 when there are too many.
   */
  async start(
    file: string,
    gone: AbortSignal,
    handedOver: (bytes: number) => void = () => {},
  ): Promise<ReadableStream<Uint8Array>> {
    const { zipToTar } = await import("../archive/tar/from-zip.ts"); // with what reads ZIPs
    if (this.#running >= MOST) {
      throw new Problem({
        status: 503,
        detail: `${MOST} archives are being converted; try again soon, or leave format out`,
        headers: { "retry-after": String(RETRY_AFTER) },
      });
    }
    this.#running++;
    const source = zipToTar(file, LEVEL);
    const stop = () => void source.destroy();
    gone.addEventListener("abort", stop, { once: true });
    source.once("error", () => {}); // the reader below is told
    source.once("close", () => {
      this.#running--;
      gone.removeEventListener("abort", stop);
    });
    if (gone.aborted) stop();
    return bodyOf(source, handedOver);
  }
}

function bodyOf(
  source: Readable,
  handedOver: (bytes: number) => void,
): ReadableStream<Uint8Array> {
  const iterator = (source as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) return controller.close();
      controller.enqueue(value);
      handedOver(value.length);
    },
    cancel() {
      source.destroy();
    },
  }, { highWaterMark: 0 });
}
