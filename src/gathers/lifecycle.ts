/** Brings gathers to life, and writes down what their machines do. */
import { createActor, type InspectionEvent } from "xstate";
import { type GatherEvent, gatherMachine } from "../../machines/gather.ts";
import { reasonOf } from "../log.ts";
import type { Redactor } from "../redact/redactor.ts";
import { type ActorDeps, GatherActors } from "./actors.ts";
import { type Entry, hasEnded, MOST_TRANSITIONS } from "./entry.ts";
import { gatherFolder } from "./folders.ts";
import type { Held } from "./held.ts";
import { reportInspection } from "./inspection.ts";
import { outcomeMessage } from "./message.ts";
import { leftoversOf, type Reaper } from "./reaper.ts";
import { eventName, stateText } from "./step.ts";
import type { Telling } from "./telling.ts";

/** How long it is tried while the service goes down: milliseconds. */
const REAP_AT_ONCE_MS = 15_000;

/** What a lifecycle needs. */
export interface LifecycleDeps extends ActorDeps {
  /** Goes on where an ended gather left something in the cluster. */
  reaper: Reaper;
  /** Is told of each gather that has ended, once its record is settled. */
  ended: (entry: Entry) => void;
  timeoutGraceMs: number;
  stopGraceMs: number;
  /** What takes the secrets out of a gather; undefined where that is not asked for. */
  redactorFor?: (entry: Entry) => Redactor | undefined;
}

/** Lets gathers live: makes their actors, and keeps their entries in step with them. */
export class Lifecycle {
  readonly #deps: LifecycleDeps;
  readonly #telling = new Map<number, Telling>();
  readonly #actors: GatherActors;
  readonly #machine: typeof gatherMachine;

  constructor(deps: LifecycleDeps) {
    this.#deps = deps;
    this.#actors = new GatherActors(deps, (id) => this.#telling.get(id));
    this.#machine = gatherMachine.provide({ actors: this.#actors.provide() });
  }

  /**
   * Brings a gather to life in the state `new`; events to its actor do the rest.
   *
   * One of the journal is never restored from its snapshot: a waiting one has nothing in it that its entry has not, and of
   * one that was live the timers and the process are gone, as `gather.recover` says.
   */
  begin(held: Held): void {
    const { entry } = held;
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    this.#telling.set(entry.id, {
      redactor: this.#deps.redactorFor?.(entry),
      troubles: [],
      found: "unknown",
      packing: undefined,
      ended,
      end,
    });
    held.actor = createActor(this.#machine, {
      input: {
        id: entry.id,
        timeoutMs: entry.request.timeoutMs,
        timeoutGraceMs: this.#deps.timeoutGraceMs,
        stopGraceMs: this.#deps.stopGraceMs,
      },
      inspect: (event) => this.#inspect(held, event),
    });
    held.actor.start();
    entry.snapshot = persisted(held);
  }

  /** Resolves when a gather has ended and its end is on disk. */
  async ended(held: Held): Promise<void> {
    await this.#telling.get(held.id)?.ended;
  }

  /** Sends an event to a live gather; an ended one takes none. */
  send(held: Held, event: GatherEvent): void {
    held.actor?.send(event);
  }

  /** Removes from the cluster at once what a gather made there, while it is still being ended: the service goes down. */
  reapAtOnce(held: Held): void {
    const signal = AbortSignal.timeout(REAP_AT_ONCE_MS);
    this.#actors.reap(held.id, signal).catch((error) =>
      this.#deps.log.warn("cannot be removed from the cluster yet", {
        id: held.id,
        reason: reasonOf(error),
      })
    );
  }

  #inspect(held: Held, event: InspectionEvent): void {
    reportInspection(this.#deps.events, held.id, event);
    if (event.type !== "@xstate.snapshot" || event.actorRef.sessionId !== event.rootId) return;
    if (event.event.type === "xstate.init") return; // the entry knows better where it was
    const snapshot = event.snapshot as ReturnType<NonNullable<Held["actor"]>["getSnapshot"]>;
    const { entry } = held;
    const { registry, log } = this.#deps;
    const { reason, exitCode } = snapshot.context;
    const state = stateText(snapshot.value);
    const isNews = state !== entry.state || reason !== entry.reason || exitCode !== entry.exitCode;
    if (!isNews || hasEnded(entry)) return;

    const at = registry.timestamp();
    const step = state === entry.state
      ? undefined
      : { at, event: eventName(event.event.type), from: entry.state, to: state };
    if (step) {
      if (entry.transitions.length < MOST_TRANSITIONS) entry.transitions.push(step);
      log.info("gather moved", { id: entry.id, by: step.event, from: step.from, to: step.to });
      if (entry.state === "new" && state.startsWith("inprogress")) entry.startedAt ??= at;
    }
    const leftQueue = entry.status === "new" && !snapshot.hasTag("queued");
    entry.state = state;
    entry.status = state.split(".")[0] as typeof entry.status;
    entry.reason = reason;
    entry.exitCode = exitCode;
    entry.snapshot = hasEnded(entry) ? null : persisted(held);
    if (hasEnded(entry)) this.#conclude(held, at);
    registry.changed(held);
    if (step) this.#deps.events.transition(entry, step);
    if (hasEnded(entry)) {
      this.#deps.ended(entry);
      void this.#settle(held);
    }
    if (leftQueue) { for (const waiting of registry.queued()) registry.revise(waiting); }
  }

  /** Everything that the record of an ended gather says is settled before anybody can see that it has ended. */
  #conclude(held: Held, at: string): void {
    const { entry, output } = held;
    const telling = this.#telling.get(entry.id);
    held.actor = undefined;
    entry.finishedAt = at;
    entry.process = null;
    entry.lines = output?.lines ?? entry.lines;
    entry.leftovers = leftoversOf(entry, Date.parse(at));
    if (entry.archive && entry.status === "error") entry.archive.partial = true;
    const message = outcomeMessage(entry, {
      lastWords: output?.lastWords() ?? "",
      troubles: telling?.troubles ?? [],
      found: telling?.found ?? "unknown",
      timeout: entry.request.timeout,
    });
    entry.message = telling?.redactor?.text(message) ?? message;
    this.#deps.durations.learn(entry);
    const level = entry.status === "completed" ? "info" : "warn";
    this.#deps.log[level]("gather ended", {
      id: entry.id,
      status: entry.status,
      reason: entry.reason,
      message: entry.message,
      archiveBytes: entry.archive?.size ?? 0,
      leftovers: entry.leftovers,
    });
  }

  async #settle(held: Held): Promise<void> {
    const { entry, output } = held;
    const telling = this.#telling.get(entry.id);
    try {
      await telling?.packing; // one that was given up takes a moment to let go of the tree
      await output?.close();
      await this.#deps.registry.settle(held);
      this.#deps.reaper.tend(held);
      // The tree goes once the journal says that there is an archive of it.
      await this.#deps.packer.clear(gatherFolder(this.#deps.workPath, entry.id), entry.archive);
      held.isCleared = entry.made.every(({ gone }) => gone); // else oc, asked after them, makes its HOME anew
    } catch (error) {
      this.#deps.log.error("cannot clear up after a gather", {
        id: entry.id,
        reason: reasonOf(error),
      });
    } finally {
      telling?.end();
      this.#telling.delete(entry.id);
    }
  }
}

/** The machine's snapshot as plain data. */
function persisted(held: Held): Record<string, unknown> | null {
  return held.actor
    ? held.actor.getPersistedSnapshot() as unknown as Record<string, unknown>
    : null;
}
