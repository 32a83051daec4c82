/** What the benchmark uses of yazl, which brings no types. */
declare module "yazl" {
  import type { Readable } from "node:stream";

  export class ZipFile {
    readonly outputStream: Readable;
    addFile(
      path: string,
      name: string,
      options: { compress: boolean; compressionLevel: number },
    ): void;
    end(): void;
    on(event: "error", listener: (error: Error) => void): this;
  }
}
