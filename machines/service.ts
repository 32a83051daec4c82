/** The life of the service: reading its journal, taking up what an earlier life left, serving, draining, stopped. */
import { assign, fromCallback, fromPromise, sendTo, setup } from "xstate";

export interface ServiceInput {
  /** All of a shutdown, in milliseconds. */
  drainGraceMs: number;
}

export interface ServiceContext extends ServiceInput {
  /** Why it could not start, for a person; `""` while nothing is wrong. */
  failure: string;
}

export type ServiceEvent =
  /** SIGTERM or SIGINT; a second one hurries. */
  | { type: "service.drain" }
  /** Nothing is left to wait for. */
  | { type: "drain.done" };

/** What the draining actor is told: no more time. */
export interface HurryEvent {
  type: "drain.hurry";
}

const notProvided = (name: string) => () => {
  throw new Error(`the actor "${name}" is not provided`);
};

export const serviceMachine = setup({
  types: {
    input: {} as ServiceInput,
    context: {} as ServiceContext,
    events: {} as ServiceEvent,
    tags: {} as "ready",
  },
  actors: {
    open: fromPromise<void>(notProvided("open")),
    recover: fromPromise<void>(notProvided("recover")),
    drain: fromCallback<HurryEvent>(notProvided("drain")),
  },
  actions: {
    noteFailure: assign({
      failure: (_, params: { error: unknown }) =>
        params.error instanceof Error ? params.error.message : String(params.error),
    }),
    hurryDrain: sendTo("drain", { type: "drain.hurry" }),
  },
  delays: {
    drainGrace: ({ context }) => context.drainGraceMs,
  },
}).createMachine({
  id: "service",
  context: ({ input }) => ({ ...input, failure: "" }),
  initial: "starting",
  states: {
    starting: {
      invoke: {
        src: "open",
        id: "open",
        onDone: "recovering",
        onError: {
          target: "failed",
          actions: { type: "noteFailure", params: ({ event }) => event },
        },
      },
      on: { "service.drain": "draining" },
    },
    recovering: {
      tags: "ready",
      invoke: { src: "recover", id: "recover", onDone: "serving", onError: "serving" },
      on: { "service.drain": "draining" },
    },
    serving: {
      tags: "ready",
      on: { "service.drain": "draining" },
    },
    draining: {
      invoke: { src: "drain", id: "drain", onError: "stopped" },
      after: { drainGrace: "stopped" },
      on: {
        "service.drain": { actions: "hurryDrain" },
        "drain.done": "stopped",
      },
    },
    stopped: { type: "final" },
    failed: { type: "final" },
  },
});
