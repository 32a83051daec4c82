/** How measurements are told: the machine, medians, Markdown. */
import { cpus, loadavg } from "node:os";
import process from "node:process";

/** Prints a line. */
export function say(line: string): void {
  process.stdout.write(line + "\n");
}

/** The middle one; of an even number, the higher of the two. NaN of none. */
export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;
}

/** The value below which `share` of the numbers are. NaN of none. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** When and where this was measured, and how busy it was. */
export function machine(): string {
  return `${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0]?.model}, ` +
    `Node ${process.versions.node}, load ${loadavg()[0]?.toFixed(1)} at the beginning`;
}

/** Prints a Markdown table: all columns but the first are figures. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const line = (cells: readonly string[]) => say(`| ${cells.join(" | ")} |`);
  say("");
  line(head);
  line(head.map((_, column) => column === 0 ? "---" : "--:"));
  rows.forEach(line);
  say("");
}

/** A number with so many digits that it says something. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return "";
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3);
}

/** Bytes in MiB. */
export function mebi(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
