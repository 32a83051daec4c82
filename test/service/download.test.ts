/** Downloads that break off and are continued. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { open, readFile, rm, stat } from "node:fs/promises";
import { get, type IncomingMessage } from "node:http";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createFakeOc, type FakeOc } from "../support/fake-oc.ts";
import { makePlace, type Place, type Service, startService } from "../support/service.ts";
import type { GatherRecord } from "../../src/schema/record.ts";
import { COLLECTING, COPYING, makeStandIn } from "../soak/stand-in.ts";

/** Far more than what waits in the buffers between two processes. Bytes. */
const SIZE = 12_000_000;

/** Where it is cut, in shares of what is left: anywhere, but the same every time. */
const CUTS = [0.013, 0.2, 0.07, 0.31, 0.001, 0.12, 0.25, 0.05, 0.4, 0.17];

/** The reply's status line and headers, bytes: they count with what is cut. */
const LONGEST_HEAD = 1024;

/** What curl ends with when less came than was promised. */
const PARTIAL_FILE = 18;

const GATHER = `${COLLECTING}; ${COPYING}; head -c ${SIZE} /dev/urandom > "$dest/noise.bin"`;

/** Continues a download into a file as far as it goes; whether that was to the end. */
type Client = (url: string, file: string) => Promise<boolean>;

const hasCurl = spawnSync("curl", ["--version"]).status === 0;
const clients: Readonly<Record<string, Client>> = {
  "our own": ownClient,
  ...(hasCurl ? { "curl -C -": curl } : {}),
};

describe("a download", () => {
  let place: Place;
  let oc: FakeOc;
  let service: Service;
  let record: GatherRecord;

  before(async () => {
    place = await makePlace();
    oc = await createFakeOc({ folder: place.folder });
    const standIn = await makeStandIn(place.folder, oc.path, { noise: GATHER });
    service = await startService(place, { OC: standIn, ARCHIVE_LEVEL: "1" });
    record = await service.ended((await service.start({ image: "localhost/noise" })).id);
    assert.equal(record.status, "completed", record.message);
    assert.ok(record["archive-size"] > SIZE);
  });
  after(async () => {
    await service?.stop();
    await oc.close();
    await place.remove();
  });

  const check = async (file: string) => {
    const content = await readFile(file);
    assert.equal(content.length, record["archive-size"]);
    const digest = createHash("sha256").update(content).digest("base64");
    assert.equal(`sha-256=:${digest}:`, record["archive-digest"]);
  };

  for (const [name, client] of Object.entries(clients)) {
    test(`that is cut ten times at any place and continued by ${name} is the archive`, async () => {
      const reply = await service.fetch(`must-gather/${record.id}/link`, { method: "POST" });
      const { url } = await reply.json() as { url: string };
      const line = await cuttingLine(new URL(service.url));
      try {
        const link = new URL(url, line.url).href;
        const file = join(place.folder, `download-${Object.keys(clients).indexOf(name)}`);
        let bytes = 0;
        for (const share of CUTS) {
          line.cutAfter(Math.ceil((record["archive-size"] - bytes) * share));
          assert.equal(await client(link, file), false);
          const { size } = await stat(file);
          assert.ok(size > bytes && size < record["archive-size"], `from ${bytes} to ${size}`);
          bytes = size;
        }
        line.cutAfter(Infinity);
        assert.equal(await client(link, file), true);
        await check(file);
      } finally {
        line.close();
      }
    });
  }

  test("asked about with HEAD is told of as a whole, whatever range is named", async () => {
    for (const range of ["bytes=5-9", "bytes=99999999999-", "bytes=0-0,5-6"]) {
      const headers = { range, "if-range": `"${record["archive-digest"].slice(8, -1)}"` };
      const reply = await service.fetch(record["archive-url"], { method: "HEAD", headers });
      assert.equal(reply.status, 200, range);
      assert.equal(reply.headers.get("content-length"), String(record["archive-size"]));
      assert.equal(reply.headers.get("accept-ranges"), "bytes");
      assert.equal(reply.headers.get("content-range"), null);
      assert.equal(reply.headers.get("repr-digest"), record["archive-digest"]);
    }
  });

  test("of what somebody has removed from the disk is 404, and says so", async () => {
    await rm(join(place.folder, "work", String(record.id), "archive.zip"));
    const reply = await service.fetch(record["archive-url"]);
    assert.equal(reply.status, 404);
    assert.match(await reply.text(), /not on the disk any more/);
  });
});

/** A line to a service that breaks after so many bytes of a reply. */
async function cuttingLine(service: URL) {
  let left = Infinity;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const upstream = connect(Number(service.port), service.hostname);
    for (const each of [socket, upstream]) {
      sockets.add(each);
      each.on("error", () => {}).on("close", () => (socket.destroy(), upstream.destroy()));
    }
    socket.pipe(upstream);
    upstream.on("data", (data: Buffer) => {
      const piece = data.subarray(0, Math.min(data.length, left));
      left -= piece.length;
      if (left === 0) {
        upstream.pause();
        socket.end(piece);
      } else if (!socket.write(piece)) upstream.pause();
    });
    socket.on("drain", () => upstream.resume());
    upstream.on("end", () => socket.end());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    /** Of the content; where the reply's head is shorter, a little more comes through. */
    cutAfter: (bytes: number) => void (left = bytes + LONGEST_HEAD),
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** The tag of the archive as it was read last: a client that continues names it. */
let tag = "";

async function ownClient(url: string, file: string): Promise<boolean> {
  const handle = await open(file, "a");
  try {
    const { size } = await handle.stat();
    const headers = size === 0 ? {} : { "range": `bytes=${size}-`, "if-range": tag };
    const [reply] = await once(get(url, { headers, agent: false }), "response") as [
      IncomingMessage,
    ];
    tag = reply.headers.etag ?? "";
    assert.equal(reply.statusCode, size === 0 ? 200 : 206);
    for await (const piece of reply as AsyncIterable<Buffer>) await handle.write(piece);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ECONNRESET") throw error;
    return false;
  } finally {
    await handle.close();
  }
}

async function curl(url: string, file: string): Promise<boolean> {
  const child = spawn("curl", ["-sS", "-C", "-", "-o", file, url], { stdio: "ignore" });
  const [code] = await once(child, "close");
  assert.ok(code === 0 || code === PARTIAL_FILE, `curl ends with ${code}`);
  return code === 0;
}
