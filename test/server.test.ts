import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createTcpServer } from "node:net";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { test, type TestContext } from "node:test";
import type { Log, LogFields } from "../src/log.ts";
import { createServer, type ServerLimits } from "../src/server.ts";
import { openClient, soon } from "./support/raw-client.ts";

const GET = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
const MIB = 2 ** 20;

/** A client that is busy elsewhere: longer than half a second. Milliseconds. */
const LATE_MS = 1200;

/** A server with the limits of the test, closed when the test is over. */
async function serve(
  t: TestContext,
  limits: Partial<ServerLimits>,
  fetch: (request: Request) => Response | Promise<Response> = () => new Response("hello"),
  processLimits?: string,
) {
  const events: { event: string; fields: LogFields | undefined }[] = [];
  const tell = (event: string, fields?: LogFields) => void events.push({ event, fields });
  const log: Log = { error: tell, warn: tell, info: tell, debug: tell };
  const server = createServer({
    host: "127.0.0.1",
    port: 0,
    tls: undefined,
    fetch,
    log,
    limits,
    processLimits,
  });
  const { port } = await server.listen();
  let closing: Promise<void> | undefined;
  const close = (signal: AbortSignal) => closing ??= server.close(signal);
  const clients: { destroy: () => void }[] = [];
  t.after(async () => {
    for (const client of clients) client.destroy();
    await close(AbortSignal.abort());
  });
  const open = async () => {
    const client = await openClient(port);
    clients.push(client);
    return client;
  };
  const ask = async (request = GET) => {
    const client = await open();
    client.send(request);
    return client;
  };
  return { port, close, events, open, ask };
}

/** A download of `bytes`, and whether it was read to its end or given up. */
function download(bytes: number) {
  const piece = new Uint8Array(256 * 1024);
  const end = Promise.withResolvers<"read" | "given up">();
  let left = bytes;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(piece);
      left -= piece.length;
      if (left > 0) return;
      controller.close();
      end.resolve("read");
    },
    cancel: () => end.resolve("given up"),
  }, { highWaterMark: 0 });
  return {
    end: end.promise,
    response: new Response(body, { headers: { "content-length": String(bytes) } }),
  };
}

/** A reply of which the test says the pieces. */
function spoken() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  writer.closed.catch(() => {});
  return {
    response: new Response(readable),
    say: (text: string) => writer.write(new TextEncoder().encode(text)),
    end: () => writer.close(),
  };
}

test("headers over the limit are answered with 431, and what the limit is", async (t) => {
  const { ask } = await serve(t, { headerBytes: 8192 });
  const client = await ask(`GET / HTTP/1.1\r\nhost: localhost\r\nx: ${"y".repeat(9000)}\r\n\r\n`);
  const reply = await client.closed();
  assert.match(reply, /^HTTP\/1\.1 431 /);
  assert.match(reply, /content-type: application\/problem\+json\r\n/);
  assert.match(reply, /x-content-type-options: nosniff\r\n/);
  const [, body = ""] = reply.split("\r\n\r\n");
  assert.match((JSON.parse(body) as { detail: string }).detail, /over 8192 bytes/);
});

test("what is no HTTP, and a URL that cannot be read, are answered with 400", async (t) => {
  const { ask } = await serve(t, {});
  assert.match(await (await ask("NONSENSE\r\n\r\n")).closed(), /^HTTP\/1\.1 400 [^]+problem\+json/);
  const client = await ask("GET / HTTP/1.1\r\nhost: a b\r\n\r\n");
  await client.until(/^HTTP\/1\.1 400 [^]+nosniff[^]+Host header/);
});

test("a request with several Host headers is answered with 400 and the connection closed, whatever they say", async (t) => {
  const { ask } = await serve(t, {});
  for (const second of ["Host: localhost", "x: 1\r\nhOsT: localhost", "Host:"]) {
    const client = await ask(`GET / HTTP/1.1\r\nhost: localhost\r\n${second}\r\n\r\n${GET}`);
    const reply = await client.closed();
    assert.match(reply, /^HTTP\/1\.1 400 [^]+problem\+json[^]+more than one Host header/);
    assert.equal(reply.match(/HTTP\/1\.1/g)?.length, 1);
  }
});

for (const how of ["content-length: 10000000", "transfer-encoding: chunked"]) {
  test(`who is answered early and reads late, still sending, gets the answer (${how})`, async (t) => {
    const { open } = await serve(t, {}, async ({ body, headers }) => {
      const reader = headers.has("content-length") ? undefined : body?.getReader();
      await reader?.read();
      return new Response("too long", { status: 413 });
    });
    const client = await open();
    client.socket.pause();
    client.send(`POST / HTTP/1.1\r\nhost: localhost\r\n${how}\r\n\r\n`);
    const piece = `ffa\r\n${"x".repeat(0xffa)}\r\n`;
    const started = performance.now();
    while (performance.now() - started < LATE_MS) {
      client.send(piece);
      await sleep(10);
    }
    client.socket.resume();
    await client.until(/^HTTP\/1\.1 413 [^]+too long/);
  });
}

