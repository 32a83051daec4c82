/** Following what happens, on the real service. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { FakeOc } from "../support/fake-oc.ts";
import { PATIENCE_MS, type Service } from "../support/service.ts";
import { openStage, type Stage } from "../support/stage.ts";

interface Told {
  id: string;
  event: string;
  data: Record<string, unknown>;
}

describe("events", () => {
  let stage: Stage;
  let oc: FakeOc;
  let service: Service;

  before(async () => {
    stage = await openStage();
    ({ oc, service } = stage);
  });
  after(() => stage.close());

  /** Reads events until `enough` holds of them, then goes away. */
  async function follow(
    path: string,
    enough: (told: Told[]) => boolean,
    headers: Record<string, string> = {},
    opened = () => {},
  ): Promise<Told[]> {
    const leave = new AbortController();
    const reply = await service.fetch(path, {
      headers,
      signal: AbortSignal.any([leave.signal, AbortSignal.timeout(PATIENCE_MS)]),
    });
    assert.equal(reply.status, 200);
    assert.match(reply.headers.get("content-type") ?? "", /^text\/event-stream/);
    opened();
    const told: Told[] = [];
    let rest = "";
    for await (const piece of reply.body ?? []) {
      const blocks = (rest + Buffer.from(piece).toString()).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1] ?? "";
        if (field("data")) {
          told.push({ id: field("id"), event: field("event"), data: JSON.parse(field("data")) });
        }
      }
      if (enough(told)) break;
    }
    leave.abort();
    return told;
  }
  const isOver = (told: Told[]) =>
    told.some(({ data }) => data["to"] === "completed" || data["to"] === "error");

  test("tell every transition and the output of a gather, in order", async () => {
    oc.hold("before-namespace");
    const { id } = await service.start({ image: "localhost/forklift-must-gather:latest" });
    const { promise: opened, resolve } = Promise.withResolvers<void>();
    const following = follow(`must-gather/${id}/events`, isOver, {}, resolve);
    await Promise.all([oc.reached("before-namespace"), Promise.race([opened, following])]);
    oc.release("before-namespace");
    const told = await following;
    const record = await service.ended(id);
    const steps = told.filter(({ event }) => event === "transition").map(({ data }) => data["to"]);
    const all = record.transitions.map(({ to }) => to);
    assert.deepEqual(steps, all.slice(-steps.length));
    assert.equal(steps.at(-1), "completed");
    assert.ok(
      told.some(({ event, data }) => event === "log" && String(data["text"]).includes("created")),
    );
  });

  test("resume behind the last one seen without a gap or a double", async () => {
    const { id } = await service.start({ image: "localhost/instant:latest" });
    await service.ended(id);
    const all = await follow(`must-gather/${id}/events`, (told) => told.length > 0, {
      "last-event-id": "x",
    });
    assert.equal(all[0]?.event, "reset", "one of another life is not known");
    const again = await service.start({ image: "localhost/instant:latest" });
    const [first] = await follow(
      `must-gather/${again.id}/events?types=transition`,
      (told) => told.length >= 1,
      {
        "last-event-id": `${bootOf(service)}-0`,
      },
    );
    await service.ended(again.id);
    const rest = await follow(`must-gather/${again.id}/events?types=transition`, isOver, {
      "last-event-id": first?.id ?? "",
    });
    const record = await service.get(again.id);
    assert.deepEqual(
      [first?.data["to"], ...rest.map(({ data }) => data["to"])],
      record.transitions.map(({ to }) => to),
    );
  });

  test("of all gathers come on one stream", async () => {
    const following = follow(
      "events?types=transition",
      (told) =>
        new Set(told.filter(({ data }) => data["to"] === "completed").map(({ data }) => data["id"]))
          .size === 2,
    );
    const first = await service.start({ image: "localhost/instant:latest" });
    const second = await service.start({
      image: "localhost/instant:latest",
      "custom-name": "other",
    });
    const ids = new Set((await following).map(({ data }) => data["id"]));
    assert.ok(ids.has(first.id) && ids.has(second.id));
  });

  test("a later gather of a kind has a percentage and an end in sight", async () => {
    oc.hold("before-copy");
    const { id } = await service.start({
      image: "localhost/forklift-must-gather:latest",
      "custom-name": "later",
    });
    const record = await service.until(
      id,
      ({ progress }) => progress.percent !== null && progress.percent > 0,
    );
    assert.ok((record.progress.percent ?? 100) < 100);
    oc.release("before-copy");
    assert.equal((await service.ended(id)).progress.percent, 100);
  });

  /** What the ids of this life of the service begin with: events and ETags have it in common with none, so it is asked for. */
  function bootOf(running: Service): string {
    const line = running.log.find(({ event }) => event === "service listens");
    return String(line?.["boot"] ?? "");
  }
});
