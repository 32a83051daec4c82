import StreamZip from "node-stream-zip";
import type { ZipEntry } from "node-stream-zip";

/** Gives all entries in the directory of a ZIP, one after the other. Rejects with what `take` throws. */
export function zipEntries(file: string, take: (entry: ZipEntry) => void): Promise<void> {
  let failure: { error: unknown } | undefined;
  return new Promise((resolve, reject) => {
    // Names are only looked up in a list, so that one which leads elsewhere does no harm.
    const zip = new StreamZip({ file, storeEntries: false, skipEntryNameValidation: true });
    const end = () => zip.close(() => failure ? reject(failure.error) : resolve());
    zip.on("entry", (entry: ZipEntry) => {
      if (failure) return;
      try {
        take(entry);
      } catch (error) {
        failure = { error };
        end();
      }
    });
    zip.on("ready", end);
    zip.on("error", (error: unknown) => {
      failure ??= { error: error instanceof Error ? error : new Error(String(error)) };
      end();
    });
  });
}
