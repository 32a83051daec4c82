import StreamZip from "node-stream-zip";
import type { ZipEntry } from "node-stream-zip";

/** The directory of a ZIP. Rejects with what `count` throws, which is told of each entry. */
export function zipEntries(
  file: string,
  count: (name: string) => void,
): Promise<ZipEntry[]> {
  const entries: ZipEntry[] = [];
  let failure: { error: unknown } | undefined;
  return new Promise((resolve, reject) => {
    // Names are only looked up in a list, so that one which leads elsewhere does no harm.
    const zip = new StreamZip({ file, storeEntries: false, skipEntryNameValidation: true });
    const end = () => zip.close(() => failure ? reject(failure.error) : resolve(entries));
    zip.on("entry", (entry: ZipEntry) => {
      if (failure) return;
      try {
        count(entry.name);
      } catch (error) {
        failure = { error };
        return end();
      }
      entries.push(entry);
    });
    zip.on("ready", end);
    zip.on("error", (error: unknown) => {
      failure ??= { error: error instanceof Error ? error : new Error(String(error)) };
      end();
    });
  });
}
