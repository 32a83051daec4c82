import assert from "node:assert/strict";
import { test } from "node:test";
import { Events } from "../../src/gathers/events.ts";
import { Journal } from "../../src/gathers/journal.ts";
import type { Entry } from "../../src/gathers/entry.ts";
import { Registry } from "../../src/gathers/registry.ts";
import { createLog } from "../../src/log.ts";
import { eventRoutes } from "../../src/routes/events.ts";
import { atEnd, testFolder } from "../support/folder.ts";

test("who comes to follow when the service has ended is let go at once", async (t) => {
  const journal = await Journal.open<Entry>(await testFolder(t), createLog("error", () => {}));
  atEnd(t, () => journal.close());
  const events = new Events();
  const ending = AbortSignal.abort();
  const app = eventRoutes({ registry: new Registry(journal), events, ending });
  const reply = await app.request("/events?types=machine");
  const soon = AbortSignal.timeout(5000);
  const late = new Promise<never>((_, reject) =>
    soon.addEventListener("abort", () => reject(new Error("it still follows")))
  );
  assert.match(await Promise.race([reply.text(), late]), /^retry: /);
  assert.equal(events.isWatched, false);
});
