/** The service in numbers: no token, no gather's name. */
import { Hono } from "hono";
import type { Metrics } from "../metrics/metrics.ts";

export interface MetricsRoutesDeps {
  metrics: Pick<Metrics, "read">;
}

/** `/metrics`. */
export function metricsRoutes({ metrics }: MetricsRoutesDeps) {
  return new Hono().get("/metrics", async (c) => {
    const { text, contentType } = await metrics.read();
    return c.body(text, 200, { "Content-Type": contentType, "Cache-Control": "no-store" });
  });
}
