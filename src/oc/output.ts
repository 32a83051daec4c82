/**
 * What oc prints, as it comes in pieces of any size and any bytes, turned into whole lines and into facts.
 *
 * Nothing is done line by line: a piece is cut behind its last newline, and expressions run over the whole of it.
 */

/** What the lines of oc tell about a gather. */
export type OcFact =
  /** oc made it, and will remove it unless it is stopped first. */
  | { type: "created"; kind: "namespace" | "clusterrolebinding"; name: string }
  | { type: "deleted"; kind: "namespace" | "clusterrolebinding"; name: string }
  /** A pod prints: it runs. */
  | { type: "collecting" }
  /** oc fetches what the pods collected; none of them collects any more. */
  | { type: "copying" };

/**
 * The longest beginning of an unfinished line that is kept in memory, in bytes. A longer line is passed on in pieces, and
 * is none that oc itself prints.
 */
const LONGEST_LINE = 64 * 1024;

const NEWLINE = 0x0a;

/** Bytes of the longest character of UTF-8. */
const LONGEST_CHARACTER = 4;

/** Puts pieces of one stream together into blocks of whole lines; only a line beyond the bound comes in several. */
export class LineBlocks {
  #rest: Buffer[] = [];
  #restBytes = 0;

  /** Takes a piece and gives the whole lines there are by now, each with its newline; undefined when there are none. */
  push(piece: Buffer): Buffer | undefined {
    const end = piece.lastIndexOf(NEWLINE) + 1;
    if (end === 0 && this.#restBytes + piece.length <= LONGEST_LINE) {
      this.#rest.push(piece);
      this.#restBytes += piece.length;
      return undefined;
    }
    const cut = end === 0 ? piece.length : end; // a line beyond the bound is passed on as far as it is
    const block = this.#rest.length === 0
      ? piece.subarray(0, cut)
      : Buffer.concat([...this.#rest, piece.subarray(0, cut)]);
    const rest = piece.subarray(cut);
    this.#rest = rest.length > 0 ? [rest] : [];
    this.#restBytes = rest.length;
    return block;
  }

  /** Gives the last line when it had no newline, with one. */
  end(): Buffer | undefined {
    if (this.#restBytes === 0) return undefined;
    const last = Buffer.concat([...this.#rest, Buffer.of(NEWLINE)]);
    this.#rest = [];
    this.#restBytes = 0;
    return last;
  }
}

/** How many lines end in a block. */
export function countLines(block: Buffer): number {
  let lines = 0;
  for (let at = block.indexOf(NEWLINE); at !== -1; at = block.indexOf(NEWLINE, at + 1)) lines++;
  return lines;
}

/*
 * Lines begin where the output does or behind a newline, and nowhere else: `^` with the flag `m` would also begin one behind
 * a carriage return, which a pod's text may hold.
 */

/**
 * Names are taken from oc's own lines only, whole, and only as oc makes them: the text of a pod must not name what is
 * deleted later. From 4.16 a time stands behind `OUT`.
 */
const OWN_LINE =
  /(?:^|\n)\[must-gather {6}\] OUT (?:\d{4}-\d\d-\d\dT[\d:.]+Z )?(?:(namespace)\/(openshift-must-gather-[a-z0-9]{5})|(clusterrolebinding)\.rbac\.authorization\.k8s\.io\/(must-gather-[a-z0-9]{5})) (created|deleted)(?=\r?\n)/g;

const POD_CREATED_LINE =
  /(?:^|\n)\[must-gather {6}\] OUT (?:\S+Z )?pod for plug-in image \S+ created(?=\r?\n)/g;

const POD_LINE = /(?:^|\n)\[must-gather-[a-z0-9]{5}\] POD /;

const COPY_LINE =
  /(?:^|\n)\[must-gather-[a-z0-9]{5}\] OUT (?:\S+Z )?downloading gather output(?=\r?\n)/g;

/** Finds the facts in blocks of one stream, in their order; `collecting` and `copying` are told once. */
export class FactReader {
  #collecting = false;
  #copying = false;
  #pods = 0;
  #copies = 0;
  /** The last block ended within a line: what the next one begins with is not a line. */
  #withinLine = false;

  /** The facts of one block of oc's standard output: of its whole lines, however long the others are. */
  read(block: Buffer): OcFact[] {
    const begin = this.#withinLine ? block.indexOf(NEWLINE) + 1 || block.length : 0;
    this.#withinLine = block.at(-1) !== NEWLINE;
    if (block.indexOf("[must-gather", begin) === -1) return [];
    const text = block.toString("latin1", begin); // the expressions are ASCII; one byte, one character
    const facts: OcFact[] = [];
    for (const [, namespace, itsName, , bindingName, what] of text.matchAll(OWN_LINE)) {
      facts.push({
        type: what as "created" | "deleted",
        kind: namespace ? "namespace" : "clusterrolebinding",
        name: itsName ?? bindingName ?? "",
      });
    }
    if (!this.#collecting && POD_LINE.test(text)) {
      this.#collecting = true;
      facts.push({ type: "collecting" });
    }
    if (!this.#copying) {
      this.#pods += count(text, POD_CREATED_LINE);
      this.#copies += count(text, COPY_LINE);
      // With several pods one may collect for long while another is fetched: copying is when the last is.
      this.#copying = this.#copies > 0 && this.#copies >= this.#pods;
      if (this.#copying) facts.push({ type: "copying" });
    }
    return facts;
  }
}

function count(text: string, expression: RegExp): number {
  return text.match(expression)?.length ?? 0;
}

/** The newest bytes of an output, in whole lines where they fit. */
export class Tail {
  readonly #limit: number;
  #blocks: Buffer[] = [];
  #bytes = 0;

  /** @param limit how many bytes are kept; up to as many and one block more are held */
  constructor(limit: number) {
    this.#limit = limit;
  }

  push(block: Buffer): void {
    // A copy of what is kept: a piece of a stream is a window into a larger buffer that it would hold in memory.
    // One byte more than the limit tells whether what is within it begins a line.
    const kept = Buffer.from(block.subarray(Math.max(0, block.length - this.#limit - 1)));
    this.#blocks.push(kept);
    this.#bytes += kept.length;
    while (this.#bytes - (this.#blocks[0]?.length ?? 0) > this.#limit) {
      this.#bytes -= this.#blocks.shift()?.length ?? 0;
    }
    if (this.#blocks.length > 256) this.#blocks = [Buffer.concat(this.#blocks)];
  }

  /** The newest lines, at most the limit in bytes, each ended by a newline. */
  bytes(): Buffer {
    return newestLines(Buffer.concat(this.#blocks), this.#limit);
  }
}

/**
 * The last `limit` bytes of a text, from the beginning of a line on; only where one line is longer than that, from within
 * it (from the beginning of a character of UTF-8).
 */
export function newestLines(text: Buffer, limit: number): Buffer {
  if (text.length <= limit) return text;
  let start = text.length - limit;
  const newline = text.indexOf(NEWLINE, start - 1);
  if (newline !== -1 && newline < text.length - 1) return text.subarray(newline + 1);
  const character = start + LONGEST_CHARACTER - 1; // bytes that are no UTF-8 may go on for ever
  while (start < character && ((text[start] ?? 0) & 0xc0) === 0x80) start++;
  return text.subarray(start);
}

/**
 * A text of whole lines as the record's `exec-output` has it: a newline before each line and none behind the last. Bytes
 * that are no UTF-8 become U+FFFD, which takes three; where that makes it longer than `limit` bytes, lines go from its beginning.
 */
export function asExecOutput(lines: Buffer, limit: number): string {
  if (lines.length === 0) return "";
  const text = lines.toString("utf8");
  const output = "\n" + (text.endsWith("\n") ? text.slice(0, -1) : text);
  if (Buffer.byteLength(output) <= limit) return output;
  return asExecOutput(newestLines(Buffer.from(text), limit - 1), limit);
}
