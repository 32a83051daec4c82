import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { mock, test, type TestContext } from "node:test";
import type { CredentialStore } from "../../src/gathers/credentials.ts";
import type { Disk } from "../../src/gathers/disk.ts";
import { gatherFolder } from "../../src/gathers/folders.ts";
import { Intake } from "../../src/gathers/intake.ts";
import type { Held } from "../../src/gathers/held.ts";
import type { Runner } from "../../src/gathers/runner.ts";
import { Problem } from "../../src/problem.ts";
import { atEnd, testFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";
import { endedEntry, request, stageRegistry } from "./stage.ts";

const CALLER = { name: "somebody", token: "secret" };

/** An intake over a real journal; what runs gathers only notes what it is told, and lets none start. */
async function stage(t: TestContext, options: { maxQueued?: number; freeSlots?: number } = {}) {
  const staged = await stageRegistry(t);
  const { registry, journal, folder } = staged;
  const done: string[] = [];
  const runner = {
    freeSlots: () => options.freeSlots ?? 0,
    begin: (held: Held) => done.push(`begin ${held.entry.id}`),
    enqueue: (held: Held) => done.push(`enqueue ${held.entry.id}`),
    cancel(held: Held) {
      done.push(`cancel ${held.entry.id}`);
      held.entry.status = "error";
      registry.changed(held);
      void registry.settle(held);
    },
  } as unknown as Runner;
  const room = { admit: () => Promise.resolve() };
  const kept = new Map<number, string | undefined>();
  const workPath = await testFolder(t);
  const credentials = {
    async give(id: number, _server: string, token: string | undefined) {
      kept.set(id, token);
      await mkdir(join(gatherFolder(workPath, id).path, "credentials"), { recursive: true });
    },
    take: (id: number) => Promise.resolve(void kept.delete(id)),
  } as CredentialStore;
  const deps = {
    registry,
    journal,
    runner,
    disk: { admit: () => room.admit() } as Disk,
    credentials,
    workPath,
    maxQueued: options.maxQueued ?? 100,
    prepare: () => Promise.resolve({ resolved: undefined, note: "" }),
  };
  const files = async () => (await readdir(folder)).filter((name) => /^\d|^\.\d/.test(name));
  const folders = () => readdir(workPath);
  return { ...staged, done, room, kept, deps, intake: new Intake(deps), files, folders };
}

const isProblem = (status: number, detail: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Problem, String(error));
  assert.equal(error.status, status);
  assert.match(error.detail, detail);
  return true;
};

test("a gather that was taken in is on disk, shows as new, and gets its turn behind the reply", async (t) => {
  const { intake, files, done, kept } = await stage(t);
  const { held, created } = await intake.take(request({ customName: "a" }), undefined, CALLER);
  assert.ok(created);
  assert.deepEqual(await files(), ["1.json"]);
  assert.deepEqual([held.entry.status, held.entry.id], ["new", 1]);
  assert.equal(kept.get(1), "secret");
  await until("its turn", () => done.length === 2);
  assert.deepEqual(done, ["begin 1", "enqueue 1"]);
});

test("ids and times rise with every gather", async (t) => {
  const { intake } = await stage(t);
  const taken = await Promise.all(
    Array.from({ length: 20 }, () => intake.take(request(), undefined, CALLER)),
  );
  const entries = taken.map(({ held }) => held.entry);
  assert.deepEqual(entries.map(({ id }) => id), Array.from({ length: 20 }, (_, n) => n + 1));
  const times = entries.map(({ createdAt }) => createdAt);
  assert.deepEqual(times, [...new Set(times)].toSorted());
});

test("the same name and options find the gather that lives, other options or its end make a new one", async (t) => {
  const { intake, registry } = await stage(t);
  const ask = async (more: object) => {
    const { held, created } = await intake.take(request(more), undefined, CALLER);
    return `${held.entry.id} ${created ? "created" : "found"}`;
  };
  assert.equal(await ask({ customName: "a" }), "1 created");
  assert.equal(await ask({ customName: "a" }), "1 found");
  assert.equal(await ask({ customName: "a", sourceDir: "/other/" }), "2 created");
  assert.equal(await ask({ customName: "b" }), "3 created");
  assert.equal(await ask({}), "4 created");
  assert.equal(await ask({}), "5 created", "without a name each is another");
  const newest = registry.newestNamed("b");
  assert.ok(newest);
  newest.entry.reason = "cancelled"; // told to stop, and still at it
  assert.equal(await ask({ customName: "b" }), "6 created");
  const last = registry.newestNamed("b");
  assert.ok(last);
  last.entry.status = "completed";
  assert.equal(await ask({ customName: "b" }), "7 created");
});

