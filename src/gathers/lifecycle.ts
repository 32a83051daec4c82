/** Gives the machine of a gather its actors, and writes down what the machine does. */
import { createActor, fromCallback, fromPromise, type InspectionEvent } from "xstate";
import {
  type FinishEvent,
  type GatherEvent,
  gatherMachine,
  type JobInput,
  type PackInput,
  type ProcessInput,
  type SalvageInput,
} from "../../machines/gather.ts";
import type { SignalEvent } from "../../machines/stop.ts";
import { PackError } from "../archive/errors.ts";
import type { Redactor } from "../redact/redactor.ts";
import type { Log } from "../log.ts";
import { reasonOf } from "../log.ts";
import { type Entry, hasEnded, MOST_MADE, MOST_TRANSITIONS } from "./entry.ts";
import type { Events } from "./events.ts";
import { gatherFolder, makeFolder } from "./folders.ts";
import { leftoversOf, type Reaper } from "./reaper.ts";
import type { Gatherer, Job } from "./gatherer.ts";
import { reportInspection } from "./inspection.ts";
import { LiveOutput } from "./live-output.ts";
import { outcomeMessage } from "./message.ts";
import type { Packer } from "./packer.ts";
import type { Durations } from "./progress.ts";
import type { Held } from "./held.ts";
import type { Registry } from "./registry.ts";
import type { OcFact } from "../oc/output.ts";
import type { PipeStock } from "../oc/pipe-stock.ts";
import { watchSize } from "./size-watch.ts";
import { eventName, stateText } from "./step.ts";

/** How long it is tried while the service goes down: milliseconds. */
const REAP_AT_ONCE_MS = 15_000;

/** What a lifecycle needs. */
export interface LifecycleDeps {
  registry: Registry;
  gatherer: Gatherer;
  packer: Packer;
  /** What oc's output goes through comes from here. */
  pipes: PipeStock;
  /** Goes on where an ended gather left something in the cluster. */
  reaper: Reaper;
  events: Events;
  durations: Durations;
  /** Is told of each gather that has ended, once its record is settled. */
  ended: (entry: Entry) => void;
  log: Log;
  /** How much may still be fetched when the disk is full. */
  spareBytes: () => Promise<number>;
  workPath: string;
  timeoutGraceMs: number;
  stopGraceMs: number;
  /** What takes the secrets out of a gather; undefined where that is not asked for. */
  redactorFor?: (entry: Entry) => Redactor | undefined;
}

/** What is known of a live gather for its last sentence. */
interface Telling {
  /** Takes secrets out of what it prints, says and collects; one for all, so that tokens agree. */
  redactor: Redactor | undefined;
  troubles: string[];
  found: "data" | "fallback" | "nothing" | "unknown";
  /** Resolves when nothing works on its files any more. */
  packing: Promise<void> | undefined;
  ended: Promise<void>;
  end: () => void;
}

/** Lets gathers live: makes their actors, and keeps their entries in step with them. */
export class Lifecycle {
  readonly #deps: LifecycleDeps;
  readonly #telling = new Map<number, Telling>();
  readonly #machine: typeof gatherMachine;

  constructor(deps: LifecycleDeps) {
    this.#deps = deps;
    this.#machine = gatherMachine.provide({
      actors: {
        process: fromCallback<SignalEvent, ProcessInput>(
          ({ input, sendBack, receive }) => this.#process(input, sendBack, receive),
        ),
        salvage: fromPromise<void, SalvageInput>(({ input, signal }) =>
          this.#salvage(input, signal)
        ),
        reap: fromPromise<void, JobInput>(({ input, signal }) => this.#reap(input.id, signal)),
        pack: fromCallback<FinishEvent, PackInput>(
          ({ input, sendBack, receive }) => this.#pack(input, sendBack, receive),
        ),
      },
    });
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
    this.#reap(held.id, signal).catch((error) =>
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

  #job(held: Held): Job {
    return { entry: held.entry, folder: gatherFolder(this.#deps.workPath, held.id) };
  }

  #held(id: number): Held {
    const held = this.#deps.registry.get(id);
    if (!held) throw new Error(`there is no gather ${id}`);
    return held;
  }

