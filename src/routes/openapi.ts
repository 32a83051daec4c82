/** What may be asked and what is answered, for programs: no token. */
import { Hono } from "hono";
import { lazily } from "../lazy.ts";

export interface OpenApiRoutesDeps {
  version: string;
  /** What loads the document's writer; a test's own. */
  importDocument?: () => Promise<Pick<typeof import("../openapi/document.ts"), "createDocument">>;
}

/** `/openapi.json`. What writes it takes memory, and is loaded when somebody asks; where that fails, when the next one does. */
export function openApiRoutes(
  { version, importDocument = () => import("../openapi/document.ts") }: OpenApiRoutesDeps,
) {
  const write = lazily(async () => {
    const { createDocument } = await importDocument();
    return JSON.stringify(createDocument(version));
  });
  return new Hono().get("/openapi.json", async (c) => {
    const text = await write();
    return c.body(text, 200, { "Content-Type": "application/json", "Cache-Control": "no-cache" });
  });
}
