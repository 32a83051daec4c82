/** The long form of `npm run soak cut`, a tenth of it. */
import { test } from "node:test";
import { TESTED } from "./sizes.ts";
import { zipCut } from "./zip-cut.ts";

test("a ZIP that was cut at a random place when files had gone into it is completed", async (t) => {
  const rows = await zipCut({ rounds: TESTED.rounds, seed: 5 });
  for (const row of rows) t.diagnostic(row.join(": "));
});
