/** What answers polls before the app does says the same as the app, and leaves it all that might be refused. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { type AppDeps, createApp } from "../../src/app.ts";
import type { AccessCheck } from "../../src/auth/access.ts";
import { Bodies } from "../../src/gathers/bodies.ts";
import { gatherFolder } from "../../src/gathers/folders.ts";
import { Durations } from "../../src/gathers/progress.ts";
import { Tally } from "../../src/metrics/tally.ts";
import { type Hot, hotPolls } from "../../src/routes/hot-polls.ts";
import { createServer } from "../../src/server.ts";
import { endedEntry, entry, keptLog, stageRegistry } from "../gathers/stage.ts";
import { atEnd, testFolder } from "../support/folder.ts";
import { openClient } from "../support/raw-client.ts";

/** Lets in whoever has the token `good`; knows it once it was asked. */
function access(): AccessCheck {
  let isKnown = false;
  return {
    check(token) {
      isKnown ||= token === "good";
      return Promise.resolve(
        token === "good"
          ? { status: 200, name: "somebody" }
          : { status: 401, detail: "not to be let in" },
      );
    },
    keyOf: (token) => `key of ${token}`,
    isKnown: (key) => isKnown && key === "key of good",
    close: () => {},
    counts: { asked: new Map(), hits: 0 },
  };
}

/** Two servers of the same gathers, of which only one has the short way; `hot` counts what that answered. */
async function stage(t: TestContext, more: Partial<AppDeps> = {}) {
  const { registry } = await stageRegistry(t);
  const workPath = await testFolder(t);
  const { log } = keptLog();
  const deps = {
    registry,
    bodies: new Bodies(registry, workPath, new Durations()),
    workPath,
    log,
    access: undefined,
    welcome: () => {},
    configuredHost: undefined,
    corsOrigins: [],
    hasStarted: () => true,
    isReady: () => true,
    tally: new Tally(),
    console: async () => new Map(),
    version: "0",
    ...more,
  } as unknown as AppDeps;
  let hot = 0;
  const answer = hotPolls(deps);
  const counting: Hot = (request, reply) => {
    const isAnswered = answer(request, reply);
    if (isAnswered) hot++;
    return isAnswered;
  };
  const serve = async (way: Hot | undefined) => {
    const { fetch } = createApp(deps);
    const options = { host: "127.0.0.1", port: 0, tls: undefined, log };
    const server = createServer({ ...options, fetch, hot: way });
    const { port } = await server.listen();
    atEnd(t, () => server.close(AbortSignal.abort()));
    return port;
  };
  const [short, long] = [await serve(counting), await serve(undefined)];
  /** The whole reply to a request with these lines, but for its date. */
  const ask = async (port: number, line: string, headers: string[]) => {
    const host = headers.some((header) => /^host:/i.test(header)) ? [] : ["Host: localhost:8080"];
    const client = await openClient(port);
    client.send([line, ...host, ...headers, "Connection: close", "", ""].join("\r\n"));
    const text = await client.closed();
    const [head = "", ...body] = text.replace(/^Date: .*\r\n/m, "").split("\r\n\r\n");
    const [status, ...lines] = head.split("\r\n");
    return [
      status,
      ...lines.map((each) => each.replace(/^[^:]*/, (name) => name.toLowerCase())).sort(),
      ...body,
    ];
  };
  /** Asks both, who must say the same, and gives that and whether it was said the short way. */
  const askBoth = async (line: string, ...headers: string[]) => {
    const before = hot;
    const shortly = await ask(short, line, headers);
    const isHot = hot > before;
    assert.deepEqual(shortly, await ask(long, line, headers), line);
    return { isHot, status: Number(shortly[0]?.split(" ")[1]), lines: shortly };
  };
  return { registry, workPath, deps, askBoth };
}

test("a poll is answered the short way as the app answers it, byte for byte", async (t) => {
  const { registry, workPath, deps, askBoth } = await stage(t);
  const held = registry.add(endedEntry(1, { customName: "plan:one" }));
  registry.add(entry(2, { customName: "two" }));
  const { path } = gatherFolder(workPath, 1);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, "exec.log"), "gathered\n".repeat(10_000));

  const small = registry.add(endedEntry(3, { customName: "naïve-日本" }));
  await askBoth("GET /must-gather/3 HTTP/1.1");
  assert.ok((await deps.bodies.record(small)).bytes.length < 4096);
  const inOneText = await askBoth("GET /must-gather/3 HTTP/1.1");
  assert.ok(inOneText.isHot);
  assert.match(Buffer.from(inOneText.lines.join(), "latin1").toString(), /"naïve-日本"/);

  const first = await askBoth("GET /must-gather/1 HTTP/1.1");
  assert.deepEqual([first.isHot, first.status], [false, 200]); // its body is made now
  const etag = deps.bodies.etag(held);
  const polls: [line: string, status: number, ...headers: string[]][] = [
    ["GET /must-gather/1 HTTP/1.1", 200],
    ["GET /must-gather/plan:one HTTP/1.1", 200],
    ["GET /must-gather/1 HTTP/1.1", 200, "Host: 127.0.0.1"],
    ["GET /must-gather/1 HTTP/1.1", 304, `If-None-Match: ${etag}`],
    ["GET /must-gather/1 HTTP/1.1", 304, `If-None-Match: "other", W/${etag}`],
    ["GET /must-gather/1 HTTP/1.1", 304, "If-None-Match: *"],
    ["GET /must-gather/1 HTTP/1.1", 200, 'If-None-Match: "other"'],
    ["GET /must-gather/1 HTTP/1.1", 200, "Sec-Fetch-Site: cross-site"],
  ];
  for (const [line, status, ...headers] of polls) {
    const answer = await askBoth(line, ...headers);
    assert.deepEqual([answer.isHot, answer.status], [true, status], `${line} ${headers}`);
  }
  registry.changed(held);
  assert.equal((await askBoth("GET /must-gather/1 HTTP/1.1")).isHot, false); // it is another record now
});

