/** Whether the service lives, and whether it can be used: no token, no gather's name. */
import { Hono } from "hono";
import { Problem } from "../problem.ts";

/** How the service tells itself from whatever else may listen on its port. */
export const SERVICE_NAME = "must-gather-service";

export interface HealthRoutesDeps {
  version: string;
  /** False before the journal is read and while draining; never for a full disk or an absent API server. */
  isReady: () => boolean;
}

/** `/`, `/healthz` and `/readyz`. */
export function healthRoutes({ version, isReady }: HealthRoutesDeps) {
  return new Hono()
    .get("/", (c) => {
      c.header("Vary", "Accept");
      return c.text("The must-gather service runs. POST must-gather starts a gather.\n");
    })
    .get("/healthz", (c) => c.json({ name: SERVICE_NAME, version, status: "ok" }))
    .get("/readyz", (c) => {
      if (!isReady()) {
        throw new Problem({
          status: 503,
          detail: "The service is starting or going down",
          headers: { "retry-after": "5" },
        });
      }
      return c.json({ name: SERVICE_NAME, version, status: "ready" });
    });
}
