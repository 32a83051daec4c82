/** How much may be in an archive that is looked into. */

/** The caps; a test has smaller ones. */
export interface Caps {
  /** Things in it; each takes some 300 bytes of memory while it is looked into, and its path. */
  entries: number;
  /** Characters of all paths together: a tar may have names of thousands. */
  names: number;
  /** Bytes when unpacked. */
  bytes: number;
  /** Unpacked to packed, for what is larger than {@linkcode Caps.harmless} when unpacked. */
  ratio: number;
  harmless: number;
  /** Archives in archives; what is deeper is shown as the file that it is. */
  depth: number;
}

/** The caps of the service. */
export const CAPS: Caps = Object.freeze({
  entries: 200_000,
  names: 64 * 2 ** 20,
  /** Fifty times the largest WORK_LIMIT by default. */
  bytes: 2 ** 40,
  /** Deflate of text gets to some 20, of nothing but zeros to 1,030. */
  ratio: 500,
  harmless: 2 ** 30,
  depth: 3,
});

/** An archive holds more than a cap allows, as one made to do harm does. The message names the cap. */
export class TooMuchError extends Error {
  override readonly name = "TooMuchError";
}

/** Counts what comes out of an archive, and throws {@linkcode TooMuchError} when it is too much. */
export class Meter {
  readonly #caps: Caps;
  readonly #packed: number;
  #entries = 0;
  #bytes = 0;
  #names = 0;

  /** @param packed size of the archive, in bytes */
  constructor(caps: Caps, packed: number) {
    this.#caps = caps;
    this.#packed = packed;
  }

  get depth(): number {
    return this.#caps.depth;
  }

  /** Told of each entry, with its whole path. */
  entry(path: string): void {
    const { entries, names } = this.#caps;
    this.#names += path.length;
    if (this.#names > names) {
      throw new TooMuchError(`its paths have more than the ${names} characters that are allowed`);
    }
    if (++this.#entries > entries) {
      throw new TooMuchError(`it holds more than the ${entries} entries that are allowed`);
    }
  }

  /** Told of bytes when they come; those of archives in archives count again. */
  bytes(count: number): void {
    const { bytes, ratio, harmless } = this.#caps;
    this.#bytes += count;
    if (this.#bytes > bytes) {
      throw new TooMuchError(`it unpacks to more than the ${bytes} bytes that are allowed`);
    }
    if (this.#bytes > harmless && this.#bytes > this.#packed * ratio) {
      throw new TooMuchError(
        `it unpacks to more than ${ratio} times its size, which is not allowed`,
      );
    }
  }
}
