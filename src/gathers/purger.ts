/** Purging a gather: one that has ended at once, a live one when it has ended, also where a crash lies between. */
import type { Log } from "../log.ts";
import { reasonOf } from "../log.ts";
import { Problem } from "../problem.ts";
import type { Held } from "./held.ts";
import type { Registry } from "./registry.ts";
import { removeGather } from "./removal.ts";
import type { Runner } from "./runner.ts";

export interface PurgerDeps {
  registry: Registry;
  runner: Pick<Runner, "ended">;
  workPath: string;
  log: Log;
}

/** Purges gathers that somebody asked to be purged. */
export class Purger {
  readonly #deps: PurgerDeps;

  constructor(deps: PurgerDeps) {
    this.#deps = deps;
  }

  /** Removes an ended gather. Throws a `Problem` of status 409 while something of it stands in the cluster. */
  async purge(held: Held): Promise<void> {
    if (held.summary.leftovers > 0) {
      const { leftovers } = held.entry;
      throw new Problem({
        status: 409,
        detail:
          `This gather still has ${
            leftovers.join(" and ")
          } in the cluster, and its record is all that ` +
          `names it; delete that first: oc delete ${leftovers.join(" ")}`,
      });
    }
    await removeGather(held, this.#deps.registry, this.#deps.workPath);
  }

  /** Notes in the journal that a live gather goes when it has ended, and sees to that. */
  purgeAtEnd(held: Held): void {
    const { entry } = held;
    if (entry.purge) return; // somebody waits for that already
    entry.purge = true;
    this.#deps.registry.persistNow(held); // before the caller is told that it will be
    this.resume(held);
  }

  /** Purges a gather, once it has ended, of which that was asked before, maybe in an earlier life of the service. */
  resume(held: Held): void {
    this.#deps.runner.ended(held).then(() => this.purge(held)).catch((error: unknown) =>
      this.#deps.log.warn("a gather stays that was to be purged", {
        id: held.id,
        reason: reasonOf(error),
      })
    );
  }
}
