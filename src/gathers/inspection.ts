/** Looking into the machines while they run, and telling them things: for developers. */
import { isDeepStrictEqual } from "node:util";
import type { AnyMachineSnapshot, InspectionEvent } from "xstate";
import type { GatherEvent } from "../../machines/gather.ts";
import type { Events } from "./events.ts";
import type { Held } from "./held.ts";
import { eventName, stateText } from "./step.ts";

/**
 * What may be sent to a gather from outside, with all that may stand in it. What only its own parts can know (that the process
 * has ended, that the archive is made) is not: the machine believes it, and would leave a process or a record without an archive.
 */
const SENDABLE: { readonly [T in GatherEvent["type"]]: readonly GatherEvent[] } = {
  "gather.start": [{ type: "gather.start" }],
  "gather.recover": [{ type: "gather.recover", reason: "" }],
  "gather.abandon": [{ type: "gather.abandon" }],
  "gather.cancel": [
    { type: "gather.cancel", keep: false },
    { type: "gather.cancel", keep: true },
  ],
  "gather.interrupt": [
    { type: "gather.interrupt", graceMs: 5_000, salvage: false },
    { type: "gather.interrupt", graceMs: 5_000, salvage: true },
  ],
  "gather.hurry": [{ type: "gather.hurry" }],
  "disk.full": [{ type: "disk.full" }],
  "oc.collecting": [{ type: "oc.collecting" }],
  "oc.copying": [{ type: "oc.copying" }],
  "oc.copied": [{ type: "oc.copied" }],
  "process.signal": [
    { type: "process.signal", signal: "SIGINT", target: "leader" },
    { type: "process.signal", signal: "SIGTERM", target: "leader" },
    { type: "process.signal", signal: "SIGKILL", target: "group" },
  ],
  "process.exited": [],
  "process.gone": [],
  "pack.done": [],
  "pack.failed": [],
};

/** What a developer sees of one gather's machine. */
export interface Inspected {
  id: number;
  state: string;
  tags: string[];
  /** XState's own, with those of the actors it has started; null when the gather has ended. */
  snapshot: unknown;
  /** What can be sent and would do something now. */
  accepts: GatherEvent[];
}

/** Looks into one. */
export function inspectGather({ entry, actor }: Held): Inspected {
  const snapshot = actor?.getSnapshot();
  return {
    id: entry.id,
    state: entry.state,
    tags: [...snapshot?.tags ?? []],
    snapshot: actor?.getPersistedSnapshot() ?? null,
    accepts: Object.values(SENDABLE).flat().filter((event) => snapshot?.can(event)),
  };
}

/** The event that somebody asks to have sent; undefined where it is none that may be. */
export function findSendable(asked: unknown): GatherEvent | undefined {
  return Object.values(SENDABLE).flat().find((event) => isDeepStrictEqual(event, asked));
}

/**
 * Tells those who watch what XState's `inspect` says of a machine and the machines in it. Nothing is kept, and where nobody
 * watches nothing is done.
 *
 * @param id the gather's; null for the service's own
 */
export function reportInspection(events: Events, id: number | null, event: InspectionEvent): void {
  if (event.type !== "@xstate.snapshot" || !events.isWatched) return;
  const { value, machine } = event.snapshot as Partial<AnyMachineSnapshot>;
  if (machine === undefined) return; // a promise or a process
  const at = new Date().toISOString();
  const name = eventName(event.event.type);
  events.inspected(id, { machine: machine.id, at, event: name, state: stateText(value) });
}
