/**
 * The service's routes as typed calls, for programs in TypeScript:
 *
 *     const service = createClient("https://must-gather.example/", { headers: { authorization } });
 *     const reply = await service["must-gather"].$post({ json: { timeout: "10m" } });
 *     if (reply.status === 201) console.log((await reply.json()).id);
 *
 * Paths, parameters and replies are those of `createApp()`: a route that changes does not compile here. A refusal comes as any
 * reply does; look at its status first. Parameters of a path go in as they are: encode custom names.
 */
import { type ClientRequestOptions, hc } from "hono/client";
import type { createApp } from "./app.ts";

/** The app, for its types. */
export type App = ReturnType<typeof createApp>;

/** Makes a client of the service at `base`, which may have a path. `options` are hono's: headers, another `fetch`. */
export function createClient(base: string, options?: ClientRequestOptions) {
  return hc<App>(base, options);
}

/** See {@linkcode createClient}. */
export type Client = ReturnType<typeof createClient>;
