/**
 * Ending one process group: ask (SIGINT), insist (SIGTERM), kill (SIGKILL to the whole group).
 *
 * The first two go to the leader alone: an oc that cleans up after the first signal (4.22) needs its rsync until then, and a
 * second signal within the grace would make it die without cleaning. What a dead leader leaves behind is killed.
 *
 * It has no end of its own: its parent stops it when nobody of the group is left but zombies.
 */
import { assign, sendParent, setup } from "xstate";

/** A signal and whom it is for; the parent hands it to the process. */
export interface SignalEvent {
  type: "process.signal";
  signal: "SIGINT" | "SIGTERM" | "SIGKILL";
  target: "leader" | "group";
}

export interface StopInput {
  /** Between one signal and the next, in milliseconds. */
  graceMs: number;
  /** Whether the leader is dead already and only what it left behind runs on. */
  leaderDead: boolean;
}

export type StopEvent =
  /** The leader is dead; others of its group are not. */
  | { type: "leader.exited" }
  /** No time left to ask. */
  | { type: "stop.hurry" };

export const stopMachine = setup({
  types: {
    input: {} as StopInput,
    context: {} as StopInput,
    events: {} as StopEvent,
  },
  actions: {
    signal: sendParent((_, params: Omit<SignalEvent, "type">): SignalEvent => ({
      type: "process.signal",
      ...params,
    })),
    noteLeaderDead: assign({ leaderDead: true }),
  },
  guards: {
    leaderIsDead: ({ context }) => context.leaderDead,
  },
  delays: {
    grace: ({ context }) => context.graceMs,
  },
}).createMachine({
  id: "stop",
  context: ({ input }) => input,
  initial: "choosing",
  states: {
    choosing: {
      always: [
        { guard: "leaderIsDead", target: "killing" },
        { target: "asking" },
      ],
    },
    asking: {
      entry: { type: "signal", params: { signal: "SIGINT", target: "leader" } },
      after: { grace: "insisting" },
    },
    insisting: {
      entry: { type: "signal", params: { signal: "SIGTERM", target: "leader" } },
      after: { grace: "killing" },
    },
    killing: {
      entry: { type: "signal", params: { signal: "SIGKILL", target: "group" } },
      after: { grace: { target: "killing", reenter: true } },
      on: { "stop.hurry": {}, "leader.exited": { actions: "noteLeaderDead" } },
    },
  },
  on: {
    "leader.exited": { target: ".killing", actions: "noteLeaderDead" },
    "stop.hurry": ".killing",
  },
});
