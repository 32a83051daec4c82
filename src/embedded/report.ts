import { readFile, writeFile } from "node:fs/promises";
import os from "node:os";
import { join } from "node:path";
import { runtime } from "../runtime.ts";
import type { Outcome } from "./collector.ts";
import { operatingSystem } from "./machine.ts";

/** What stands at the opening and at the close of the output, as oc's summary of the cluster does. */
export async function summary(): Promise<string[]> {
  const gigabytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  return [
    "When you ask for help with this machine, please include the following summary along with what was gathered:",
    `Host: ${os.hostname()}`,
    `OS: ${await operatingSystem()}`,
    `Kernel: ${os.type()} ${os.release()} ${os.arch()}`,
    `Processors: ${os.cpus().length}, load ${
      os.loadavg().map((load) => load.toFixed(2)).join(" ")
    }`,
    `Memory: ${gigabytes(os.totalmem())}, free ${gigabytes(os.freemem())}`,
    `Gatherer: embedded, on ${runtime.name} ${runtime.version}`,
    "",
    "",
  ];
}

/** Writes `index.json`, what each file is and how it was made, and `not-collected.txt`, what is missing and why. */
export async function writeIndex(folder: string, outcomes: readonly Outcome[]): Promise<void> {
  const sorted = outcomes.toSorted((a, b) => a.file < b.file ? -1 : 1);
  const files = sorted.filter(({ bytes }) => bytes !== null);
  const missing = sorted.filter(({ bytes }) => bytes === null);
  await writeFile(join(folder, "index.json"), JSON.stringify({ files }, null, 2) + "\n");
  const lines = missing.map(({ file, about, note }) =>
    `${file} (${about})\n  ${note.replaceAll("\n", "\n  ")}\n`
  );
  await writeFile(
    join(folder, "not-collected.txt"),
    lines.length > 0 ? lines.join("") : "Everything was collected.\n",
  );
}

/** The most warnings of the system's log that the event page shows: the newest. */
const WARNINGS = 500;

type Event = Readonly<{ time: string; source: string; text: string }>;

/** The events of a gather: how each collector went, and the warnings that it found in the system's journal. */
export async function eventsOf(folder: string, outcomes: readonly Outcome[]): Promise<Event[]> {
  const own = outcomes.map(({ startedAt, file, how, bytes, milliseconds, note }) => {
    const result = bytes === null ? "not collected" : `${bytes} bytes in ${milliseconds} ms`;
    return { time: startedAt, source: file, text: [how, result, note].filter(Boolean).join(": ") };
  });
  const journal = await readFile(join(folder, "logs/journal-warnings.txt"), "utf8").catch(() => "");
  const warnings = journal.split("\n").flatMap((line) => {
    const [, time, text] = /^(\d{4}-\d\d-\d\dT\S+) (.*)$/.exec(line) ?? [];
    return time === undefined || text === undefined ? [] : [{ time, source: "journal", text }];
  });
  return [...own, ...warnings.slice(-WARNINGS)]
    .toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));
}

/** The page of events: a table that can be read without its script, which filters it. Nothing comes from elsewhere. */
export function eventPage(events: readonly Event[]): string {
  const escape = (text: string): string =>
    text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
  const rows = events.map((event) =>
    `<tr><td>${escape(event.time)}<td>${escape(event.source)}<td>${escape(event.text)}`
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Events of this gather</title>
<style>
body { font: 14px sans-serif; margin: 1em }
td, th { text-align: left; vertical-align: top; padding: .2em .6em; border-bottom: 1px solid #ddd }
td:last-child { font-family: monospace; white-space: pre-wrap; overflow-wrap: anywhere }
</style>
<h1>Events of this gather</h1>
<p>How each collector went, and the newest warnings of the system's journal.
<p><label>Show only rows with <input id="filter" type="search"></label>
<table>
<thead><tr><th>Time<th>Source<th>Event
<tbody>
${rows.join("\n")}
</table>
<script>
document.getElementById("filter").addEventListener("input", (event) => {
  const wanted = event.target.value.toLowerCase();
  for (const row of document.querySelectorAll("tbody tr")) {
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
  }
});
</script>
</html>
`;
}
