/** The inspector: its page, and looking into the machines while they run. */
import { Hono } from "hono";
import type { Caller, CallerVariables } from "../auth/middleware.ts";
import { hasEnded } from "../gathers/entry.ts";
import { findSendable, inspectGather } from "../gathers/inspection.ts";
import type { Lifecycle } from "../gathers/lifecycle.ts";
import type { Held } from "../gathers/held.ts";
import type { Registry } from "../gathers/registry.ts";
import type { Log } from "../log.ts";
import { badRequest, Problem } from "../problem.ts";
import { audit } from "./audit.ts";
import { readBody } from "./body.ts";
import { type ConsoleRoutesDeps, sendFile } from "./console.ts";
import { findGatherById } from "./lookup.ts";

export interface InspectorRoutesDeps extends ConsoleRoutesDeps {
  registry: Registry;
  lifecycle: Pick<Lifecycle, "send">;
  /** Whether events may be sent to machines. */
  inspectSend: boolean;
  /** The snapshot of the service's own machine, with its state as a text. */
  inspectService: () => object;
  log: Log;
}

/** `/inspect`, which needs no token and names no gather, and `/inspect/service` and `/must-gather/:id/machine`, which need one. */
export function inspectorRoutes(deps: InspectorRoutesDeps) {
  const { registry, lifecycle, inspectSend, log } = deps;

  return new Hono<CallerVariables>()
    .get("/inspect", async (c, next) => {
      // From below a slash the page's addresses would mean something else.
      if (new URL(c.req.url).pathname.endsWith("/")) {
        return c.text("../inspect\n", 308, { "location": "../inspect" });
      }
      const page = (await deps.console()).get("inspect.html");
      return page ? sendFile(page, c.req.raw.headers, "Accept-Encoding") : await next();
    })
    .get("/inspect/service", (c) => {
      c.header("Cache-Control", "no-store");
      return c.json({ ...deps.inspectService(), "may-send": inspectSend });
    })
    .get("/must-gather/:id/machine", (c) => {
      c.header("Cache-Control", "no-store");
      return c.json(inspectGather(findGatherById(c, registry)));
    })
    .post("/must-gather/:id/machine", async (c) => {
      if (!inspectSend) {
        throw new Problem({
          status: 403,
          detail: "Events are not sent from here; npm run dev starts a service that lets you",
        });
      }
      const held = findGatherById(c, registry);
      const event = await readEvent(c.req.raw);
      refuseUnlessAccepted(held, event);
      tell(held, event, c.get("caller"));
      c.header("Cache-Control", "no-store");
      return c.json(inspectGather(held), 202);
    });

  function tell(held: Held, event: Parameters<Lifecycle["send"]>[1], caller: Caller): void {
    audit(log, caller, `sent ${event.type}`, held);
    lifecycle.send(held, event);
  }
}

async function readEvent(request: Request) {
  if (!/^application\/json\s*(?:;|$)/i.test(request.headers.get("content-type") ?? "")) {
    throw new Problem({
      status: 415,
      detail: "Send the event as JSON, with Content-Type: application/json",
    });
  }
  const text = new TextDecoder().decode(await readBody(request));
  let asked: unknown;
  try {
    asked = JSON.parse(text);
  } catch {
    throw badRequest("The body is not well-formed JSON; check its quotes, commas and braces");
  }
  const event = findSendable(asked);
  if (event === undefined) {
    throw badRequest(
      "This is no event that may be sent; GET …/machine lists under accepts those that may, word for word",
    );
  }
  return event;
}

function refuseUnlessAccepted(held: Held, event: Parameters<Lifecycle["send"]>[1]): void {
  if (held.actor?.getSnapshot().can(event)) return;
  throw new Problem({
    status: 409,
    detail: hasEnded(held.entry)
      ? "This gather has ended; its machine takes no more events"
      : `${event.type} does nothing in the state ${held.entry.state}; GET …/machine lists under accepts what does`,
  });
}
