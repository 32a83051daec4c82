/**
 * The life of one gather: waiting for a slot, oc at work, what was asked to stop it, and what is done in every case before
 * it ends: nothing of it left in the cluster, and what was collected packed.
 *
 * The machine says what may happen when; its actors, provided by `src/`, say how. The context holds what guards and delays
 * read and nothing that grows.
 */
import { assign, fromCallback, fromPromise, sendTo, setup } from "xstate";
import { type SignalEvent, stopMachine } from "./stop.ts";

/** Why a gather is an error; `""` while nothing is wrong. */
export type Reason =
  | ""
  | "cancelled"
  | "timeout"
  | "disk-full"
  | "interrupted"
  | "failed"
  | "no-data";

export interface GatherInput {
  /** Which gather it is; only the actors need to know. */
  id: number;
  /** How long oc may collect, in milliseconds. */
  timeoutMs: number;
  /** How much longer it may take when the image has to be pulled first, in milliseconds. */
  timeoutGraceMs: number;
  /** Between one signal to oc and the next, in milliseconds. */
  stopGraceMs: number;
}

export interface GatherContext extends GatherInput {
  /** What stopped it, and at the end why it is an error. */
  reason: Reason;
  /** Whether the process is one of an earlier life of the service, to be ended and not started. */
  recovered: boolean;
  /** `orphans`: the leader is dead, others of its group are not. */
  process: "alive" | "orphans" | "gone";
  /** oc's exit code; null before it ended and when a signal ended it. */
  exitCode: number | null;
  /** A second cancel came: do not pack. */
  discard: boolean;
  /** There is no time: pack no more than is in at once. */
  hurried: boolean;
}

export type GatherEvent =
  /** A slot is free. */
  | { type: "gather.start" }
  /** Boot found it live in the journal; `reason`: what had stopped it by then. */
  | { type: "gather.recover"; reason: Reason }
  /** It cannot run any more (its credentials went with the old process). */
  | { type: "gather.abandon" }
  /** The caller wants it ended; `keep`: and what the pods hold fetched first. */
  | { type: "gather.cancel"; keep: boolean }
  /** The service is going down; `salvage`: there is time to fetch what the pods hold. */
  | { type: "gather.interrupt"; graceMs: number; salvage: boolean }
  /** The service is going down and has no more time for it. */
  | { type: "gather.hurry" }
  /** The disk has no room for what comes. */
  | { type: "disk.full" }
  /** A pod prints: its image is pulled and at work. */
  | { type: "oc.collecting" }
  /** oc fetches what the pods collected. */
  | { type: "oc.copying" }
  /** More of it has arrived. */
  | { type: "oc.copied" }
  /** oc is dead; `orphans`: others of its process group are not. */
  | { type: "process.exited"; code: number | null; orphans: boolean }
  /** The orphans are dead too. */
  | { type: "process.gone" }
  | SignalEvent
  /** `fallback`: there is nothing but what oc's own fallback, `oc adm inspect`, brought. */
  | { type: "pack.done"; found: "data" | "fallback" | "nothing" }
  | { type: "pack.failed"; diskFull: boolean };

/** What every actor is started with. */
export interface JobInput {
  id: number;
}

/** What the process actor is started with. */
export interface ProcessInput extends JobInput {
  /** Take over the process of an earlier life of the service instead of starting one. */
  recovered: boolean;
}

/** What the salvaging actor is started with. */
export interface SalvageInput extends JobInput {
  /** The disk has little room: fetch no more than that leaves. */
  bounded: boolean;
}

/** What the packing actor is started with. */
export interface PackInput extends JobInput {
  /** As if it were told {@linkcode FinishEvent} at once. */
  finish: boolean;
}

/** What the packing actor is told: finish with what is in. */
export interface FinishEvent {
  type: "pack.finish";
}

const notProvided = (name: string) => () => {
  throw new Error(`the actor "${name}" is not provided`);
};

