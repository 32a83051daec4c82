import assert from "node:assert/strict";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, afterEach, before, describe, test } from "node:test";
import { type AccessCheck, createAccess, readBearer } from "../../src/auth/access.ts";
import { type ClustersOptions, createClusters } from "../../src/auth/clusters.ts";
import {
  type ApiServer,
  type Authority,
  makeAuthority,
  type Mood,
  startApiServer,
} from "../support/api-server.ts";

describe("who may call", () => {
  let folder: string;
  let authority: Authority;
  let other: Authority;
  let pair: { certificate: string; key: string };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "access-test-"));
    [authority, other] = await Promise.all([
      makeAuthority(join(folder, "a")),
      makeAuthority(join(folder, "b"), "rsa"),
    ]);
    pair = await authority.issue();
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** What a test has opened, to be closed behind it. (What its own context is given to do then is not done on Deno within a suite.) */
  const opened: (() => unknown)[] = [];
  afterEach(async () => {
    for (let close = opened.pop(); close; close = opened.pop()) await close();
  });

  interface Stage {
    api: ApiServer;
    access: AccessCheck;
    clock: { ms: number };
    /** The path of the CA the service trusts. */
    ca: string;
  }

  /** A service inside a cluster whose API server knows an admin, a viewer and fifty more admins. */
  async function stage(
    options: { pair?: typeof pair; ca?: string; timeoutMs?: number; nameTimeoutMs?: number } = {},
  ): Promise<Stage> {
    const api = await startApiServer(options.pair ?? pair);
    opened.push(() => api.close());
    const serviceAccountFolder = await mkdtemp(join(folder, "account-"));
    const ca = join(serviceAccountFolder, "ca.crt");
    await copyFile(options.ca ?? authority.path, ca);
    const clock = { ms: 0 };
    const clusters = createClusters({
      ...insideAt(api.url),
      serviceAccountFolder,
      now: () => clock.ms,
    });
    const { timeoutMs = 20_000, nameTimeoutMs = 20_000 } = options;
    const access = createAccess({ clusters, now: () => clock.ms, timeoutMs, nameTimeoutMs });
    opened.push(() => access.close());
    api.users.set("admin-token", { name: "kube:admin", admin: true });
    api.users.set("viewer-token", { name: "viewer", admin: false });
    for (let i = 0; i < 200; i++) api.users.set(`token-${i}`, { name: `user-${i}`, admin: true });
    return { api, access, clock, ca };
  }

  function insideAt(url: string): ClustersOptions {
    const { hostname, port } = new URL(url);
    return {
      kubernetes: { host: hostname, port: Number(port) },
      kubeconfigPaths: [],
      credentials: "caller",
    };
  }

  test("a cluster-admin may, and is named; a known user may not; a stranger is not known", async () => {
    const { access, api } = await stage();
    assert.deepEqual(await access.check("admin-token"), { status: 200, name: "kube:admin" });
    const viewer = await access.check("viewer-token");
    assert.equal(viewer.status, 403);
    assert.match("detail" in viewer ? viewer.detail : "", /cluster-admin/);
    const stranger = await access.check("stranger-token");
    assert.equal(stranger.status, 401);
    assert.match("detail" in stranger ? stranger.detail : "", /log in again/);
    assert.deepEqual(api.asked, { access: 3, name: 1 });
  });

  test("a missing token, or one that can be none, is refused without a question", async () => {
    const { access, api } = await stage();
    for (const token of [undefined, "", "a b", "a\r\nx-evil: 1", "tökên", "x".repeat(20_000)]) {
      assert.equal((await access.check(token)).status, 401);
    }
    assert.deepEqual(api.asked, { access: 0, name: 0 });
  });

  test("1,000 polls of 50 tokens in ten seconds ask 50 questions, at most 20 at once", async () => {
    const { access, api, clock } = await stage();
    for (let round = 0; round < 20; round++) {
      const polls = Array.from({ length: 50 }, (_, i) => access.check(`token-${i}`));
      for (const [i, said] of (await Promise.all(polls)).entries()) {
        assert.deepEqual(said, { status: 200, name: `user-${i}` });
      }
      clock.ms += 499;
    }
    assert.deepEqual(api.asked, { access: 50, name: 50 });
    assert.ok(api.most.asking <= 20, `${api.most.asking} at once`);
    assert.ok(api.connections.opened <= 20, `${api.connections.opened} connections`);
    clock.ms = 10_000;
    await Promise.all(Array.from({ length: 50 }, (_, i) => access.check(`token-${i}`)));
    assert.deepEqual(api.asked, { access: 100, name: 100 });
  });

  test("1,000 polls of 50 tokens at one moment ask 50 questions, at most 20 at once", async () => {
    const { access, api } = await stage();
    const polls = Array.from({ length: 1000 }, (_, i) => access.check(`token-${i % 50}`));
    for (const said of await Promise.all(polls)) assert.equal(said.status, 200);
    assert.deepEqual(api.asked, { access: 50, name: 50 });
    assert.ok(api.most.asking <= 20, `${api.most.asking} at once`);
  });

  test("a yes is kept 10 s, so a token revoked between polls is refused after that", async () => {
    const { access, api, clock } = await stage();
    assert.equal((await access.check("admin-token")).status, 200);
    api.users.delete("admin-token");
    clock.ms = 9_999;
    assert.equal((await access.check("admin-token")).status, 200);
    clock.ms = 10_000;
    assert.equal((await access.check("admin-token")).status, 401);
  });

  test("the 10 s count from the answer, also where the name comes later", async () => {
    const { access, api, clock } = await stage();
    api.nameMood = "hold";
    const asked = access.check("admin-token");
    await api.held(1);
    clock.ms = 1_500;
    api.release();
    assert.equal((await asked).status, 200);
    api.nameMood = "answer";
    api.users.delete("admin-token");
    clock.ms = 9_999;
    assert.equal((await access.check("admin-token")).status, 200);
    clock.ms = 10_000;
    assert.equal((await access.check("admin-token")).status, 401);
  });

  test("a no is kept 2 s, so a right given between polls is seen after that", async () => {
    const { access, api, clock } = await stage();
    assert.equal((await access.check("viewer-token")).status, 403);
    api.users.set("viewer-token", { name: "viewer", admin: true });
    clock.ms = 1_999;
    assert.equal((await access.check("viewer-token")).status, 403);
    clock.ms = 2_000;
    assert.deepEqual(await access.check("viewer-token"), { status: 200, name: "viewer" });
  });

  test("a flood of made-up tokens does not push out the answers for real ones", async () => {
    const { access, api } = await stage();
    await access.check("admin-token");
    for (let batch = 0; batch < 15; batch++) {
      await Promise.all(
        Array.from({ length: 100 }, (_, i) => access.check(`made-up-${batch}-${i}`)),
      );
    }
    assert.equal(api.asked.access, 1_501);
    await access.check("admin-token");
    assert.equal(api.asked.access, 1_501);
  });

  test("callers with one token wait for one question; other tokens do not wait for it", async () => {
    const { access, api } = await stage();
    api.moodOf.set("kube:admin", "hold");
    const waiting = Array.from({ length: 100 }, () => access.check("admin-token"));
    await api.held(1);
    for (let i = 0; i < 40; i++) assert.equal((await access.check(`token-${i}`)).status, 200);
    assert.equal(api.asked.access, 41);
    api.release();
    for (const said of await Promise.all(waiting)) assert.equal(said.status, 200);
    assert.equal(api.asked.access, 41);
  });

  test("beyond 20 questions and 100 that wait, callers are told to come again", async () => {
    const { access, api, clock } = await stage();
    api.mood = "hold";
    const waiting = Array.from({ length: 120 }, (_, i) => access.check(`token-${i}`));
    await api.held(20);
    const said = await access.check("token-150");
    assert.equal(said.status, 503);
    assert.ok("retryAfterSeconds" in said && said.retryAfterSeconds > 0);
    assert.equal(api.asked.access, 20);
    clock.ms = 20_001; // those that waited longer than a question may take are not asked any more
    api.release();
    const statuses = (await Promise.all(waiting)).map((each) => each.status);
    assert.deepEqual(statuses, [...Array(20).fill(200), ...Array(100).fill(503)]);
    assert.equal(api.asked.access, 20);
  });

  const UNUSABLE: [Mood, RegExp][] = [
    ["500", /answered 500/],
    ["429", /answered 429/],
    ["broken", /answered 201 without a review/],
    ["cut", /broke off|aborted|reset|hang up|closed|EOF/i],
    ["huge", /too much/],
    ["hang-up", /does not answer/],
  ];

  for (const [mood, reason] of UNUSABLE) {
    test(`an API server that answers "${mood}" is 503, and is asked again a second later`, async () => {
      const { access, api, clock } = await stage();
      api.mood = mood;
      const said = await access.check("admin-token");
      assert.equal(said.status, 503);
      assert.ok("retryAfterSeconds" in said);
      assert.match(said.detail, reason);
      assert.doesNotMatch(said.detail, /admin-token/);
      api.mood = "answer";
      clock.ms = 999;
      assert.equal((await access.check("admin-token")).status, 503);
      clock.ms = 1_000;
      assert.equal((await access.check("admin-token")).status, 200);
    });
  }

  test("an API server that takes too long is 503", async () => {
    const { access, api } = await stage({ timeoutMs: 150 });
    api.mood = "hold";
    const said = await access.check("admin-token");
    assert.equal(said.status, 503);
    assert.match("detail" in said ? said.detail : "", /did not answer in time/);
  });

  test("an API server that is down is 503, and its return is seen", async () => {
    const { access, api, clock } = await stage();
    assert.equal((await access.check("admin-token")).status, 200);
    await api.close();
    clock.ms = 10_000;
    const said = await access.check("admin-token");
    assert.equal(said.status, 503);
    assert.match("detail" in said ? said.detail : "", /ECONNREFUSED|refused/);
    const back = await startApiServer(pair, Number(new URL(api.url).port));
    opened.push(() => back.close());
    back.users.set("admin-token", { name: "kube:admin", admin: true });
    clock.ms = 11_000;
    assert.equal((await access.check("admin-token")).status, 200);
  });

  test("a connection that the server closed meanwhile costs no answer", async () => {
    const { access, api, clock } = await stage();
    for (let i = 0; i < 5; i++) {
      assert.equal((await access.check("admin-token")).status, 200);
      clock.ms += 10_000;
      api.closeIdle();
    }
  });

  test("a kept connection that breaks on its next question is replaced, and the question asked again", async () => {
    const { access, api, clock } = await stage();
    assert.equal((await access.check("admin-token")).status, 200);
    api.mood = "hang-up-once";
    clock.ms = 10_000;
    assert.equal((await access.check("admin-token")).status, 200);
    assert.equal(api.asked.access, 3);
    assert.equal(api.connections.opened, 2);
  });

  test("a name that cannot be had is no error", async () => {
    const { access, api, clock } = await stage({ nameTimeoutMs: 150 });
    for (const mood of ["403", "500", "broken", "hang-up", "hold"] as const) {
      api.nameMood = mood;
      assert.deepEqual(await access.check("admin-token"), { status: 200, name: "unknown" }, mood);
      clock.ms += 10_000;
    }
  });

  test("a certificate of another authority is 503, and the token is never sent", async () => {
    const { access, api } = await stage({ ca: other.path });
    const said = await access.check("admin-token");
    assert.equal(said.status, 503);
    assert.match("detail" in said ? said.detail : "", /certificate|issuer|authority/i);
    assert.deepEqual(api.asked, { access: 0, name: 0 });
  });

  test("a certificate for another name is 503, and the token is never sent", async () => {
    const { access, api } = await stage({
      pair: await authority.issue("ec", "DNS:elsewhere.example"),
    });
    const said = await access.check("admin-token");
    assert.equal(said.status, 503);
    assert.match("detail" in said ? said.detail : "", /certificate|altnames/i);
    assert.deepEqual(api.asked, { access: 0, name: 0 });
  });

  test("verification is not skipped where the environment asks for it", async () => {
    const { access, api } = await stage({ ca: other.path });
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    try {
      assert.equal((await access.check("admin-token")).status, 503);
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    }
    assert.equal(api.asked.access, 0);
  });

  test("an RSA certificate of an RSA authority works as an ECDSA one does", async () => {
    const { access } = await stage({ pair: await other.issue("rsa"), ca: other.path });
    assert.deepEqual(await access.check("admin-token"), { status: 200, name: "kube:admin" });
  });

  test("a CA that is replaced while the service runs is taken over, and no question is lost", async () => {
    const { access, api, clock, ca } = await stage();
    api.moodOf.set("kube:admin", "hold");
    const asked = access.check("admin-token");
    await api.held(1);

    api.serve(await other.issue());
    await copyFile(other.path, ca);
    clock.ms = 1_000;
    assert.equal((await access.check("token-1")).status, 200);
    await api.open(2);
    api.release();
    assert.equal((await asked).status, 200);
    await api.open(1); // the old authority's connection goes with its last question
  });

  test("closing ends the connections that were kept", async () => {
    const { access, api } = await stage();
    await access.check("admin-token");
    await api.open(1);
    access.close();
    await api.open(0);
  });

  test("only the bearer scheme gives a token", () => {
    assert.equal(readBearer("Bearer abc"), "abc");
    assert.equal(readBearer("bearer  abc "), "abc");
    for (
      const header of [undefined, "", "Bearer", "Bearer ", "Basic abc", "Bearer a b", "xBearer a"]
    ) {
      assert.equal(readBearer(header), undefined, header);
    }
  });
});
