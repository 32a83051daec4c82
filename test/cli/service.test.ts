/** The client with the real service: once with the embedded gatherer, else with an oc that has less to do. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { GatherRecord } from "../../src/schema/record.ts";
import { createFakeOc, type FakeOc } from "../support/fake-oc.ts";
import { makePlace, startService } from "../support/service.ts";
import { Place } from "./start.ts";

const run = promisify(execFile);
const TOKEN = "sha256~Zm9yIHRoZSB0ZXN0";
const SLOW = ["--image", "localhost/slow-must-gather:latest"];

describe("the client with the real service", () => {
  let place: Place;
  let oc: FakeOc;
  /** In the environment of a client whose service shall have that oc. */
  let withOc: Record<string, string>;

  beforeEach(async () => {
    place = await Place.make();
    oc = await createFakeOc({ folder: place.root });
    withOc = { OC: oc.path, MUST_GATHER_IMAGE: "localhost/instant:latest" };
  });

  afterEach(async () => {
    await oc.close();
    await place.remove();
  });

  /** Listens on a port of 127.0.0.1; any free one without `port`. */
  async function listen(server: Server, port = 0): Promise<number> {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  /** A port that nobody uses, from those that the system gives to nobody by itself. */
  async function freePort(): Promise<number> {
    for (;;) {
      const port = 20_000 + Math.floor(Math.random() * 10_000);
      const server = createServer();
      try {
        await listen(server, port);
        return port;
      } catch {
        continue;
      } finally {
        server.close();
      }
    }
  }

  /** Fails when somebody still has the journal or the port of a service that was ended. */
  async function assertGone(port: number): Promise<void> {
    const server = createServer();
    assert.equal(await listen(server, port), port, "the port is free");
    server.close();
    const journal = await readdir(place.journal).catch((): string[] => []);
    assert.ok(!journal.includes("owner.sock"), "the journal is nobody's");
    assert.deepEqual(await place.leftovers(), []);
  }

  /** What the journal says of the first gather. */
  async function journalled(): Promise<Record<string, unknown>> {
    return JSON.parse(await readFile(join(place.journal, "1.json"), "utf8"));
  }

  /** The process ids of the oc that runs and of its service. */
  async function processes(): Promise<{ oc: number; service: number }> {
    for (;;) {
      const { process } = await journalled() as { process: { pid: number } | null };
      if (process) {
        const { stdout } = await run("ps", ["-o", "ppid=", "-p", String(process.pid)]);
        return { oc: process.pid, service: Number(stdout) };
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  test("without a service one is started for the gather, and is gone afterwards", async () => {
    const port = await freePort();
    const { code, stdout, stderr } = await place.run([], { PORT: `127.0.0.1:${port}` });
    assert.equal(code, 0, stderr);
    assert.match(stderr, new RegExp(`^Gather 1 is on its way at http://127.0.0.1:${port}/$`, "m"));
    const [path = "", ...lines] = stdout.trimEnd().split("\n");
    assert.match(path, /local-gather\S*\.zip$/);
    assert.match(lines[2] ?? "", /^ {2}entries {2}\d+, the first 10:$/);
    assert.equal(lines.length, 13);
    assert.deepEqual(await place.files(), [path.slice(place.here.length + 1)]);
    await assertGone(port);
  });

  test("Ctrl-C cancels the gather, and ends the service that was started", async () => {
    const port = await freePort();
    const client = place.start(SLOW, { ...withOc, PORT: `${port}` });
    await client.told("starting");
    client.kill("SIGINT");
    assert.equal(await client.ended, 130);
    assert.match(client.stderr(), /^Gather 1 has ended: Cancelled/m);
    assert.equal((await journalled())["reason"], "cancelled");
    await assertGone(port);
  });

  test("Ctrl-C while the service starts ends that too", async () => {
    const port = await freePort();
    const client = place.start(SLOW, { ...withOc, PORT: `${port}` });
    await client.told("Starting the service");
    client.kill("SIGTERM");
    assert.equal(await client.ended, 143);
    await assertGone(port);
  });

  test("a service that dies under a gather is told with its last words", async () => {
    const port = await freePort();
    const client = place.start(SLOW, { ...withOc, PORT: `${port}` });
    await client.told("starting");
    const { oc, service } = await processes();
    process.kill(service, "SIGKILL");
    assert.equal(await client.ended, 1);
    assert.match(client.stderr(), /^The service ended: /m);
    process.kill(-oc, "SIGKILL");
    assert.deepEqual(await place.leftovers(), []);
  });

  test("a service that runs is used and goes on; its journal keeps others away", async () => {
    const theirs = await makePlace();
    const service = await startService(theirs, {
      ...withOc,
    });
    try {
      const env = {
        PORT: new URL(service.url).host,
        JOURNAL_PATH: theirs.env["JOURNAL_PATH"] ?? "",
      };
      const [used, refused] = await Promise.all([
        place.run(["--json"], env),
        place.run([], { ...env, PORT: "127.0.0.1:0" }),
      ]);
      assert.equal(used.code, 0, used.stderr);
      const record = JSON.parse(used.stdout) as GatherRecord & { "local-file": string };
      assert.deepEqual(record, { ...await service.get(1), "local-file": record["local-file"] });
      assert.doesNotMatch(used.stderr, /Starting|Stopping/);

      assert.equal(refused.code, 1);
      assert.match(
        refused.stderr,
        /^The service ended: Another must-gather service uses the journal/m,
      );
    } finally {
      assert.equal(await service.stop(), 0);
      await theirs.remove();
    }
  });

  test("two clients at once share one service, which is stopped when both have what they want", async () => {
    const port = await freePort();
    const clients = [1, 2].map(() => place.run([], { ...withOc, PORT: `${port}` }));
    const ended = await Promise.all(clients);
    for (const { code, stderr } of ended) assert.equal(code, 0, stderr);
    assert.equal((await place.files()).length, 2);
    await assertGone(port);
  });

  test("a service that goes while our gather waits in its queue is followed by one of our own, which runs it", async () => {
    const theirs = await makePlace();
    const port = await freePort();
    const env = { ...withOc, ...theirs.env, PORT: `127.0.0.1:${port}`, MAX_CONCURRENT: "1" };
    const service = await startService(theirs, env);
    try {
      const first = await service.start({ image: "localhost/slow-must-gather:latest" });
      await service.until(first.id, ({ state }) => state.endsWith("collecting"));
      const client = place.start([], env);
      await client.told("queued");
      assert.equal(await service.stop(), 0);
      assert.equal(await client.ended, 0, client.stderr());
      assert.match(
        client.stderr(),
        /cannot be reached[\s\S]*Starting the service[\s\S]*Stopping the service/,
      );
      assert.equal((await place.files()).length, 1);
      await assertGone(port);
    } finally {
      await service.stop();
      await theirs.remove();
    }
  });

  test("a service that another client ends before it was seen is followed by one of our own", async () => {
    const theirs = await makePlace();
    const service = await startService(theirs, { ...withOc });
    try {
      const client = place.start([], {
        ...withOc,
        PORT: `${await freePort()}`,
        JOURNAL_PATH: theirs.env["JOURNAL_PATH"] ?? "",
      });
      await client.told("Starting the service");
      await sleep(1000);
      assert.equal(await service.stop(), 0);
      assert.equal(await client.ended, 0, client.stderr());
      assert.equal((await place.files()).length, 1);
    } finally {
      await service.stop();
      await theirs.remove();
    }
  });

  test("a port where something speaks another protocol is told, and a free one used", async () => {
    const heard: string[] = [];
    const server = createServer((socket) => {
      socket.on("error", () => {}).on("data", (text) => void heard.push(text.toString()));
      socket.write("220 mail.example ESMTP\r\n");
    });
    const port = await listen(server);
    try {
      const env = { ...withOc, PORT: `${port}`, MUST_GATHER_TOKEN: TOKEN };
      const { code, stderr } = await place.run(["--image", "localhost/nodata:latest"], env);
      assert.equal(code, 1);
      assert.match(
        stderr,
        new RegExp(`^127.0.0.1:${port} is taken by something .* free port`, "m"),
      );
      assert.match(stderr, /^Gather 1 failed \(no-data\): oc ended without an error/m);
      assert.match(heard.join(""), /^GET \/healthz /);
      assert.doesNotMatch(heard.join(""), /sha256~|authorization/i);
    } finally {
      server.close();
    }
  });

  test("a port where another web server answers is told, and a free one used", async () => {
    const heard: string[] = [];
    const server = createHttpServer((request, response) => {
      heard.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)}`);
      response.end("<html>It works!</html>");
    });
    const port = await listen(server);
    try {
      const env = { ...withOc, PORT: `${port}`, MUST_GATHER_TOKEN: TOKEN };
      const { code, stderr } = await place.run([], env);
      assert.equal(code, 0, stderr);
      assert.match(
        stderr,
        /is taken by .* healthz answers 200 and not our name\); using a free port/,
      );
      assert.equal(heard.length, 1);
      assert.doesNotMatch(heard.join(""), /sha256~|authorization/);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  test("a configuration that the service cannot use is told in its words", async () => {
    const port = await freePort();
    const { code, stderr } = await place.run([], { PORT: `${port}`, TIMEOUT: "soon" });
    assert.equal(code, 1);
    assert.match(stderr, /^The service ended: TIMEOUT: cannot use "soon"/m);
    assert.equal((await place.run([], { PORT: "here" })).stderr.match(/^PORT: /)?.length, 1);
  });
});
