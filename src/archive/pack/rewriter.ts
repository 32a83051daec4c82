/** What changes files on their way into an archive. Rejects with `LeftOut` for what must not go in. */
export interface Rewriter {
  /** The path, or the target of a link, that is written. */
  name: (path: string) => string;
  /** The content of a small file. */
  data: (name: string, data: Buffer) => Promise<Buffer>;
  /** The content of an open file of any size, in a file without a name that is the caller's to close. */
  file: (name: string, fd: number, size: number) => Promise<{ fd: number; size: number }>;
  /** Writes an archive that an image made into the empty file `to`; gives why it is not whole, in a sentence. */
  image: (name: string, fd: number, size: number, to: number) => Promise<string | null>;
}