test("so is a poll of the list, until a gather changes", async (t) => {
  const { registry, askBoth } = await stage(t);
  const held = registry.add(endedEntry(1));
  registry.add(endedEntry(2));
  for (const query of ["", "?limit=1", "?limit=010", "?status=completed&limit=2"]) {
    const path = `/must-gather${query}`;
    const poll = `GET ${path} HTTP/1.1`;
    assert.deepEqual((await askBoth(poll)).isHot, false, path); // it is made now
    const [first, again] = [await askBoth(poll), await askBoth(poll, "If-None-Match: *")];
    assert.deepEqual([first.isHot, first.status], [true, 200], path);
    assert.deepEqual([again.isHot, again.status], [true, 200], "a list has no tag");
  }
  registry.changed(held);
  assert.equal((await askBoth("GET /must-gather HTTP/1.1")).isHot, false);
  const others: [path: string, status: number][] = [
    ["/must-gather/", 200],
    ["/must-gather/?limit=1", 200],
    ["/must-gather?limit=10001", 400],
    ["/must-gather?status=done", 400],
    ["/must-gather?q=it's", 200], // kept by the text of its URL
  ];
  for (const [path, status] of others) {
    await askBoth(`GET ${path} HTTP/1.1`);
    const answer = await askBoth(`GET ${path} HTTP/1.1`);
    assert.deepEqual([answer.isHot, answer.status], [false, status], path);
  }
});

test("what is no plain poll, or might be refused, goes to the app", async (t) => {
  let started = false;
  const { registry, askBoth } = await stage(t, { hasStarted: () => started });
  registry.add(endedEntry(1, { customName: "a b" }));
  const poll = "GET /must-gather/1 HTTP/1.1";
  assert.equal((await askBoth(poll)).status, 503);
  started = true;
  assert.equal((await askBoth(poll)).status, 200);
  const others: [line: string, status: number, ...headers: string[]][] = [
    ["HEAD /must-gather/1 HTTP/1.1", 200],
    ["GET /must-gather/1/ HTTP/1.1", 200],
    ["GET /must-gather/1?x=1 HTTP/1.1", 200],
    ["GET /must-gather/a%20b HTTP/1.1", 200],
    ["GET http://localhost/must-gather/1 HTTP/1.1", 200],
    ["GET /must-gather/../must-gather/1 HTTP/1.1", 200],
    ["GET /must-gather/%31 HTTP/1.1", 200],
    ["GET /must-gather/9 HTTP/1.1", 404],
    ["GET /must-gather/.. HTTP/1.1", 200],
    ["PUT /must-gather/1 HTTP/1.1", 405],
    [poll, 200, "Prefer: wait=0"],
    [poll, 200, "Origin: https://elsewhere.example"],
    [poll, 421, "Host: elsewhere.example"],
    [poll, 421, "Host: 256.1.1.1"],
    [poll, 400, "Host: local host"],
    [poll, 400, "Host: localhost:99999"],
  ];
  for (const [line, status, ...headers] of others) {
    const answer = await askBoth(line, ...headers);
    assert.deepEqual([answer.isHot, answer.status], [false, status], `${line} ${headers}`);
  }
});

test("only who was let in a moment ago is answered the short way, and is welcomed each time", async (t) => {
  const welcomed: string[] = [];
  const { registry, askBoth } = await stage(t, {
    access: access(),
    welcome: (token) => welcomed.push(token),
  });
  registry.add(endedEntry(1));
  const poll = "GET /must-gather/1 HTTP/1.1";
  assert.deepEqual((await askBoth(poll, "Authorization: Bearer good")).isHot, false);
  assert.deepEqual(welcomed, ["good", "good"]);
  assert.deepEqual((await askBoth(poll, "Authorization: Bearer good")).isHot, true);
  assert.equal(welcomed.length, 4);
  await askBoth("GET /must-gather HTTP/1.1", "Authorization: Bearer good");
  assert.ok((await askBoth("GET /must-gather HTTP/1.1", "Authorization: Bearer good")).isHot);
  const list = await askBoth("GET /must-gather HTTP/1.1", "Authorization: Bearer bad");
  assert.deepEqual([list.isHot, list.status], [false, 401]);
  welcomed.length = 4;
  for (const headers of [[], ["Authorization: Bearer bad"], ["Authorization: Basic good"]]) {
    const { isHot, status } = await askBoth(poll, ...headers);
    assert.deepEqual([isHot, status], [false, 401], String(headers));
  }
  assert.equal(welcomed.length, 4);
});

test("where pages of other origins may read replies, those tell caches so", async (t) => {
  const { registry, askBoth } = await stage(t, { corsOrigins: ["https://ui.example"] });
  registry.add(endedEntry(1));
  const poll = "GET /must-gather/1 HTTP/1.1";
  await askBoth(poll);
  const plain = await askBoth(poll);
  assert.ok(plain.isHot && plain.lines.includes("vary: Origin"));
  assert.equal((await askBoth(poll, "Origin: https://ui.example")).isHot, false);
});
