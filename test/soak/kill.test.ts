/** The long form of `npm run soak kill`, a tenth of it. */
import { test } from "node:test";
import { describeOnlyOn } from "../support/only-on.ts";
import { anySeed } from "../support/random.ts";
import { kill } from "./kill.ts";
import { TESTED } from "./sizes.ts";

const WHY = "a round takes Deno 1.5 s of CPU: `deno run -A test/soak/main.ts kill` is a command";

describeOnlyOn("Node", WHY, "a service that is killed at random moments", () => {
  test("loses nothing and leaves nothing behind", async (t) => {
    const rows = await kill({ rounds: TESTED.rounds, seed: anySeed() });
    for (const row of rows) t.diagnostic(row.join(": "));
  });
});
