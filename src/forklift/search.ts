import type { Asker } from "../kube/asker.ts";
import type { Plans } from "./plans.ts";

/** Where something is searched for. */
export interface Search {
  readonly asker: Asker;
  readonly plans: Plans;
  /** On the clock of `performance.now()`. */
  readonly deadline: number;
  /** Of the plan that the custom name `plan:<name>:<uid>` means. */
  readonly planUid: string | undefined;
}

/** What a search gave: one thing, or a sentence on why not. */
export type Found<T> = { readonly one: T } | { readonly note: string };
