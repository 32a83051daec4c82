/** Finding the gather that a path names. */
import type { Context } from "hono";
import type { Held } from "../gathers/held.ts";
import type { Registry } from "../gathers/registry.ts";
import { Problem } from "../problem.ts";

/** The id in a text that is one; undefined for a name. */
export function idOf(text: string): number | undefined {
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined;
}

/** The gather with that number, else the newest with that custom name. */
export function gatherCalled(name: string, registry: Registry): Held | undefined {
  const id = idOf(name);
  return (id === undefined ? undefined : registry.get(id)) ?? registry.newestNamed(name);
}

/**
 * The gather with the number in the path, else the newest with that custom name. Clients do not all encode names: the segment is
 * also tried as it came.
 *
 * Throws a `Problem` of status 404.
 */
export function findGather(c: Context, registry: Registry): Held {
  const name = c.req.param("id") ?? "";
  const held = gatherCalled(name, registry) ?? registry.newestNamed(rawSegment(c));
  if (!held || name === "") throw noSuchGather();
  return held;
}

function rawSegment(c: Context): string {
  return new URL(c.req.url).pathname.split("/")[2] ?? "";
}

/** As {@linkcode findGather}, by number only: for what must not hit another than the one meant. */
export function findGatherById(c: Context, registry: Registry): Held {
  const id = idOf(c.req.param("id") ?? "");
  const held = id === undefined ? undefined : registry.get(id);
  if (!held) throw noSuchGather();
  return held;
}

/** No gather is, or is any more, what a path names. */
export function noSuchGather(): Problem {
  return new Problem({
    status: 404,
    detail: "There is no such gather; GET must-gather lists those there are",
  });
}
