import { type Flag, OWN_FLAGS, REQUEST_FLAGS, TOKEN_VARIABLE } from "./arguments.ts";

/** Where the descriptions of the flags begin, and where their lines end; in characters. */
const COLUMN = 28;
const WIDTH = 100;

/** What `--help` prints. */
export function helpText(): string {
  return `Usage: npm run gather -- [flags] [-- command words]
       deno task gather [flags] [-- command words]

Runs one must-gather to its end and downloads its archive. Where no service answers on PORT, one is
started and stopped again. Ctrl-C cancels the gather; a second one leaves at once.

What to gather:
${flags(REQUEST_FLAGS)}

How:
${flags(OWN_FLAGS)}

Environment: PORT, WORK_PATH, JOURNAL_PATH and the others that the service knows; ${TOKEN_VARIABLE};
NO_COLOR. For JSON without npm's own lines: npm run --silent gather -- --json

Exit code: 0 when the gather completed, 1 when it failed, 2 when the flags are wrong, 130 after Ctrl-C.
`;
}

function flags(list: readonly Flag[]): string {
  return list.map(({ name, short, value, description }) => {
    const left = `  ${short === undefined ? "" : `-${short}, `}--${name} ${value}`.trimEnd();
    const lines = wrap(description, WIDTH - COLUMN);
    const first = left.length < COLUMN - 1 ? [left.padEnd(COLUMN) + lines.shift()] : [left];
    return [...first, ...lines.map((line) => " ".repeat(COLUMN) + line)].join("\n");
  }).join("\n");
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1) ?? "";
    if (last === "") lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
