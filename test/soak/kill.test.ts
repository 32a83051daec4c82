/** The long form of `npm run soak kill`, shorter. */
import { test } from "node:test";
import { kill } from "./kill.ts";

/**
 * A tenth would be 20. A round takes some 0.9 s of CPU on Node and 1.5 s on Deno (seen), most of it the starts of the service and of
 * every oc, and all tests together have three minutes of two processors.
 */
const ROUNDS = "Deno" in globalThis ? 3 : 6;

test("a service that is killed at random moments loses nothing and leaves nothing behind", async (t) => {
  const rows = await kill({ rounds: ROUNDS, seed: 20, mostLive: 3 });
  for (const row of rows) t.diagnostic(row.join(": "));
});
