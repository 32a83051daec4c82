/** One row of a table: what was done or measured, and what came of it. */
export type Row = readonly [what: string, figure: string];

/** Rows as Markdown, for the README. */
export function table(title: string, rows: readonly Row[]): string {
  return [`| ${title} | |`, "|---|---|", ...rows.map((row) => `| ${row.join(" | ")} |`)].join("\n");
}

/** Bytes as a person reads them. */
export function size(bytes: number): string {
  for (const [unit, of] of [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]] as const) {
    if (bytes >= of) return `${(bytes / of).toFixed(bytes >= 100 * of ? 0 : 1)} ${unit}`;
  }
  return `${bytes} B`;
}

/** Milliseconds as seconds. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 0)} s`;
}

/** How often each came, the most frequent first: `slow 5, big 3`. */
export function counts(of: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(of).sort(([, a], [, b]) => b - a);
  return sorted.map(([name, count]) => `${name} ${count}`).join(", ");
}
