/** The long form of `npm run soak kill`, a tenth of it. */
import { test } from "node:test";
import { kill } from "./kill.ts";
import { TESTED } from "./sizes.ts";

test("a service that is killed at random moments loses nothing and leaves nothing behind", async (t) => {
  const rows = await kill({ rounds: TESTED.rounds, seed: 20 });
  for (const row of rows) t.diagnostic(row.join(": "));
});
