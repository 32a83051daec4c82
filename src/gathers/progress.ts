/** How far a gather is: by how long earlier ones of the same image and command took, the first one by its steps. */
import { MILESTONES } from "../oc/milestones.ts";
import { type Entry, hasEnded } from "./entry.ts";
import type { Registry } from "./registry.ts";

/** So many of the newest of a kind count; clusters grow. */
const NEWEST = 20;

/** So many kinds are remembered; those used longest ago go. */
const MOST_KINDS = 500;

/** What is never exceeded before the end. */
const MOST_PERCENT = 99;

/** An estimate for a gather that runs. */
export interface Estimate {
  /** 0 to 99. */
  percent: number;
  /** When it is expected to end, in milliseconds since 1970; null once that has passed. */
  endsAt: number | null;
}

/** What comes behind the milestones of Forklift's scripts, by the state of the machine. */
const LATER_STEPS = ["inprogress.copying", "inprogress.reaping", "inprogress.packing"];

/** All steps, and that it has ended. */
const STEPS = MILESTONES + LATER_STEPS.length + 1;

/** Between two looks whether a running gather has come further: milliseconds. */
const TICK_MS = 5000;

/** Lets the progress of running gathers move on while oc says nothing, until `signal` aborts. */
export function tickProgress(registry: Registry, durations: Durations, signal: AbortSignal): void {
  const told = new Map<number, number>();
  const timer = setInterval(() => {
    const running = registry.live().filter(({ entry }) => entry.status === "inprogress");
    for (const held of running) {
      const { id } = held.entry;
      const percent = durations.estimate(held.entry, Date.now())?.percent;
      if (percent !== undefined && percent !== told.get(id)) {
        told.set(id, percent);
        registry.progressed(held);
      }
    }
    for (const id of told.keys()) {
      if (!running.some(({ entry }) => entry.id === id)) told.delete(id);
    }
  }, TICK_MS).unref();
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}

/** How long completed gathers took, by image and command. */
export class Durations {
  readonly #byKind = new Map<string, number[]>();
  /** What was told of a live gather last, so that it never goes back. */
  readonly #told = new Map<number, number>();
  /** The milestones that live gathers have come to. */
  readonly #milestones = new Map<number, number>();

  /** Notes that what collects for a live gather has come to a milestone. */
  reached(id: number, milestone: number): void {
    this.#milestones.set(id, Math.max(milestone, this.#milestones.get(id) ?? 0));
  }

  /** Learns from a gather that has ended; only from completed ones, as others took as long as somebody let them. */
  learn(entry: Entry): void {
    this.#told.delete(entry.id);
    this.#milestones.delete(entry.id);
    if (entry.status !== "completed" || entry.startedAt === null || entry.finishedAt === null) {
      return;
    }
    const kind = kindOf(entry);
    const known = this.#byKind.get(kind) ?? [];
    this.#byKind.delete(kind);
    known.push(Date.parse(entry.finishedAt) - Date.parse(entry.startedAt));
    this.#byKind.set(kind, known.slice(-NEWEST));
    for (const oldest of this.#byKind.keys()) {
      if (this.#byKind.size <= MOST_KINDS) break;
      this.#byKind.delete(oldest);
    }
  }

  /**
   * How far a running gather is at `now`; undefined where nothing is known. Where no earlier one tells how long it takes, a
   * percentage is the place of its step among all of them, which are as far from each other: no share of time was measured.
   */
  estimate(entry: Entry, now: number): Estimate | undefined {
    if (entry.startedAt === null || hasEnded(entry)) return undefined;
    const median = medianOf(this.#byKind.get(kindOf(entry)) ?? []);
    const started = Date.parse(entry.startedAt);
    if (median === undefined) {
      const step = this.#step(entry);
      if (step === undefined) return undefined;
      return { percent: this.#tell(entry.id, step / STEPS), endsAt: null };
    }
    const share = median > 0 ? (now - started) / median : 1;
    const endsAt = started + median;
    return { percent: this.#tell(entry.id, share), endsAt: endsAt > now ? endsAt : null };
  }

  /** The percentage of a share: never below what was told before, never all of it. */
  #tell(id: number, share: number): number {
    const percent = Math.max(
      this.#told.get(id) ?? 0,
      Math.min(MOST_PERCENT, Math.max(0, Math.floor(share * 100))),
    );
    this.#told.set(id, percent);
    return percent;
  }

  /** The number of the step that a gather of Forklift's image is at; undefined for others, whose steps are not known. */
  #step({ id, state }: Entry): number | undefined {
    const milestone = this.#milestones.get(id);
    if (milestone === undefined) return undefined;
    const later = LATER_STEPS.findIndex((step) => state.startsWith(step));
    return later === -1 ? milestone : MILESTONES + later + 1;
  }
}

function kindOf({ request, resolved }: Entry): string {
  const { images, imageStreams, allImages } = request;
  const { commandLine } = resolved ?? request;
  // The name of a plan or VM does not matter as much as that it is one. It may be quoted for bash.
  const command = commandLine.replace(/(NS|PLAN|VM)=(?:'[^']*'|"[^"]*"|[^\s'"])+/g, "$1");
  return JSON.stringify([images, imageStreams, allImages, command]);
}

function medianOf(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[middle - 1], sorted[middle]];
  if (high === undefined) return undefined;
  return sorted.length % 2 === 1 || low === undefined ? high : (low + high) / 2;
}