const gather = setup({
  types: {
    input: {} as GatherInput,
    context: {} as GatherContext,
    events: {} as GatherEvent,
    output: {} as { reason: Reason },
    tags: {} as "live" | "queued",
  },
  actors: {
    process: fromCallback<SignalEvent, ProcessInput>(notProvided("process")),
    stop: stopMachine,
    salvage: fromPromise<void, SalvageInput>(notProvided("salvage")),
    reap: fromPromise<void, JobInput>(notProvided("reap")),
    pack: fromCallback<FinishEvent, PackInput>(notProvided("pack")),
  },
  actions: {
    /** Whichever stopped it first stays the reason. */
    blame: assign({
      reason: ({ context }, params: { reason: Reason }) => context.reason || params.reason,
    }),
    noteStart: assign({ process: "alive" }),
    noteRecovery: assign({ process: "alive", recovered: true }),
    noteExit: assign({
      exitCode: (_, params: { code: number | null; orphans: boolean }) => params.code,
      process: (_, params) => params.orphans ? "orphans" : "gone",
    }),
    noteGone: assign({ process: "gone" }),
    noteDiscard: assign({ discard: true }),
    noteHurry: assign({ hurried: true }),
    shortenGrace: assign({
      stopGraceMs: ({ context }, params: { graceMs: number }) =>
        Math.min(context.stopGraceMs, params.graceMs),
    }),
    passSignal: sendTo("process", (_, params: SignalEvent) => params),
    tellLeaderExited: sendTo("stop", { type: "leader.exited" }),
    hurryStop: sendTo("stop", { type: "stop.hurry" }),
    finishPacking: sendTo("pack", { type: "pack.finish" }),
  },
  guards: {
    keeps: (_, params: { keep: boolean }) => params.keep,
    leavesOrphans: (_, params: { orphans: boolean }) => params.orphans,
    processIsGone: ({ context }) => context.process === "gone",
    isCancelled: ({ context }) => context.reason === "cancelled",
    isDiscarded: ({ context }) => context.discard,
    hasSucceeded: ({ context }, params: { found: string }) =>
      context.reason === "" && context.exitCode === 0 && params.found === "data",
    hasFailed: ({ context }) => context.exitCode !== 0,
    isDiskFull: (_, params: { diskFull: boolean }) => params.diskFull,
    isBounded: ({ context }) => context.reason === "disk-full",
  },
  delays: {
    /** Collecting, from the first line of a pod. */
    deadline: ({ context }) => context.timeoutMs,
    /** Collecting with all that comes before it. */
    overallDeadline: ({ context }) => context.timeoutMs + context.timeoutGraceMs,
    /** Nothing new while oc copies: 2 minutes (the contract's). */
    stall: 120_000,
    /** All of the copying: the timeout again. */
    copyLimit: ({ context }) => context.timeoutMs,
    /** Fetching what the pods hold: 60 s (the design's). */
    salvageLimit: 60_000,
    /** Removing what oc left in the cluster, before it goes on in the background: 60 s (the design's). */
    reapLimit: 60_000,
    /** 20 GiB, the largest WORK_LIMIT by default, at 10 MB/s. */
    packLimit: 2_100_000,
  },
});

/** What ends oc's work, whichever it is at. */
const atWork = gather.createStateConfig({
  on: {
    "gather.cancel": [
      {
        guard: { type: "keeps", params: ({ event }) => event },
        target: "salvaging",
        actions: { type: "blame", params: { reason: "cancelled" } },
      },
      {
        target: "stopping",
        actions: { type: "blame", params: { reason: "cancelled" } },
      },
    ],
    "gather.interrupt": [
      {
        guard: {
          type: "keeps",
          params: ({ event }) => ({ keep: event.salvage }),
        },
        target: "salvaging",
        actions: [
          { type: "blame", params: { reason: "interrupted" } },
          { type: "shortenGrace", params: ({ event }) => event },
        ],
      },
      {
        target: "stopping",
        actions: [
          { type: "blame", params: { reason: "interrupted" } },
          { type: "shortenGrace", params: ({ event }) => event },
        ],
      },
    ],
    "process.exited": [
      {
        guard: { type: "leavesOrphans", params: ({ event }) => event },
        target: "stopping",
        actions: { type: "noteExit", params: ({ event }) => event },
      },
      {
        target: "reaping",
        actions: { type: "noteExit", params: ({ event }) => event },
      },
    ],
  },
});

