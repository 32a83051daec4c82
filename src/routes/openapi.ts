/** What may be asked and what is answered, for programs: no token. */
import { Hono } from "hono";

export interface OpenApiRoutesDeps {
  version: string;
}

/** `/openapi.json`. What writes it takes memory, and is loaded when somebody asks. */
export function openApiRoutes({ version }: OpenApiRoutesDeps) {
  let written: Promise<string> | undefined;
  const write = async () => {
    const { createDocument } = await import("../openapi/document.ts");
    return JSON.stringify(createDocument(version));
  };
  return new Hono().get("/openapi.json", async (c) => {
    const text = await (written ??= write());
    return c.body(text, 200, { "Content-Type": "application/json", "Cache-Control": "no-cache" });
  });
}