test("who sends headers over the limit and reads late, still sending, gets the answer", async (t) => {
  const { open } = await serve(t, { headerBytes: 8192 });
  const client = await open();
  client.socket.pause();
  client.send("GET / HTTP/1.1\r\nhost: localhost\r\n");
  const started = performance.now();
  while (performance.now() - started < LATE_MS) {
    client.send(`x: ${"y".repeat(4000)}\r\n`);
    await sleep(10);
  }
  client.socket.resume();
  await client.until(/^HTTP\/1\.1 431 [^]+over 8192 bytes/);
});

test("what is left of a request that was answered is passed over, and the next one is answered", async (t) => {
  const { open } = await serve(t, {}, ({ method }) => new Response(method));
  const client = await open();
  client.send("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\n");
  await client.until(/POST$/);
  client.send(`${"x".repeat(1_000_000)}${GET}`);
  await client.until(/GET$/);
});

test("a request that was answered and does not come to its end is closed, and nothing more said", async (t) => {
  const { open } = await serve(t, { headersMs: 300, requestMs: 600 }, () => new Response("early"));
  const client = await open();
  client.send("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nabc");
  assert.match(await client.closed(), /^HTTP\/1\.1 200 [^]+early$/);
});

test("nothing is said in the midst of a reply", async (t) => {
  const { response, say } = spoken();
  const { ask } = await serve(t, {}, () => response);
  const client = await ask();
  await say("one\n");
  await client.until(/one/);
  client.send("NONSENSE\r\n\r\n");
  assert.match(await client.closed(), /one\n\r\n$/);
});

test("headers, bodies and first words that do not come are answered with 408", async (t) => {
  const { ask } = await serve(
    t,
    { headersMs: 300, requestMs: 600 },
    async (request) => new Response(await request.text()),
  );
  const replies = await Promise.all([
    "",
    "GET / HTTP/1.1\r\nhost: local",
    "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nabc",
  ].map(async (start) => (await ask(start)).closed()));
  for (const reply of replies) assert.match(reply, /^HTTP\/1\.1 408 [^]+problem\+json/);
});

test("connections that ask for nothing make room for those that do, however many they are", async (t) => {
  const { open, ask, events } = await serve(t, { connections: 20 });
  const kept = await ask();
  await kept.until(/hello/);
  const slow = await Promise.all(Array.from({ length: 60 }, open));
  for (const client of slow) client.send("GET / HTTP/1.1\r\n");
  for (let round = 0; round < 5; round++) {
    const client = await ask();
    await client.until(/hello/);
  }
  await kept.closed(); // it had waited longest
  await Promise.all(slow.slice(0, 45).map((client) => client.closed()));
  assert.equal(slow.filter(({ socket }) => socket.closed).length, 45);
  assert.equal(events.filter(({ event }) => event.startsWith("too many")).length, 1);
});

test("when all connections are in a request, the next one is closed", async (t) => {
  const held = Promise.withResolvers<void>();
  const came = Promise.withResolvers<void>();
  let requests = 0;
  const { ask } = await serve(t, { connections: 2 }, async () => {
    if (++requests === 2) came.resolve();
    await held.promise;
    return new Response("hello");
  });
  const busy = [await ask(), await ask()];
  await soon(came.promise, "both requests");
  const third = await ask();
  assert.equal(await third.closed(), "");
  held.resolve();
  for (const client of busy) await client.until(/hello/);
});

test("a process that may open few files has fewer connections, so that each may have one", async (t) => {
  const limits =
    "Limit          Soft Limit  Hard Limit  Units\nMax open files 230         4096        files";
  const { open, ask } = await serve(t, {}, undefined, limits);
  const clients = await Promise.all(Array.from({ length: 20 }, open));
  await (await ask()).until(/hello/);
  await Promise.all(clients.slice(0, 6).map((client) => client.closed()));
  assert.equal(clients.filter(({ socket }) => socket.closed).length, 6);
});

test("one connection has a bounded number of requests, in all and at once", async (t) => {
  const { ask } = await serve(t, { requests: 3, requestsAtOnce: 2 });
  const client = await ask();
  for (let n = 1; n <= 2; n++) {
    await client.until(new RegExp(`(?:Connection: keep-alive[^]+?hello[^]*){${n}}`));
    client.send(GET);
  }
  assert.match(await client.closed(), /Connection: close\r\n[^]*hello$/i);

  const eager = await ask(GET.repeat(3));
  assert.match(await eager.closed(), /hello[^]+hello[^]+503 [^]+connection: close[^]+at once/i);
});