export const gatherMachine = gather.createMachine({
  id: "gather",
  context: ({ input }) => ({
    ...input,
    reason: "",
    recovered: false,
    process: "gone",
    exitCode: null,
    discard: false,
    hurried: false,
  }),
  output: ({ context }) => ({ reason: context.reason }),
  initial: "new",
  states: {
    new: {
      tags: ["live", "queued"],
      on: {
        "gather.start": { target: "inprogress", actions: "noteStart" },
        "gather.recover": {
          target: "inprogress.stopping",
          actions: [
            "noteRecovery",
            { type: "blame", params: ({ event }) => event },
            { type: "blame", params: { reason: "interrupted" } },
          ],
        },
        "gather.cancel": {
          target: "error",
          actions: { type: "blame", params: { reason: "cancelled" } },
        },
        "gather.abandon": {
          target: "error",
          actions: { type: "blame", params: { reason: "interrupted" } },
        },
      },
    },
    inprogress: {
      tags: "live",
      invoke: {
        src: "process",
        id: "process",
        input: ({ context }) => ({ id: context.id, recovered: context.recovered }),
        onError: {
          target: ".reaping",
          actions: { type: "noteExit", params: { code: null, orphans: false } },
        },
      },
      on: {
        "process.signal": {
          actions: { type: "passSignal", params: ({ event }) => event },
        },
      },
      initial: "gathering",
      states: {
        gathering: {
          after: {
            overallDeadline: {
              target: "salvaging",
              actions: { type: "blame", params: { reason: "timeout" } },
            },
          },
          on: {
            ...atWork.on,
            "oc.copying": "copying",
            "disk.full": {
              target: "salvaging",
              actions: { type: "blame", params: { reason: "disk-full" } },
            },
          },
          initial: "starting",
          states: {
            starting: { on: { "oc.collecting": "collecting" } },
            collecting: {
              after: {
                deadline: {
                  target: "#gather.inprogress.salvaging",
                  actions: { type: "blame", params: { reason: "timeout" } },
                },
              },
            },
          },
        },
        copying: {
          after: {
            copyLimit: {
              target: "salvaging",
              actions: { type: "blame", params: { reason: "timeout" } },
            },
          },
          on: {
            ...atWork.on,
            "disk.full": {
              target: "stopping",
              actions: { type: "blame", params: { reason: "disk-full" } },
            },
          },
          initial: "receiving",
          states: {
            receiving: {
              after: {
                stall: {
                  target: "#gather.inprogress.salvaging",
                  actions: { type: "blame", params: { reason: "timeout" } },
                },
              },
              on: { "oc.copied": { target: "receiving", reenter: true } },
            },
          },
        },
        salvaging: {
          invoke: {
            src: "salvage",
            id: "salvage",
            input: ({ context }) => ({
              id: context.id,
              bounded: context.reason === "disk-full",
            }),
            onDone: "salvaged",
            onError: "salvaged",
          },
          after: { salvageLimit: "salvaged" },
          on: {
            "gather.cancel": [
              { guard: { type: "keeps", params: ({ event }) => event } },
              { target: "salvaged" },
            ],
            "gather.interrupt": [
              {
                guard: {
                  type: "keeps",
                  params: ({ event }) => ({ keep: event.salvage }),
                },
                actions: { type: "shortenGrace", params: ({ event }) => event },
              },
              {
                target: "salvaged",
                actions: { type: "shortenGrace", params: ({ event }) => event },
              },
            ],
            "gather.hurry": { target: "salvaged", actions: "noteHurry" },
            "disk.full": [
              { guard: "isBounded" }, // it is told again and again; what is fetched keeps to what there is
              { target: "salvaged" },
            ],
            // Only here: once reaping has begun, the process stays gone whatever is heard of it.
            "process.exited": {
              actions: { type: "noteExit", params: ({ event }) => event },
            },
            "process.gone": { actions: "noteGone" },
          },
        },
        salvaged: {
          always: [
            { guard: "processIsGone", target: "reaping" },
            { target: "stopping" },
          ],
        },
        stopping: {
          invoke: {
            src: "stop",
            id: "stop",
            input: ({ context }) => ({
              graceMs: context.stopGraceMs,
              leaderDead: context.process === "orphans",
            }),
            onError: {}, // nothing of it can fail; the end of the process is what counts
          },
          on: {
            "gather.cancel": [
              { guard: "isCancelled", actions: "noteDiscard" },
              { actions: { type: "blame", params: { reason: "cancelled" } } },
            ],
            "gather.hurry": { actions: ["noteHurry", "hurryStop"] },
            "process.exited": [
              {
                guard: { type: "leavesOrphans", params: ({ event }) => event },
                actions: [
                  { type: "noteExit", params: ({ event }) => event },
                  "tellLeaderExited",
                ],
              },
              {
                target: "reaping",
                actions: { type: "noteExit", params: ({ event }) => event },
              },
            ],
            "process.gone": { target: "reaping", actions: "noteGone" },
          },
        },
        reaping: {
          invoke: {
            src: "reap",
            id: "reap",
            input: ({ context }) => ({ id: context.id }),
            onDone: "reaped",
            onError: "reaped",
          },
          after: { reapLimit: "reaped" },
          on: {
            "gather.cancel": [
              { guard: "isCancelled", actions: "noteDiscard" },
              { actions: { type: "blame", params: { reason: "cancelled" } } },
            ],
            "gather.hurry": { target: "reaped", actions: "noteHurry" },
          },
        },
        reaped: {
          always: [
            { guard: "isDiscarded", target: "#gather.error" },
            { target: "packing" },
          ],
        },
        packing: {
          invoke: {
            src: "pack",
            id: "pack",
            input: ({ context }) => ({ id: context.id, finish: context.hurried }),
            onError: {
              target: "#gather.error",
              actions: { type: "blame", params: { reason: "failed" } },
            },
          },
          after: {
            packLimit: {
              actions: [
                { type: "blame", params: { reason: "timeout" } },
                "finishPacking",
              ],
            },
          },
          on: {
            "gather.cancel": [
              { guard: "isCancelled", target: "#gather.error", actions: "noteDiscard" },
              {
                actions: [
                  { type: "blame", params: { reason: "cancelled" } },
                  "finishPacking",
                ],
              },
            ],
            "gather.hurry": {
              actions: [
                { type: "blame", params: { reason: "interrupted" } },
                "finishPacking",
              ],
            },
            "disk.full": [
              { guard: "isBounded" }, // it is told again and again; what was kept free is there for its archive
              {
                actions: [
                  { type: "blame", params: { reason: "disk-full" } },
                  "finishPacking",
                ],
              },
            ],
            "pack.done": [
              {
                guard: { type: "hasSucceeded", params: ({ event }) => event },
                target: "#gather.completed",
              },
              {
                guard: "hasFailed",
                target: "#gather.error",
                actions: { type: "blame", params: { reason: "failed" } },
              },
              {
                target: "#gather.error",
                actions: { type: "blame", params: { reason: "no-data" } },
              },
            ],
            "pack.failed": [
              {
                guard: { type: "isDiskFull", params: ({ event }) => event },
                target: "#gather.error",
                actions: { type: "blame", params: { reason: "disk-full" } },
              },
              {
                target: "#gather.error",
                actions: { type: "blame", params: { reason: "failed" } },
              },
            ],
          },
        },
      },
    },
    completed: { type: "final" },
    error: { type: "final" },
  },
});
