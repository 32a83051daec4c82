/** Types that the typed client (`src/client.ts`) reads off the routes. Nothing of it is there at run time. */
import type { Context, TypedResponse } from "hono";
import type { StatusCode } from "hono/utils/http-status";
import type { CallerVariables } from "../auth/middleware.ts";

/** What a handler of `Path` is asked with: `Sent` by a client, checked by the handler itself. */
export type Asked<Path extends string, Sent extends object> = Context<
  CallerVariables,
  Path,
  { in: Sent; out: Sent }
>;

/** A reply whose JSON is written already, as what is in it. */
export type JsonReply<Body, Status extends StatusCode> =
  & Response
  & TypedResponse<Body, Status, "json">;

/** Says what is in the JSON of a reply. Nobody checks that here; the tests hold replies against the OpenAPI document. */
export function asJson<Body, Status extends StatusCode>(reply: Response): JsonReply<Body, Status> {
  return reply as JsonReply<Body, Status>;
}
