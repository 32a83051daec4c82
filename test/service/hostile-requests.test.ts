/** Every field, route, header and method with bad input: each gets its answer, and the service is as it was. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { FakeOc } from "../support/fake-oc.ts";
import { descriptors, residentBytes } from "../support/process-use.ts";
import { exchange, type RawReply } from "../support/raw-http.ts";
import type { Service } from "../support/service.ts";
import { openStage, type Stage } from "../support/stage.ts";
import { until } from "../support/until.ts";
import { BAD_BODIES } from "./hostile/bodies.ts";
import { type BadRequest, CANARY, post } from "./hostile/case.ts";
import { BAD_FIELDS } from "./hostile/fields.ts";
import { BAD_HEADERS } from "./hostile/headers.ts";
import { BAD_PATHS } from "./hostile/paths.ts";
import { BAD_WIRE } from "./hostile/wire.ts";

/** Each of them takes milliseconds. */
const LONGEST_MS = 5000;

/** What all of them may add to the service's memory, bytes: measured were 22 to 27 MiB, on both runtimes. */
const MOST_GROWTH = 80 * 2 ** 20;

const INSTANT = "localhost/instant:latest";

describe("hostile requests", () => {
  let stage: Stage;
  let oc: FakeOc;
  let service: Service;
  let resident: number;
  let open: string[];

  before(async () => {
    stage = await openStage({ MUST_GATHER_IMAGE: INSTANT });
    ({ oc, service } = stage);
    await service.ended((await service.start({ "custom-name": "first" })).id);
    resident = await residentBytes(service.pid);
    open = await descriptors(service.pid);
  });
  after(() => stage.close());

  const groups: Record<string, readonly BadRequest[]> = {
    "values of fields": BAD_FIELDS,
    "bodies": BAD_BODIES,
    "paths and queries": BAD_PATHS,
    "headers": BAD_HEADERS,
    "framing, targets and methods": BAD_WIRE,
  };
  for (const [group, cases] of Object.entries(groups)) {
    describe(group, () => {
      for (const bad of cases) {
        const { name, status } = bad;
        test(`${name} is answered with ${[status].flat().join(" or ")}`, async () => {
          answers(await exchange(service.url, bad.bytes, { withinMs: LONGEST_MS }), bad);
        });
      }
    });
  }

  test("there were at least 150 of them, each another", () => {
    const all = Object.values(groups).flat();
    assert.ok(all.length >= 150, `${all.length}`);
    assert.equal(
      new Set(all.map(({ bytes }) => Buffer.from(bytes).toString("latin1"))).size,
      all.length,
    );
  });

  test("nothing was started or removed by any of them", async () => {
    const listed = await (await service.fetch("must-gather")).json() as { id: number }[];
    assert.deepEqual(listed.map(({ id }) => id), [1]);
    assert.equal(oc.invocations("adm", "must-gather", `--image=${INSTANT}`).length, 1);
    assert.deepEqual(service.log.filter(({ level }) => level === "error"), []);
  });

  test("what a client may not set does not stick, and keys of a prototype are none", async () => {
    const answered = await exchange(
      service.url,
      post(`{
        "id": 99, "status": "completed", "created-at": "1970-01-01T00:00:00.000Z", "archive-name": "x",
        "archive-size": 5, "archive-url": "//evil.example", "exec-output": "x", "reason": "failed",
        "state": "completed", "message": "x", "leftovers": ["namespace/default"], "version": 9,
        "__proto__": {"timeout": "-1s", "image": "--x"}, "constructor": {"prototype": {"id": 98}},
        "toString": "x", "hasOwnProperty": 1, "custom-name": "__proto__"
      }`),
    );
    assert.deepEqual(answered.statuses, [201]);
    const made = await service.ended("__proto__");
    assert.equal(made.id, 2);
    assert.equal(made.status, "completed", made.message);
    assert.equal(made.timeout, "20m");
    assert.equal(made["archive-url"], "must-gather/2/data");
    assert.notEqual(made["archive-size"], 5);
    assert.deepEqual(made.leftovers, []);
    assert.ok(made["created-at"] > "2020");
  });

  test("memory and descriptors are where they were, and a gather goes through", async () => {
    const { id } = await service.start({ "custom-name": "last" });
    assert.equal((await service.ended(id)).status, "completed");
    await until(`the descriptors are again ${open.join()}`, async () => {
      return (await descriptors(service.pid)).length <= open.length;
    });
    const growth = await residentBytes(service.pid) - resident;
    assert.ok(growth < MOST_GROWTH, `${Math.round(growth / 2 ** 20)} MiB more`);
  });
});

function answers(reply: RawReply, bad: BadRequest): void {
  assert.ok(reply.closed, "neither answered nor closed in time");
  const [status = 0, ...more] = reply.statuses;
  assert.ok([bad.status].flat().includes(status), `${status}: ${reply.body.slice(0, 500)}`);
  assert.deepEqual(more, [], "what stood behind the request was read as another");
  if (status < 400 || bad.bare) return;
  assert.doesNotMatch(reply.body, /node_modules|\.ts:\d/);
  assert.ok(!reply.body.includes(CANARY), "the reply repeats a header");
  assert.equal(reply.headers["content-type"], "application/problem+json");
  if (!bad.words) return; // HEAD
  const problem = JSON.parse(reply.body) as { status: number; title: string; detail: string };
  assert.equal(problem.status, status);
  assert.ok(problem.title !== "");
  assert.match(problem.detail, bad.words);
}
