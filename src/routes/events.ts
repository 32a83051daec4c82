/** Server-sent events: what happens to one gather, or to all. */
import { Hono } from "hono";
import type { CallerVariables } from "../auth/middleware.ts";
import type { Event, Events, EventType } from "../gathers/events.ts";
import type { Registry } from "../gathers/registry.ts";
import { badRequest, Problem } from "../problem.ts";
import { findGather } from "./lookup.ts";

/** A comment goes out so often, so that proxies and readers know that the connection lives: milliseconds (the contract's). */
const COMMENT_MS = 15_000;

/** What may wait for a slow reader before it is dropped, in bytes: it resumes with what it has seen last. */
const MOST_WAITING = 1024 * 1024;

/** How many readers there may be. */
const MOST_READERS = 500;

const TYPES: readonly EventType[] = ["transition", "progress", "log", "machine"];

/** What a reader gets that names none. */
const USUAL: readonly EventType[] = ["transition", "progress", "log"];

export interface EventRoutesDeps {
  registry: Registry;
  events: Events;
  /** Aborts when the service ends: who follows is let go. */
  ending: AbortSignal;
}

/** `/events` and `/must-gather/:id/events`. */
export function eventRoutes({ registry, events, ending }: EventRoutesDeps) {
  let readers = 0;

  const reply = (id: number | undefined, last: string | undefined, types: string | undefined) => {
    const wanted = new Set(
      types === undefined ? USUAL : TYPES.filter((type) => types.split(",").includes(type)),
    );
    if (wanted.size === 0) throw badRequest(`types: must be some of ${TYPES.join(", ")}`);
    if (readers >= MOST_READERS) {
      throw new Problem({
        status: 503,
        detail: `${MOST_READERS} readers follow events already; poll instead, or try again later`,
        headers: { "retry-after": "30" },
      });
    }
    readers++;
    return new Response(stream(events, id, last, wanted, ending, () => readers--), {
      headers: {
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      },
    });
  };

  return new Hono<CallerVariables>()
    .get("/events", (c) => {
      if (c.req.method === "HEAD") return c.body(null);
      return reply(undefined, c.req.header("last-event-id"), c.req.query("types"));
    })
    .get("/must-gather/:id/events", (c) => {
      const { entry } = findGather(c, registry);
      if (c.req.method === "HEAD") return c.body(null);
      return reply(entry.id, c.req.header("last-event-id"), c.req.query("types"));
    });
}

/** The events since `last` and all that come, until the reader goes away or stops reading. */
function stream(
  events: Events,
  id: number | undefined,
  last: string | undefined,
  types: ReadonlySet<EventType>,
  ending: AbortSignal,
  ended: () => void,
): ReadableStream<Uint8Array> {
  let leave = () => {};
  let timer: NodeJS.Timeout | undefined;
  let close = () => {};
  const end = () => {
    leave();
    clearInterval(timer);
    ending.removeEventListener("abort", close);
    ended();
    leave = () => {};
    ended = () => {};
  };
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (bytes: Uint8Array) => {
        if ((controller.desiredSize ?? 0) > 0) return controller.enqueue(bytes);
        end();
        controller.enqueue(
          text(
            'event: dropped\ndata: {"detail":"This reader is too slow; come back with Last-Event-ID"}\n\n',
          ),
        );
        controller.close();
      };
      const take = (event: Event) => send(event.bytes);
      const following = events.follow({ id, types, take }, last);
      leave = following.leave;
      close = () => {
        end();
        controller.close();
      };
      ending.addEventListener("abort", close, { once: true });
      controller.enqueue(text("retry: 2000\n\n"));
      if (following.missed === undefined) {
        controller.enqueue(
          text('event: reset\ndata: {"detail":"Events are missing in between; look afresh"}\n\n'),
        );
      } else for (const event of following.missed) controller.enqueue(event.bytes);
      timer = setInterval(() => send(text(":\n\n")), COMMENT_MS).unref();
      if (ending.aborted) close();
    },
    cancel: end,
  }, new ByteLengthQueuingStrategy({ highWaterMark: MOST_WAITING }));
}

function text(line: string): Uint8Array {
  return new TextEncoder().encode(line);
}
