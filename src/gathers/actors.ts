/** What the machine of a gather starts: its oc, fetching what its pods hold, removing what it made, packing what it collected. */
import { fromCallback, fromPromise } from "xstate";
import { codeOf } from "../errors.ts";
import type {
  FinishEvent,
  GatherEvent,
  JobInput,
  PackInput,
  ProcessInput,
  SalvageInput,
} from "../../machines/gather.ts";
import type { SignalEvent } from "../../machines/stop.ts";
import type { Log } from "../log.ts";
import { reasonOf } from "../log.ts";
import type { OcFact } from "../oc/output.ts";
import { hasEnded, MOST_MADE } from "./entry.ts";
import type { Events } from "./events.ts";
import { gatherFolder, makeFolder } from "./folders.ts";
import type { Gatherer, Job } from "./gatherer.ts";
import type { Held } from "./held.ts";
import { LiveOutput } from "./live-output.ts";
import type { Packer } from "./packer.ts";
import type { Durations } from "./progress.ts";
import type { Registry } from "./registry.ts";
import { watchSize } from "./size-watch.ts";
import type { Telling } from "./telling.ts";

/** What these actors need. */
export interface ActorDeps {
  registry: Registry;
  gatherer: Gatherer;
  packer: Packer;
  events: Events;
  durations: Durations;
  log: Log;
  /** How much may still be fetched when the disk is full. */
  spareBytes: () => Promise<number>;
  workPath: string;
}

/** The actors of gathers. */
export class GatherActors {
  readonly #deps: ActorDeps;
  readonly #tellingOf: (id: number) => Telling | undefined;

  /** @param tellingOf what is known of a live gather */
  constructor(deps: ActorDeps, tellingOf: (id: number) => Telling | undefined) {
    this.#deps = deps;
    this.#tellingOf = tellingOf;
  }

  /** For the machine to be provided with. */
  provide() {
    return {
      process: fromCallback<SignalEvent, ProcessInput>(
        ({ input, sendBack, receive }) => this.#process(input, sendBack, receive),
      ),
      salvage: fromPromise<void, SalvageInput>(({ input, signal }) => this.#salvage(input, signal)),
      reap: fromPromise<void, JobInput>(({ input, signal }) => this.reap(input.id, signal)),
      pack: fromCallback<FinishEvent, PackInput>(
        ({ input, sendBack, receive }) => this.#pack(input, sendBack, receive),
      ),
    };
  }

  #process(
    input: ProcessInput,
    sendBack: (event: GatherEvent) => void,
    receive: (listener: (event: SignalEvent) => void) => void,
  ): () => void {
    const { registry, gatherer } = this.#deps;
    const held = this.#held(input.id);
    const job = this.#job(held);
    const redactor = this.#tellingOf(input.id)?.redactor;
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
      await makeFolder(job.folder);
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

  /** Removes from the cluster what a gather made there. Rejects where something stays. */
  async reap(id: number, signal: AbortSignal): Promise<void> {
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
    const telling = this.#tellingOf(input.id);
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
    const troubles = this.#tellingOf(held.id)?.troubles;
    if (troubles && troubles.length < 10) troubles.push(sentence);
  }
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
  const code = codeOf(error);
  return code === "ENOSPC" || code === "EDQUOT";
}
