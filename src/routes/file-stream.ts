/** A part of a file as the body of a reply. */
import { type FileHandle, open } from "node:fs/promises";

/** How much is read at a time, in bytes: as much as one reader holds in memory, twice. */
const PIECE_BYTES = 256 * 1024;

/**
 * Streams the bytes of a file from `start` to `end`, both included. The file is open from here on and closed at the end, after an
 * error and when the reader goes away.
 *
 * @param handedOver is told how many bytes a reader has got, piece by piece
 *
 * Rejects when the file cannot be opened. The stream breaks, and does not end, when the file is shorter than it should be:
 * a cut archive must not look whole.
 */
export async function fileStream(
  path: string,
  start: number,
  end: number,
  handedOver: (bytes: number) => void = () => {},
): Promise<ReadableStream<Uint8Array>> {
  const file: FileHandle = await open(path, "r");
  let position = start;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const length = Math.min(PIECE_BYTES, end + 1 - position);
        const buffer = Buffer.allocUnsafeSlow(length);
        const { bytesRead } = await file.read(buffer, 0, length, position);
        if (bytesRead === 0) throw new Error(`${path} is shorter than it was`);
        position += bytesRead;
        controller.enqueue(buffer.subarray(0, bytesRead));
        handedOver(bytesRead);
        if (position <= end) return;
        await file.close();
        controller.close();
      } catch (error) {
        await file.close().catch(() => {});
        controller.error(error);
      }
    },
    async cancel() {
      await file.close().catch(() => {});
    },
  }, { highWaterMark: 0 });
}
