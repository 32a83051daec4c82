/** Texts of others made fit for a terminal, and numbers made fit for people. */

/** Of a long output only so many characters are looked at for its last line: far more than a terminal is wide. */
const TAIL_LENGTH = 4096;

/** What oc puts in front of the lines of a pod, and of its own; from 4.16 with a time. */
const OC_PREFIX = /^\[must-gather[^\]]{0,20}\] (?:POD|OUT) (?:\d{4}-\d\d-\d\dT\S* ?)?/;

/**
 * What terminals take as commands: titles and the like (`ESC ]` to BEL or `ESC \`), colors and cursor moves (`ESC [`), and the rest.
 * Own, since the two runtimes' `stripVTControlCharacters` do not agree.
 */
const ESCAPES =
  /\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]/g;

/**
 * One line of any text, safe to print: no escape sequences, no control characters, nothing that turns the direction of
 * writing. What a service, a pod or an archive says goes through here before a terminal sees it.
 */
export function printable(text: string): string {
  return text.replace(ESCAPES, "").replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ").trim();
}

/** The last line of a record's `exec-output` that says something, without oc's prefix; `""` when there is none. */
export function lastLine(execOutput: string): string {
  for (const line of execOutput.slice(-TAIL_LENGTH).split("\n").reverse()) {
    const said = printable(line.replace(OC_PREFIX, ""));
    if (said !== "") return said;
  }
  return "";
}

/** Bytes in the unit that leaves one to four digits: `5.6 MiB`. */
export function humanSize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}

/** A whole number with commas: `12,345`. */
export function humanNumber(count: number): string {
  return count.toLocaleString("en-US");
}

/** Milliseconds as a clock shows them: `0:42`, `1:02:03`. */
export function clockTime(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
