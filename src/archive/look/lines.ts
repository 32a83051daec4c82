/** Looking at a text without all of it: its last lines, or the lines that hold a word. */

/** A line is looked at and sent up to this length, in bytes; what is longer is cut there. */
const LONGEST_LINE = 64 * 1024;

/** What `tail` gives at most, in bytes: it has to be held in memory until the end is reached. */
const LONGEST_TAIL = 16 * 2 ** 20;

/** Lines around a match. */
const CONTEXT = 2;

/** Matches that are given; then a line says that there are more. */
const MOST_MATCHES = 5000;

/** The lines of a stream, without their newline, cut at 64 KiB. */
export async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  let length = 0;
  const add = (piece: Buffer) => {
    const room = LONGEST_LINE - length;
    if (room <= 0 || piece.length === 0) return;
    const kept = piece.length > room ? piece.subarray(0, room) : piece;
    rest.push(kept);
    length += kept.length;
  };
  let hasRest = false;
  for await (const piece of stream) {
    let start = 0;
    for (let end = piece.indexOf(10); end !== -1; end = piece.indexOf(10, start)) {
      add(piece.subarray(start, end));
      yield rest.length === 1 && rest[0] ? rest[0] : Buffer.concat(rest);
      rest = [];
      length = 0;
      start = end + 1;
    }
    add(Buffer.from(piece.subarray(start)));
    hasRest = start < piece.length || (hasRest && start === 0);
  }
  if (hasRest) yield Buffer.concat(rest);
}

/** The last lines of a stream, at most 16 MiB of them. */
export async function* tailOf(
  stream: AsyncIterable<Buffer>,
  count: number,
): AsyncGenerator<Buffer> {
  const lines: Buffer[] = [];
  let first = 0;
  let bytes = 0;
  for await (const line of linesOf(stream)) {
    lines.push(Buffer.from(line)); // a copy: a line is a window into a larger piece
    bytes += line.length + 1;
    while (lines.length - first > count || bytes > LONGEST_TAIL) {
      bytes -= (lines[first]?.length ?? 0) + 1;
      lines[first++] = NOTHING; // else it stays in memory until the next splice
    }
    if (first > 10_000) {
      lines.splice(0, first);
      first = 0;
    }
  }
  for (const line of lines.slice(first)) yield Buffer.concat([line, NEWLINE]);
}

const NEWLINE = Buffer.from("\n");
const NOTHING = Buffer.alloc(0);

/** The same bytes in fewer pieces, of at least so many bytes but for the last. */
export async function* batched(
  pieces: AsyncIterable<Buffer>,
  bytes: number,
): AsyncGenerator<Buffer> {
  let batch: Buffer[] = [];
  let length = 0;
  for await (const piece of pieces) {
    batch.push(piece);
    length += piece.length;
    if (length < bytes) continue;
    yield Buffer.concat(batch);
    batch = [];
    length = 0;
  }
  if (length > 0) yield Buffer.concat(batch);
}

/**
 * The lines that hold a text, with their numbers and two lines around, as `grep -n -C2` writes them: `12:match`, `13-context`, and
 * `--` between what does not adjoin.
 */
export async function* grep(
  stream: AsyncIterable<Buffer>,
  text: string,
  ignoreCase: boolean,
): AsyncGenerator<Buffer> {
  const wanted = ignoreCase ? text.toLowerCase() : text;
  const bytes = Buffer.from(text);
  const holds = (line: Buffer) =>
    ignoreCase ? line.toString("utf8").toLowerCase().includes(wanted) : line.includes(bytes);
  const before: [number, Buffer][] = [];
  let number = 0;
  let last = 0;
  let after = 0;
  let matches = 0;
  for await (const line of linesOf(stream)) {
    number++;
    if (holds(line)) {
      if (++matches > MOST_MATCHES) {
        yield Buffer.from(
          `-- more than ${MOST_MATCHES} lines hold this; look for something longer\n`,
        );
        return;
      }
      const first = before[0]?.[0] ?? number;
      if (last > 0 && first > last + 1) yield Buffer.from("--\n");
      for (const [at, context] of before.splice(0)) yield numbered(at, "-", context);
      yield numbered(number, ":", line);
      last = number;
      after = CONTEXT;
    } else if (after > 0) {
      yield numbered(number, "-", line);
      last = number;
      after--;
    } else {
      before.push([number, Buffer.from(line)]);
      if (before.length > CONTEXT) before.shift();
    }
  }
}

function numbered(number: number, mark: ":" | "-", line: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${number}${mark}`), line, NEWLINE]);
}