test("a connection that has nothing to ask is closed after a while", async (t) => {
  const { ask } = await serve(t, { keepAliveMs: 200 });
  const client = await ask();
  const started = performance.now();
  assert.match(await client.closed(), /hello$/);
  assert.ok(performance.now() - started >= 200);
});

test("a reader that stops is cut off, and what it read from is given up", async (t) => {
  const stopped = download(64 * MIB);
  const { ask, events } = await serve(t, { stallMs: 400 }, () => stopped.response);
  const client = await ask();
  await client.until(/content-length/);
  client.socket.pause();
  assert.equal(await soon(stopped.end, "the end of a stopped reader"), "given up");
  client.socket.resume();
  await client.closed();
  assert.ok(client.received() < 64 * MIB);
  assert.deepEqual(events.map(({ event }) => event), ["a client that stopped reading is cut off"]);
});

test("a reader that is slow gets everything", async (t) => {
  const bytes = 32 * MIB;
  const slow = download(bytes);
  const stallMs = 800;
  const { ask } = await serve(t, { stallMs }, () => slow.response);
  const started = performance.now();
  const client = await ask();
  client.socket.on("data", () => {
    client.socket.pause();
    setTimeout(() => client.socket.resume(), 3);
  });
  assert.equal(await soon(slow.end, "the end of a slow reader"), "read");
  while (client.received() < bytes) await soon(once(client.socket, "data"), "the rest");
  assert.ok(performance.now() - started > stallMs, "slower than the limit");
});

test("a reader for whom there is nothing to read is not cut off", async (t) => {
  const { response, say } = spoken();
  const { ask } = await serve(t, { stallMs: 100 }, () => response);
  const client = await ask();
  await say("one\n");
  await client.until(/one/);
  await sleep(500); // five times the limit
  await say("two\n");
  await client.until(/two/);
});

test("closing ends at once what waits, and leaves a reply its end", async (t) => {
  const { response, say, end } = spoken();
  const { ask, open, close, port } = await serve(
    t,
    {},
    (request) => request.url.endsWith("/long") ? response : new Response("hello"),
  );
  const idle = await ask();
  await idle.until(/hello/);
  const silent = await open();
  const long = await ask("GET /long HTTP/1.1\r\nhost: localhost\r\n\r\n");
  await say("one\n");
  await long.until(/one/);
  const arriving = await ask("GET / HTTP/1.1\r\n");
  await (await ask()).until(/hello/); // so the line before has arrived, too

  let isClosed = false;
  const closed = close(new AbortController().signal).then(() => isClosed = true);
  await idle.closed();
  await silent.closed();
  await assert.rejects(openClient(port), { code: "ECONNREFUSED" });
  arriving.send("host: localhost\r\n\r\n");
  assert.match(await arriving.closed(), /connection: close[^]+hello$/i);
  await say("two\n");
  await long.until(/two/);
  assert.equal(isClosed, false);
  await end();
  await long.closed();
  await soon(closed, "the server to close");
});

test("closing cuts what has not ended in time", async (t) => {
  const endless = download(1024 * MIB);
  const { ask, close } = await serve(t, {}, () => endless.response);
  const client = await ask();
  await client.until(/content-length/);
  client.socket.pause();
  const late = new AbortController();
  const closed = close(late.signal);
  late.abort();
  await soon(closed, "the server to close");
  assert.equal(await soon(endless.end, "the end of the download"), "given up");
});

test("closing does not wait for requests that never arrive, only for replies", async (t) => {
  const { response, say, end } = spoken();
  const { ask, close } = await serve(
    t,
    {},
    (request) => request.url.endsWith("/long") ? response : new Response("hello"),
  );
  const long = await ask("GET /long HTTP/1.1\r\nhost: localhost\r\n\r\n");
  await say("one\n");
  const arriving = await ask("GET / HTTP/1.1\r\n");
  await (await ask()).until(/hello/); // so the line before has arrived, too
  const closed = close(new AbortController().signal);
  assert.equal(await arriving.closed(), "");
  assert.equal(long.socket.closed, false);
  await end();
  await long.closed();
  await soon(closed, "the server to close");
});

test("an address that cannot be had is told with what to do", async (t) => {
  const other = createTcpServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  t.after(() => other.close());
  const { port } = other.address() as AddressInfo;
  const none = () => {};
  const log: Log = { error: none, warn: none, info: none, debug: none };
  const server = createServer({
    host: "127.0.0.1",
    port,
    tls: undefined,
    fetch: () => new Response(),
    log,
  });
  await assert.rejects(server.listen(), /another program uses the port; .*set PORT/);
});
