import { StringDecoder } from "node:string_decoder";

/** A line is passed on in pieces of this many characters: none may grow without bound. */
const LONGEST_PIECE = 16 * 1024;

/** Cuts a stream of any bytes into lines. */
export class Lines {
  readonly #decoder = new StringDecoder("utf8");
  readonly #tell: (line: string) => void;
  #rest = "";

  /** @param tell is given each line without its newline, and the last one also when it had none */
  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  push(piece: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(piece)).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#inPieces(line);
    while (this.#rest.length >= LONGEST_PIECE) {
      this.#tell(this.#rest.slice(0, LONGEST_PIECE));
      this.#rest = this.#rest.slice(LONGEST_PIECE);
    }
  }

  end(): void {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = "";
    if (rest !== "") this.#inPieces(rest);
  }

  #inPieces(line: string): void {
    for (let from = 0; from === 0 || from < line.length; from += LONGEST_PIECE) {
      this.#tell(line.slice(from, from + LONGEST_PIECE));
    }
  }
}
