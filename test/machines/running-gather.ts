/** A running gather with a fake clock, whose parts do what a test says. */
import assert from "node:assert/strict";
import { createActor, fromCallback, fromPromise, SimulatedClock, waitFor } from "xstate";
import {
  type FinishEvent,
  type GatherEvent,
  type GatherInput,
  gatherMachine,
  type JobInput,
  type PackInput,
  type ProcessInput,
  type SalvageInput,
} from "../../machines/gather.ts";
import type { SignalEvent } from "../../machines/stop.ts";
import { advance } from "./clock.ts";
import { nameOf } from "./paths.ts";

/** In milliseconds. */
export const minute = 60_000;
/** The defaults of the contract: 20 minutes to collect, 5 more for the image, 10 s between signals. */
export const input: GatherInput = {
  id: 7,
  timeoutMs: 20 * minute,
  timeoutGraceMs: 5 * minute,
  stopGraceMs: 10_000,
};

/** The end of oc, with what is left of its process group. */
export const exited = (code: number | null, orphans = false): GatherEvent => ({
  type: "process.exited",
  code,
  orphans,
});
/** A caller's wish to end it. */
export const cancel = (keep = false): GatherEvent => ({ type: "gather.cancel", keep });
/** The service going down. */
export const interrupt = (graceMs: number, salvage = false): GatherEvent => ({
  type: "gather.interrupt",
  graceMs,
  salvage,
});
/** What oc says until it copies. */
export const copying = [{ type: "oc.collecting" }, { type: "oc.copying" }] as const;

/**
 * A gather whose parts do what the test says, with the real stop machine. `log` has what they were started with and told,
 * signals with the second they came in; each of `parts` settles the promise of that name.
 */
export function begin() {
  const clock = new SimulatedClock();
  const log: string[] = [];
  const parts = {
    salvage: Promise.withResolvers<void>(),
    reap: Promise.withResolvers<void>(),
  };
  const machine = gatherMachine.provide({
    actors: {
      process: fromCallback<SignalEvent, ProcessInput>(({ receive, input: { id, recovered } }) => {
        log.push(`process ${id}${recovered ? " recovered" : ""}`);
        receive(({ signal, target }) => log.push(`${clock.now() / 1_000} ${signal} ${target}`));
      }),
      salvage: fromPromise<void, SalvageInput>(({ signal, input: { id, bounded } }) => {
        log.push(`salvage ${id}${bounded ? " bounded" : ""}`);
        signal.addEventListener("abort", () => log.push("salvage aborted"));
        return parts.salvage.promise;
      }),
      reap: fromPromise<void, JobInput>(({ signal, input: { id } }) => {
        log.push(`reap ${id}`);
        signal.addEventListener("abort", () => log.push("reap aborted"));
        return parts.reap.promise;
      }),
      pack: fromCallback<FinishEvent, PackInput>(({ receive, input: { id } }) => {
        log.push(`pack ${id}`);
        receive(({ type }) => log.push(type));
        return () => log.push("pack ended");
      }),
    },
  });
  const actor = createActor(machine, { clock, input }).start();
  const state = () => nameOf(actor.getSnapshot().value);
  const gather = {
    log,
    parts,
    state,
    context: () => actor.getSnapshot().context,
    pass: (ms: number) => advance(clock, ms),
    send: (...events: readonly GatherEvent[]) => events.forEach((event) => actor.send(event)),
    comesTo: (name: string) =>
      waitFor(actor, ({ value }) => nameOf(value) === name, { timeout: 2_000 }),
    /** From reaping into packing. */
    reaps: async () => {
      assert.equal(state(), "inprogress.reaping");
      parts.reap.resolve();
      await gather.comesTo("inprogress.packing");
    },
    ends: (name: "completed" | "error", reason: string) =>
      assert.deepEqual([state(), actor.getSnapshot().output], [name, { reason }]),
    clear: () => log.splice(0),
  };
  return gather;
}

/** A gather that runs and has been told these. */
export function started(...events: readonly GatherEvent[]) {
  const gather = begin();
  gather.send({ type: "gather.start" });
  gather.clear();
  gather.send(...events);
  return gather;
}

/** A gather that packs what a process which ended with `code` brought. */
export async function packing(code: number | null, ...events: readonly GatherEvent[]) {
  const gather = started(...events, exited(code));
  await gather.reaps();
  gather.clear();
  return gather;
}
