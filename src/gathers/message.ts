/** The sentence of a gather that ended: what happened, oc's own last words, and what to do. */
import { type Entry } from "./entry.ts";

/** What ended gathers are told from besides their entry. */
export interface Outcome {
  /** oc's last words on its standard error; `""` where there are none. */
  lastWords: string;
  /** What could not be started, written or fetched, in sentences. */
  troubles: readonly string[];
  /** How the machine saw the archive. */
  found: "data" | "fallback" | "nothing" | "unknown";
  /** What the deadline was, as the record has it. */
  timeout: string;
}

/** Longest message, in characters. */
const LONGEST = 2000;

/** Makes the sentence for a gather whose reason and archive are settled. */
export function outcomeMessage(entry: Entry, outcome: Outcome): string {
  const sentences = [what(entry, outcome), ...outcome.troubles];
  if (entry.status === "error") {
    if (outcome.lastWords !== "") sentences.push(`oc said: ${outcome.lastWords}`);
    sentences.push(entry.archive ? kept(outcome) : "There is no archive");
  }
  const text = sentences.map((sentence) => sentence.replace(/[.\s]+$/, "")).join(". ");
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}

/** The sentence, with what was not found, what of the gather still stands in the cluster and how to remove it by hand. */
export function fullMessage(entry: Entry): string {
  const message = [entry.message.replace(/[.\s]+$/, ""), entry.note].filter(Boolean).join(". ");
  if (entry.leftovers.length === 0) return entry.note ? message : entry.message;
  const commands = entry.leftovers.map((leftover) => `oc delete ${leftover.replace("/", " ")}`);
  return `${message}. Still in the cluster, and tried again until it is gone: ` +
    `${entry.leftovers.join(", ")}; by hand: ${commands.join("; ")}`;
}

function what(entry: Entry, outcome: Outcome): string {
  switch (entry.reason) {
    case "":
      return "The archive is ready";
    case "cancelled":
      return entry.startedAt === null ? "Cancelled before it started" : "Cancelled";
    case "timeout":
      return `Stopped after its timeout of ${outcome.timeout}; send a longer timeout`;
    case "disk-full":
      return "Stopped because the service has no room left for it; remove old gathers with DELETE ?purge=1";
    case "interrupted":
      return "The service was stopped or restarted while it ran; start it again";
    case "failed":
      return entry.exitCode === null
        ? "oc was ended by a signal or could not be started"
        : entry.exitCode === 0
        ? entry.archive ? "oc ended without an error" : "The archive could not be made"
        : `oc failed with exit code ${entry.exitCode}`;
    case "no-data":
      return outcome.found === "fallback"
        ? "The must-gather image collected nothing"
        : "oc ended without an error, but the image collected nothing; check image, command and source-dir";
  }
}

function kept(outcome: Outcome): string {
  return outcome.found === "fallback"
    ? "The archive holds only what oc's own fallback, oc adm inspect, brought"
    : "The archive holds what was collected until then";
}
