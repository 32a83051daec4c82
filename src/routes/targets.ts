/** What can be gathered of Forklift, for a form's pick list. */
import { Hono } from "hono";
import type { CallerVariables } from "../auth/middleware.ts";
import { listTargets, noTargets } from "../forklift/targets.ts";
import type { Plans } from "../forklift/plans.ts";
import type { Registry } from "../gathers/registry.ts";
import type { Asker, Askers } from "../kube/asker.ts";
import { type Log, reasonOf } from "../log.ts";
import type { Targets } from "../schema/targets.ts";

export interface TargetRoutesDeps {
  registry: Registry;
  askers: Pick<Askers, "of">;
  plans: Plans;
  log: Log;
}

/** `/targets`: with the caller's own rights, those of the service where nobody is asked who they are. */
export function targetRoutes({ registry, askers, plans, log }: TargetRoutesDeps) {
  return new Hono<CallerVariables>().get("/targets", async (c) => {
    c.header("Cache-Control", "private, no-cache");
    return c.json(await list(c.get("caller").token));
  });

  async function list(token: string | undefined): Promise<Targets> {
    let asker: Asker | undefined;
    try {
      asker = askers.of("", token);
    } catch (error) {
      log.debug("the cluster is not asked", { reason: reasonOf(error) });
      return noTargets(
        "The service has no credentials of its own that it could ask the cluster with",
      );
    }
    return asker
      ? await listTargets(asker, plans, registry.all())
      : noTargets("This service knows no cluster");
  }
}
