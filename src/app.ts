/** The HTTP side: middleware, the one shape of errors, the routes. */
import { Hono, type MiddlewareHandler } from "hono";
import { methodNotAllowed } from "hono/method-not-allowed";
import type { AccessCheck } from "./auth/access.ts";
import { authenticate, type CallerVariables, withoutAuthentication } from "./auth/middleware.ts";
import { hostGuard, hostTest, siteGuard } from "./guards.ts";
import { crossOrigin } from "./headers.ts";
import type { Log } from "./log.ts";
import { reasonOf } from "./log.ts";
import type { Tally } from "./metrics/tally.ts";
import { Problem } from "./problem.ts";
import { archiveRoutes, type ArchiveRoutesDeps, hasGoodLink } from "./routes/archive.ts";
import { consoleRoutes, type ConsoleRoutesDeps } from "./routes/console.ts";
import { eventRoutes, type EventRoutesDeps } from "./routes/events.ts";
import { filesRoutes, type FilesRoutesDeps } from "./routes/files.ts";
import { gatherRoutes, type GatherRoutesDeps } from "./routes/gathers.ts";
import { healthRoutes, type HealthRoutesDeps } from "./routes/health.ts";
import { inspectorRoutes, type InspectorRoutesDeps } from "./routes/inspector.ts";
import { metricsRoutes, type MetricsRoutesDeps } from "./routes/metrics.ts";
import { openApiRoutes } from "./routes/openapi.ts";
import { targetRoutes, type TargetRoutesDeps } from "./routes/targets.ts";

export interface AppDeps
  extends
    GatherRoutesDeps,
    ArchiveRoutesDeps,
    ConsoleRoutesDeps,
    EventRoutesDeps,
    FilesRoutesDeps,
    HealthRoutesDeps,
    InspectorRoutesDeps,
    MetricsRoutesDeps,
    TargetRoutesDeps {
  log: Log;
  /** Who may call; undefined lets in whoever reaches the service. */
  access: AccessCheck | undefined;
  /** Is told the token of everyone who is let in. */
  welcome: (token: string) => void;
  /** The name or address in PORT. */
  configuredHost: string | undefined;
  corsOrigins: readonly string[];
  /** False until the journal is read: nothing is known of any gather before. */
  hasStarted: () => boolean;
}

/** Makes the app. It opens nothing: what it serves comes in as `deps`. */
export function createApp(deps: AppDeps) {
  const { log } = deps;
  const { access } = deps;
  const who = access
    ? authenticate(access, (url) => hasGoodLink(deps.registry, deps.links, url), deps.welcome)
    : withoutAuthentication();
  const host = access ? passOn : hostGuard(hostTest(deps.configuredHost));
  const app = new Hono<CallerVariables>({ strict: false });
  app.onError((error) => {
    if (error instanceof Problem) return error.toResponse();
    log.error("request failed", { reason: reasonOf(error), stack: error.stack });
    return new Problem({
      status: 500,
      detail: "The service failed at this request; its log says why",
    }).toResponse();
  });
  app.notFound(() =>
    new Problem({ status: 404, detail: "There is nothing here; GET must-gather lists the gathers" })
      .toResponse()
  );
  return app
    .use(logRequests(log, deps.tally))
    .use(crossOrigin(deps.corsOrigins))
    .use("/must-gather/*", gate(deps.hasStarted))
    .use("/", host)
    .use("/events", host)
    .use("/targets", gate(deps.hasStarted), host)
    .use("/inspect/service", host)
    .use("/must-gather/*", host)
    .use(siteGuard(deps.corsOrigins, access !== undefined))
    .use("/events", who)
    .use("/targets", who)
    .use("/inspect/service", who)
    .use("/must-gather/*", who)
    .use(methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) =>
        new Problem({
          status: 405,
          detail: `${c.req.method} is not possible here; use ${methods.join(", ")}`,
          headers: { allow: methods.join(", ") },
        }).toResponse(),
    }))
    .route("/", consoleRoutes(deps))
    .route("/", healthRoutes(deps))
    .route("/", metricsRoutes(deps))
    .route("/", openApiRoutes(deps))
    .route("/", gatherRoutes(deps))
    .route("/", archiveRoutes(deps))
    .route("/", filesRoutes(deps))
    .route("/", eventRoutes(deps))
    .route("/", targetRoutes(deps))
    .route("/", inspectorRoutes(deps));
}

const passOn: MiddlewareHandler = (_, next) => next();

/** Counts refusals, and tells of each request at `debug`; never its query, which may carry a signature. */
function logRequests(log: Log, tally: Tally): MiddlewareHandler {
  return async function logRequest(c, next) {
    const started = performance.now();
    await next();
    if (c.res.status >= 400) tally.refused(c.res.status);
    log.debug("request", {
      method: c.req.method,
      path: c.req.path,
      status: c.res.status,
      ms: Math.round((performance.now() - started) * 10) / 10,
    });
  };
}

function gate(hasStarted: () => boolean): MiddlewareHandler {
  return function waitForStart(_, next) {
    if (!hasStarted()) {
      throw new Problem({
        status: 503,
        detail: "The service is starting; try again in a moment",
        headers: { "retry-after": "1" },
      });
    }
    return next();
  };
}
