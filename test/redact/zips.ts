import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { constants } from "node:fs";
import { crc32, deflateRawSync } from "node:zlib";
import { closeFd, openFd } from "../../src/archive/fd.ts";
import { DEFLATED } from "../../src/archive/zip/format.ts";
import { ZipWriter } from "../../src/archive/zip/writer.ts";
import { testFolder } from "../support/folder.ts";

/** A ZIP of a few files. */
export async function makeZip(
  t: TestContext,
  files: Readonly<Record<string, Buffer | string>>,
): Promise<Buffer> {
  const file = join(await testFolder(t), "made.zip");
  const fd = await openFd(file, constants.O_CREAT | constants.O_RDWR, 0o600);
  const writer = new ZipWriter(fd);
  for (const [name, content] of Object.entries(files)) {
    const data = Buffer.from(content);
    const packed = deflateRawSync(data);
    const head = { name: Buffer.from(name), mode: 0o100644, mtimeMs: Date.now(), zip64: false };
    const sums = {
      method: DEFLATED,
      crc: crc32(data),
      size: data.length,
      packed: packed.length,
    } as const;
    await writer.add(head, sums, packed);
  }
  await writer.close();
  await closeFd(fd);
  return await readFile(file);
}
