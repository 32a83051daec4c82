import PQueue from "p-queue";
import { ExpiringCache } from "../expiring-cache.ts";
import type { Asker } from "../kube/asker.ts";
import { type ListTrouble, readList } from "../kube/list.ts";
import { type Plan, PLANS, readPlan } from "./plan.ts";

/** All plans of a cluster that somebody may see, by namespace and name. */
export interface PlanList {
  readonly plans: readonly Plan[];
  /** Why these are not all; `undefined` where they are. */
  readonly trouble: ListTrouble | undefined;
}

/** How long a list is kept for the one who asked: the form is filled in, then sent. Milliseconds. */
const KEEP_MS = 5_000;
/** What could not be read is asked for again after this: milliseconds. */
const KEEP_TROUBLE_MS = 1_000;
/** Lists that are kept, one a caller and cluster; one of 5,000 plans has some megabytes. */
const MOST_KEPT = 10;
/** Lists that are read at once; each holds a page in memory. */
const MOST_READING = 2;
/** Plans of one list; more than Forklift is known to run with. */
const MOST_PLANS = 20_000;

/** What of one list is read at most. */
export interface PlanBounds {
  /** @default that of {@linkcode readList} */
  readonly maxBytes?: number;
  /** @default 20,000 */
  readonly maxPlans?: number;
}

/** Reads the plans of clusters. Who asks again within seconds, or meanwhile, gets the same list. */
export class Plans {
  readonly #bounds: PlanBounds;
  readonly #kept = new ExpiringCache<PlanList>(MOST_KEPT, () => performance.now());
  readonly #reading = new Map<string, Promise<PlanList>>();
  readonly #queue = new PQueue({ concurrency: MOST_READING });

  constructor(bounds: PlanBounds = {}) {
    this.#bounds = bounds;
  }

  /**
   * All plans that `asker` may see, within `timeoutMs`: what was read until then. Never rejects.
   *
   * One that waits for another's reading waits no longer than its own time.
   */
  async all(asker: Asker, timeoutMs: number): Promise<PlanList> {
    const kept = this.#kept.get(asker.key);
    if (kept) return kept;
    let reading = this.#reading.get(asker.key);
    if (!reading) {
      const deadline = performance.now() + timeoutMs;
      reading = this.#queue.add(() => read(asker, deadline, this.#bounds)).then((list) => {
        this.#kept.set(asker.key, list, list.trouble === undefined ? KEEP_MS : KEEP_TROUBLE_MS);
        return list;
      }).finally(() => this.#reading.delete(asker.key));
      this.#reading.set(asker.key, reading);
    }
    return await within(reading, timeoutMs) ?? { plans: [], trouble: "slow" };
  }
}

async function read(
  asker: Asker,
  deadline: number,
  { maxBytes, maxPlans = MOST_PLANS }: PlanBounds,
): Promise<PlanList> {
  const plans: Plan[] = [];
  let isTooMuch = false;
  const options = { token: asker.token, deadline, ...(maxBytes === undefined ? {} : { maxBytes }) };
  const trouble = await readList(asker.api, PLANS, options, (item) => {
    const plan = readPlan(item);
    if (plan && plans.length < maxPlans) plans.push(plan);
    else isTooMuch ||= plan !== undefined;
  });
  return { plans, trouble: trouble ?? (isTooMuch ? "too-much" : undefined) };
}

/** What a promise gives, `undefined` when that takes longer. */
async function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
