/** Tars made in memory, for tests of what reads them. */
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";

/** Contents by name; a name that ends in `/` is a folder, `{ link }` a symbolic link. */
export type Contents = Record<string, Buffer | string | { link: string }>;

/** A tar with these entries, in their order. */
export async function tarOf(contents: Contents): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of Object.entries(contents)) {
    const mtime = new Date("2026-01-02T03:04:05Z");
    if (name.endsWith("/")) tar.entry({ name, type: "directory", mtime });
    else if (typeof content === "object" && "link" in content) {
      tar.entry({ name, type: "symlink", linkname: content.link, mtime });
    } else tar.entry({ name, mtime }, content);
  }
  tar.finalize();
  const pieces: Buffer[] = [];
  for await (const piece of tar as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** The same, packed. */
export async function tarGzOf(contents: Contents): Promise<Buffer> {
  return gzipSync(await tarOf(contents));
}

/** Text that does not pack to nothing: lines with numbers that differ. */
export function logOf(lines: number, seed = 1): string {
  let text = "";
  let state = seed;
  for (let n = 1; n <= lines; n++) {
    state = (state * 48_271) % 2_147_483_647;
    text += `2026-01-02 line ${n} of the log says ${state.toString(36)}\n`;
  }
  return text;
}
