/** Looking into the machines of the real service, and telling them things where that is allowed. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Service } from "../support/service.ts";
import { openStage, type Stage } from "../support/stage.ts";

const SLOW = { image: "localhost/slow-must-gather:latest" };

interface Seen {
  state: string;
  tags: string[];
  snapshot: { value: unknown; context: Record<string, unknown> } | null;
  accepts: { type: string }[];
}

describe("the inspector's routes", () => {
  let stage: Stage;
  let service: Service;

  before(async () => {
    stage = await openStage({ INSPECT_SEND: "1", MAX_CONCURRENT: "8" });
    ({ service } = stage);
  });
  after(() => stage.close());

  const look = async (id: number, at = service) => {
    const reply = await at.fetch(`must-gather/${id}/machine`);
    assert.equal(reply.status, 200);
    assert.equal(reply.headers.get("cache-control"), "no-store");
    return await reply.json() as Seen;
  };
  const send = (id: number, event: unknown, headers: Record<string, string> = {}, at = service) =>
    at.fetch(`must-gather/${id}/machine`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(event),
    });
  const collecting = async () => {
    const { id } = await service.start(SLOW);
    await service.until(id, ({ state }) => state.endsWith("collecting"));
    return id;
  };

  test("the page is there for whoever asks, below a slash too, and names no gather", async () => {
    await service.start({ "custom-name": "not-to-be-named" });
    for (const path of ["inspect", "inspect/", "inspect?x=1"]) {
      const reply = await service.fetch(path);
      assert.equal(reply.status, 200);
      assert.match(reply.headers.get("content-type") ?? "", /^text\/html/);
      assert.doesNotMatch(await reply.text(), /not-to-be-named/);
    }
    const away = await service.fetch("inspect/", { redirect: "manual" });
    assert.equal(away.headers.get("location"), "../inspect");
  });

  test("a live gather shows its snapshot and what it accepts, an ended one that it is gone", async () => {
    const id = await collecting();
    const seen = await look(id);
    assert.equal(seen.state, "inprogress.gathering.collecting");
    assert.deepEqual(seen.tags, ["live"]);
    assert.deepEqual(seen.snapshot?.value, { inprogress: { gathering: "collecting" } });
    assert.equal(seen.snapshot?.context["process"], "alive");
    const types = new Set(seen.accepts.map(({ type }) => type));
    assert.ok(types.has("gather.cancel") && types.has("oc.copying"));
    assert.ok(!types.has("gather.start") && !types.has("process.exited"));
    await service.fetch(`must-gather/${id}`, { method: "DELETE" });
    await service.ended(id);
    const ended = await look(id);
    assert.deepEqual([ended.snapshot, ended.accepts], [null, []]);
    assert.equal((await send(id, { type: "gather.cancel", keep: false })).status, 409);
  });

  test("an event that is accepted does what it does, and is in the history and the audit log", async () => {
    const id = await collecting();
    const reply = await send(id, { type: "gather.cancel", keep: true });
    assert.equal(reply.status, 202);
    assert.match(((await reply.json()) as Seen).state, /^inprogress\./);
    const record = await service.ended(id);
    assert.equal(record.reason, "cancelled");
    assert.ok(
      record.transitions.some(({ event, to }) =>
        event === "gather.cancel" && to === "inprogress.salvaging"
      ),
    );
    assert.ok(
      service.log.some((line) =>
        line["event"] === "audit" && line["action"] === "sent gather.cancel" && line["id"] === id
      ),
    );
  });

  test("what is no such event, does nothing now, or comes from elsewhere is refused", async () => {
    const id = await collecting();
    const refused: [unknown, number, Record<string, string>?][] = [
      [{ type: "gather.start" }, 409],
      [{ type: "pack.done", found: "data" }, 400],
      [{ type: "process.exited", code: 0, orphans: false }, 400],
      [{ type: "gather.cancel" }, 400],
      [{ type: "gather.cancel", keep: true, more: 1 }, 400],
      [{ type: "xstate.stop" }, 400],
      ["gather.cancel", 400],
      [null, 400],
      [{ type: "gather.hurry", pad: "x".repeat(70_000) }, 413],
      [{ type: "gather.cancel", keep: false }, 415, { "content-type": "text/plain" }],
      [{ type: "gather.cancel", keep: false }, 403, { "sec-fetch-site": "cross-site" }],
      [{ type: "gather.cancel", keep: false }, 403, { "origin": "https://elsewhere.example" }],
    ];
    for (const [event, status, headers] of refused) {
      const reply = await send(id, event, headers);
      assert.equal(reply.status, status, JSON.stringify(event).slice(0, 80));
      assert.match(reply.headers.get("content-type") ?? "", /^application\/problem\+json/);
    }
    assert.equal((await send(999, { type: "gather.hurry" })).status, 404);
    assert.equal((await look(id)).state, "inprogress.gathering.collecting");
    await service.fetch(`must-gather/${id}`, { method: "DELETE" });
  });

  test("where it is not switched on nothing is sent, and everything can still be seen", async () => {
    const plain = await openStage();
    try {
      const { id } = await plain.service.start(SLOW);
      await plain.service.until(id, ({ state }) => state.endsWith("collecting"));
      const reply = await send(id, { type: "gather.cancel", keep: false }, {}, plain.service);
      assert.equal(reply.status, 403);
      assert.match(await reply.text(), /npm run dev/);
      assert.equal((await look(id, plain.service)).state, "inprogress.gathering.collecting");
      const now = await (await plain.service.fetch("inspect/service")).json() as Record<
        string,
        unknown
      >;
      assert.deepEqual([now["state"], now["may-send"]], ["serving", false]);
    } finally {
      await plain.close();
    }
  });

  test("steps of the machines are told to who asks for them, and to nobody else", async () => {
    const follow = async (path: string) => {
      const leave = new AbortController();
      const reply = await service.fetch(path, { signal: leave.signal });
      let text = "";
      const reading = (async () => {
        for await (const piece of reply.body ?? []) text += Buffer.from(piece).toString();
      })().catch(() => {});
      return { leave: async () => (leave.abort(), await reading, text), text: () => text };
    };
    const watching = await follow("events?types=machine");
    const usual = await follow("events");
    const id = await collecting();
    await service.fetch(`must-gather/${id}`, { method: "DELETE" });
    await service.ended(id);
    const has = (text: string, machine: string, state: string) =>
      text.includes(`"machine":"${machine}"`) && text.includes(`"state":"${state}"`);
    const deadline = performance.now() + 10_000;
    while (!has(watching.text(), "gather", "error") && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const told = await watching.leave();
    assert.ok(has(told, "gather", "error") && has(told, "stop", "asking"), told);
    assert.doesNotMatch(told, /^(?:id:|event: (?!machine))/m);
    const rest = await usual.leave();
    assert.match(rest, /event: transition/);
    assert.doesNotMatch(rest, /event: machine/);
  });
});
