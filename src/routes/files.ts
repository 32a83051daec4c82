/** Looking into archives: what is in one, and one file of it, without downloading the rest. */
import { Hono } from "hono";
import type { CallerVariables } from "../auth/middleware.ts";
import { lazily } from "../lazy.ts";
import type { FileRepliesDeps } from "./file-replies.ts";

export type FilesRoutesDeps = FileRepliesDeps;

/** `/must-gather/:id/files` and `/must-gather/:id/files/<path>`. What answers is loaded with the first who looks. */
export function filesRoutes(deps: FilesRoutesDeps) {
  const replies = lazily(async () => {
    const { createFileReplies } = await import("./file-replies.ts");
    return createFileReplies(deps);
  });
  return new Hono<CallerVariables>()
    .get("/must-gather/:id/files", async (c) => (await replies()).list(c))
    .get("/must-gather/:id/files/:path{.+}", async (c) => (await replies()).file(c));
}