  #trouble(held: Held, sentence: string): void {
    this.#deps.log.warn("gather in trouble", { id: held.id, reason: sentence });
    const troubles = this.#telling.get(held.id)?.troubles;
    if (troubles && troubles.length < 10) troubles.push(sentence);
  }

  #process(
    input: ProcessInput,
    sendBack: (event: GatherEvent) => void,
    receive: (listener: (event: SignalEvent) => void) => void,
  ): () => void {
    const { registry, gatherer } = this.#deps;
    const held = this.#held(input.id);
    const job = this.#job(held);
    const redactor = this.#telling.get(input.id)?.redactor;
    const shown = redactor?.live();
    let show: (stream: "stdout" | "stderr", block: Buffer) => boolean = () => true;
    const exited = (end: { code: number | null; orphans: boolean }) => {
      watching.abort();
      if (shown) show("stdout", Buffer.concat(shown.end()));
      sendBack({ type: "process.exited", code: end.code, orphans: end.orphans });
    };
    const watching = new AbortController();

    if (input.recovered) {
      const run = gatherer.adopt(job, { exited, fact: (fact) => this.#noteMade(held, fact) });
      receive(({ signal, target }) => run.signal(signal, target));
      return () => watching.abort();
    }

    let signalled = false;
    let run: ReturnType<Gatherer["start"]> | undefined;
    receive(({ signal, target }) => {
      signalled = true;
      run?.signal(signal, target);
    });
    const start = async () => {
      // Were it still `new` in the journal at a crash, the next life would start another and not look for this one. When the step is
      // done, and in the turn that it is made in: then it is written once.
      await Promise.resolve();
      registry.persistNow(held);
      await makeFolder(job.folder, this.#deps.pipes);
      if (signalled) return exited({ code: null, orphans: false });
      const output = new LiveOutput(job.folder.path, {
        drain: () => run?.resume(),
        error: (error) => this.#trouble(held, `The log of oc's output is cut: ${reasonOf(error)}`),
      }, redactor);
      held.output = output;
      show = (stream, block) => {
        if (block.length === 0) return true;
        const goOn = output.write(stream, block);
        held.entry.lines = output.lines;
        registry.progressed(held);
        this.#deps.events.output(held.id, block);
        return goOn;
      };
      run = gatherer.start(job, {
        started: (identity) => {
          held.entry.process = identity ?? null;
          registry.persist(held);
        },
        output: (stream, block) => {
          if (!shown) return show(stream, block);
          if (stream === "stderr") output.noteError(block);
          return show("stdout", Buffer.concat(shown.push(block)));
        },
        fact: (fact) => {
          if (fact.type === "collecting") sendBack({ type: "oc.collecting" });
          else if (fact.type === "copying") {
            sendBack({ type: "oc.copying" });
            watchSize(job.folder.tree, watching.signal, (bytes) => {
              held.entry.bytes = bytes;
              registry.progressed(held);
              sendBack({ type: "oc.copied" });
            });
          } else this.#noteMade(held, fact);
        },
        milestone: (milestone) => {
          if (hasEnded(held.entry)) return;
          this.#deps.durations.reached(held.id, milestone);
          registry.progressed(held);
        },
        exited,
        gone: () => sendBack({ type: "process.gone" }),
        trouble: (sentence) => this.#trouble(held, sentence),
      });
    };
    start().catch((error) => {
      this.#trouble(held, `The gather could not be started: ${reasonOf(error)}`);
      exited({ code: null, orphans: false });
    });
    return () => watching.abort();
  }

  /** What oc made must be known after a crash in this very moment: only the line that was just read names it. */
  #noteMade(held: Held, fact: OcFact): void {
    if (fact.type !== "created" && fact.type !== "deleted") return;
    if (noteMade(held, fact)) this.#deps.registry.persistNow(held);
  }

  async #salvage({ id, bounded }: SalvageInput, signal: AbortSignal): Promise<void> {
    const held = this.#held(id);
    const maxBytes = bounded ? await this.#deps.spareBytes() : undefined;
    await this.#deps.gatherer.salvage(
      this.#job(held),
      signal,
      (sentence) => this.#trouble(held, sentence),
      maxBytes,
    );
  }

  async #reap(id: number, signal: AbortSignal): Promise<void> {
    const held = this.#held(id);
    await this.#deps.gatherer.reap(this.#job(held), signal, (made) => {
      made.deleted = true;
      this.#deps.registry.persist(held);
    });
  }

  #pack(
    input: PackInput,
    sendBack: (event: GatherEvent) => void,
    receive: (listener: (event: FinishEvent) => void) => void,
  ): () => void {
    const held = this.#held(input.id);
    const giveUp = new AbortController();
    const finish = new AbortController();
    if (input.finish) finish.abort();
    receive(() => finish.abort());
    const telling = this.#telling.get(input.id);
    const pack = async () => {
      const packed = await this.#deps.packer.pack(this.#job(held), {
        signal: giveUp.signal,
        finish: finish.signal,
        redactor: telling?.redactor,
        trouble: (sentence) => this.#trouble(held, sentence),
      });
      if (giveUp.signal.aborted) return; // its record is settled without an archive
      if (telling) telling.found = packed.found;
      held.entry.archive = packed.archive;
      if (packed.redaction) held.entry.redaction = packed.redaction;
      sendBack(
        packed.damaged
          ? { type: "pack.failed", diskFull: packed.diskFull ?? false }
          : { type: "pack.done", found: packed.found },
      );
    };
    const packing = pack().catch((error) => {
      if (giveUp.signal.aborted) return;
      this.#trouble(held, `The archive could not be made: ${reasonOf(error)}`);
      sendBack({ type: "pack.failed", diskFull: isDiskFull(error) });
    });
    if (telling) telling.packing = packing;
    return () => giveUp.abort();
  }
}

/** The machine's snapshot as plain data. */
function persisted(held: Held): Record<string, unknown> | null {
  return held.actor
    ? held.actor.getPersistedSnapshot() as unknown as Record<string, unknown>
    : null;
}

/** Whether that is news. */
function noteMade(
  held: Held,
  fact: { type: "created" | "deleted"; kind: "namespace" | "clusterrolebinding"; name: string },
): boolean {
  const { made } = held.entry;
  const known = made.find((each) => each.kind === fact.kind && each.name === fact.name);
  if (fact.type === "deleted") {
    if (!known || known.deleted) return false;
    known.deleted = true;
  } else {
    if (known || made.length >= MOST_MADE) return false;
    made.push({ kind: fact.kind, name: fact.name, deleted: false, gone: false });
  }
  return true;
}

function isDiskFull(error: unknown): boolean {
  const code = error instanceof PackError ? error.code : (error as NodeJS.ErrnoException).code;
  return code === "ENOSPC" || code === "EDQUOT";
}
