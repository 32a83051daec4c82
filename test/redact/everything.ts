import { Buffer } from "node:buffer";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import StreamZip from "node-stream-zip";
import { extract } from "tar-stream";
import { kindOf } from "../../src/redact/kinds.ts";

/** Every file of an archive and of the archives in it, by path; read with libraries, not with what is tested. */
export async function everything(
  data: Buffer,
  scratch: string,
  path = "",
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const below = async (name: string, content: Buffer) => {
    for (const entry of await everything(content, scratch, `${path}${path && "!/"}${name}`)) {
      found.set(...entry);
    }
  };
  const kind = kindOf(data);
  if (kind === "gzip") return await everything(gunzipSync(data), scratch, path);
  if (kind === "zip") {
    const file = join(scratch, "inner.zip");
    await writeFile(file, data);
    const zip = new StreamZip.async({ file, skipEntryNameValidation: true });
    const files = Object.values(await zip.entries()).filter((entry) => !entry.isDirectory);
    const contents: [string, Buffer][] = [];
    for (const entry of files) contents.push([entry.name, await zip.entryData(entry)]);
    await zip.close();
    for (const [name, content] of contents) await below(name, content);
  } else if (kind === "tar") {
    const tar = Readable.from([data]).pipe(
      extract() as unknown as
        & NodeJS.WritableStream
        & AsyncIterable<
          AsyncIterable<Buffer> & { header: { name: string } }
        >,
    );
    for await (const entry of tar) {
      const pieces: Buffer[] = [];
      for await (const piece of entry) pieces.push(piece);
      await below(entry.header.name, Buffer.concat(pieces));
    }
  } else found.set(path, data.toString("latin1"));
  return found;
}