test("equal requests that come at once make one gather, and all wait until it is safe", async (t) => {
  const { intake, files, registry } = await stage(t);
  const taken = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const one = await intake.take(request({ customName: "a" }), undefined, CALLER);
      assert.deepEqual(await files(), ["1.json"]);
      return one;
    }),
  );
  assert.equal(taken.filter(({ created }) => created).length, 1);
  assert.equal([...registry.all()].length, 1);
});

test("an Idempotency-Key finds its gather, also after its end, and refuses another request", async (t) => {
  const { intake, registry } = await stage(t);
  const first = await intake.take(request({ customName: "a" }), "key", CALLER);
  first.held.entry.status = "completed";
  const again = await intake.take(request({ customName: "a" }), "key", CALLER);
  assert.deepEqual([again.held, again.created], [first.held, false]);
  await assert.rejects(
    intake.take(request({ customName: "b" }), "key", CALLER),
    isProblem(422, /another request/),
  );
  const other = await intake.take(request({ customName: "a" }), "other key", CALLER);
  assert.ok(other.created);
  await registry.remove(first.held);
  assert.ok(
    (await intake.take(request({ customName: "a", nodeName: "n" }), "key", CALLER)).created,
  );
});

test("concurrent requests with one key make one gather", async (t) => {
  const { intake, registry } = await stage(t);
  const taken = await Promise.all(
    Array.from({ length: 5 }, () => intake.take(request(), "key", CALLER)),
  );
  assert.equal(taken.filter(({ created }) => created).length, 1);
  assert.equal([...registry.all()].length, 1);
});

test("a key whose request found a gather by its name finds it after its end, too", async (t) => {
  const { intake } = await stage(t);
  const { held } = await intake.take(request({ customName: "a" }), undefined, CALLER);
  assert.equal((await intake.take(request({ customName: "a" }), "key", CALLER)).held, held);
  held.entry.status = "completed";
  const again = await intake.take(request({ customName: "a" }), "key", CALLER);
  assert.deepEqual([again.held, again.created], [held, false]);
});

test("keys are known again after a restart, as hashes, and for a day", async (t) => {
  const { intake, deps, files, folder } = await stage(t);
  const { held } = await intake.take(request(), "a key that is secret", CALLER);
  for (const name of await files()) {
    assert.doesNotMatch(await readFile(join(folder, name), "utf8"), /secret/);
  }
  const restarted = new Intake(deps);
  restarted.recall(held.entry);
  assert.equal((await restarted.take(request(), "a key that is secret", CALLER)).held, held);
  mock.timers.enable({ apis: ["Date"], now: Date.now() + 24 * 3_600_000 + 1000 });
  atEnd(t, () => mock.timers.reset());
  assert.ok((await restarted.take(request(), "a key that is secret", CALLER)).created);
});

test("a thousand keys are known, the oldest go", async (t) => {
  const { intake, registry, journal } = await stage(t);
  const { held } = await intake.take(request(), "oldest", CALLER);
  journal.raiseMark(1000);
  const { createdAt } = held.entry;
  held.entry.status = "completed";
  for (let id = 2; id <= 1000; id++) {
    const idempotency = { key: `hash ${id}`, fingerprint: "" };
    intake.recall(registry.add(endedEntry(id, { createdAt, idempotency })).entry);
  }
  assert.equal((await intake.take(request(), "oldest", CALLER)).held, held);
  await intake.take(request(), "newest", CALLER);
  assert.ok((await intake.take(request(), "oldest", CALLER)).created);
});

test("when as many wait as may, the next is told to come again; those a free slot takes do not wait", async (t) => {
  const full = await stage(t, { maxQueued: 2, freeSlots: 1 });
  for (let n = 0; n < 3; n++) await full.intake.take(request(), undefined, CALLER);
  await assert.rejects(full.intake.take(request(), undefined, CALLER), (error: unknown) => {
    isProblem(503, /2 gathers wait already \(MAX_QUEUED\)/)(error);
    assert.match((error as Problem).headers["retry-after"] ?? "", /^\d+$/);
    return true;
  });
  assert.equal([...full.registry.all()].length, 3);
});

test("of requests that come at once no more are taken than may wait", async (t) => {
  const { intake, registry } = await stage(t, { maxQueued: 3 });
  const results = await Promise.allSettled(
    Array.from({ length: 10 }, () => intake.take(request(), undefined, CALLER)),
  );
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 3);
  assert.equal([...registry.all()].length, 3);
});

