/** The long form of `npm run soak connections`, a tenth of it. */
import { test } from "node:test";
import { runConnections } from "./connections.ts";
import { TESTED } from "./sizes.ts";

test("connections that say nothing keep nobody else waiting", async (t) => {
  for (const row of await runConnections(TESTED.connections)) t.diagnostic(row.join(": "));
});