test("a repeated request finds its gather where a new one is refused", async (t) => {
  const { intake, room } = await stage(t, { maxQueued: 1 });
  const { held } = await intake.take(request({ customName: "a" }), "key", CALLER);
  room.admit = () => Promise.reject(new Problem({ status: 507, detail: "full" }));
  assert.equal((await intake.take(request({ customName: "a" }), undefined, CALLER)).held, held);
  assert.equal((await intake.take(request({ customName: "a" }), "key", CALLER)).held, held);
  intake.close();
  assert.equal((await intake.take(request({ customName: "a" }), "key", CALLER)).held, held);
  await assert.rejects(intake.take(request(), undefined, CALLER), isProblem(503, /going down/));
});

test("a disk without room refuses before anything is made", async (t) => {
  const { intake, room, registry, journal, done } = await stage(t);
  room.admit = () => Promise.reject(new Problem({ status: 507, detail: "full" }));
  await assert.rejects(intake.take(request(), "key", CALLER), isProblem(507, /full/));
  assert.deepEqual([[...registry.all()].length, done.length], [0, 0]);
  assert.equal(journal.nextId(), 1);
});

test("a journal that refuses is 507 for all who asked, and nothing of the gather stays", async (t) => {
  const { intake, registry, folder, files, folders, done, kept } = await stage(t);
  const full = join(folder, ".1.json.tmp");
  await symlink("/dev/full", full);
  const results = await Promise.allSettled(
    [1, 2, 3].map(() => intake.take(request({ customName: "a" }), "key", CALLER)),
  );
  for (const result of results) {
    assert.equal(result.status, "rejected");
    if (result.status === "rejected") isProblem(507, /no space|ENOSPC/i)(result.reason);
  }
  assert.deepEqual([...registry.all()], []);
  assert.equal(registry.newestNamed("a"), undefined);
  assert.deepEqual([await files(), await folders()], [[], []]);
  assert.equal(kept.size, 0);
  assert.deepEqual(done, ["begin 1", "cancel 1"]);
  await rm(full, { force: true });
  const { held, created } = await intake.take(request({ customName: "a" }), "key", CALLER);
  assert.deepEqual([held.entry.id, created], [2, true]);
});

test("credentials that cannot be written refuse the gather, and none are left", async (t) => {
  const { intake, registry, deps, kept, folders } = await stage(t);
  const give = deps.credentials.give;
  deps.credentials.give = async (id, server, token) => {
    await give(id, server, token);
    throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
  };
  await assert.rejects(intake.take(request(), undefined, CALLER), isProblem(507, /ENOSPC/));
  assert.deepEqual([[...registry.all()].length, kept.size, await folders()], [0, 0, []]);
});

test("what is asked of the cluster is asked once for a gather, and what it says against it makes none", async (t) => {
  const { deps, files } = await stage(t);
  const asked: string[] = [];
  const found = { command: "NS=n PLAN=p /usr/bin/targeted", commandLine: "NS=n PLAN=p x" };
  const intake = new Intake({
    ...deps,
    prepare: ({ customName }) => {
      asked.push(customName);
      if (customName === "bad") throw new Problem({ status: 403, detail: "may not" });
      return Promise.resolve({ resolved: found, note: "a sentence" });
    },
  });
  const sent = request({ customName: "a", command: "PLAN=p /usr/bin/targeted" });
  const { held } = await intake.take(sent, "key", CALLER);
  assert.deepEqual(held.entry.resolved, found);
  assert.equal(held.entry.note, "a sentence");
  assert.equal(held.entry.request.command, "PLAN=p /usr/bin/targeted");
  for (const key of ["key", undefined]) {
    assert.equal((await intake.take(sent, key, CALLER)).created, false); // by what was sent
  }
  assert.deepEqual(asked, ["a"]);
  await assert.rejects(
    intake.take(request({ customName: "bad" }), undefined, CALLER),
    isProblem(403, /may not/),
  );
  assert.deepEqual(await files(), ["1.json"]);
});

test("two that wait for the cluster at once make one gather, and one that waits when the service goes down none", async (t) => {
  const { deps, files } = await stage(t);
  const gate = Promise.withResolvers<{ resolved: undefined; note: string }>();
  const intake = new Intake({ ...deps, prepare: () => gate.promise });
  const same = ["a", "a"].map((customName) =>
    intake.take(request({ customName }), undefined, CALLER)
  );
  gate.resolve({ resolved: undefined, note: "" });
  const [one, other] = await Promise.all(same);
  assert.equal(one?.held, other?.held);
  const late = intake.take(request({ customName: "late" }), undefined, CALLER);
  intake.close();
  await assert.rejects(late, isProblem(503, /going down/));
  assert.deepEqual(await files(), ["1.json"]);
});
