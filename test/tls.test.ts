import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log, LogFields } from "../src/log.ts";
import { createServer, type ServerLimits } from "../src/server.ts";
import { type Authority, type KeyKind, makeAuthority } from "./support/api-server.ts";
import { openClient, type RawClient, serialOf, soon } from "./support/raw-client.ts";

const GET = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

interface Issued {
  certificate: string;
  key: string;
}

describe("TLS", () => {
  let folder: string;
  let authority: Authority;
  let ca: string;
  /** Three pairs of the same authority. */
  let first: Issued;
  let second: Issued;
  let rsa: Issued;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "tls-test-"));
    authority = await makeAuthority(join(folder, "authority"));
    ca = await readFile(authority.path, "utf8");
    first = await authority.issue("ec");
    second = await authority.issue("ec");
    rsa = await authority.issue("rsa");
  });
  after(() => rmSync(folder, { recursive: true }));

  /** What a test has opened, to be closed behind it. (What its own context is given to do then is not done on Deno within a suite.) */
  const opened: (() => unknown)[] = [];
  afterEach(async () => {
    for (let close = opened.pop(); close; close = opened.pop()) await close();
  });

  let mounts = 0;

  /** A folder as Kubernetes mounts a secret: `tls.crt` → `..data/tls.crt`, and `..data` → a folder that is replaced. */
  function mount({ certificate, key }: Issued) {
    const at = join(folder, `mount-${++mounts}`);
    let version = 0;
    const put = (pair: Issued) => {
      const name = `..version-${++version}`;
      mkdirSync(join(at, name), { recursive: true });
      writeFileSync(join(at, name, "tls.crt"), pair.certificate);
      writeFileSync(join(at, name, "tls.key"), pair.key);
      symlinkSync(name, join(at, "..data_tmp"));
      renameSync(join(at, "..data_tmp"), join(at, "..data"));
    };
    put({ certificate, key });
    const files = { certificate: join(at, "tls.crt"), key: join(at, "tls.key") };
    symlinkSync(join("..data", "tls.crt"), files.certificate);
    symlinkSync(join("..data", "tls.key"), files.key);
    return { files, put };
  }

  /** A server with that pair, which looks at its files all the time. */
  async function serve(
    pair: Issued,
    fetch = (request: Request) => new Response(new URL(request.url).protocol),
    limits: Partial<ServerLimits> = {},
  ) {
    const { files, put } = mount(pair);
    const events: { event: string; fields: LogFields | undefined }[] = [];
    let told = Promise.withResolvers<void>();
    const tell = (event: string, fields?: LogFields) => {
      events.push({ event, fields });
      told.resolve();
      told = Promise.withResolvers();
    };
    const log: Log = { error: tell, warn: tell, info: tell, debug: tell };
    const server = createServer({
      host: "127.0.0.1",
      port: 0,
      tls: files,
      fetch,
      log,
      limits,
      certificateLookMs: 20,
    });
    const { port } = await server.listen();
    const clients: RawClient[] = [];
    opened.push(async () => {
      for (const client of clients) client.destroy();
      await server.close(AbortSignal.abort());
    });
    return {
      files,
      put,
      port,
      events,
      /** Fulfils when `count` events were logged. */
      told: async (count: number) => {
        while (events.length < count) await soon(told.promise, "a line of the log");
      },
      connect: async () => {
        const client = await openClient(port, ca);
        clients.push(client);
        return client;
      },
    };
  }

  /** Asks once more on an open connection. */
  async function ask(client: RawClient): Promise<void> {
    const replies = client.text().split("https:").length;
    client.send(GET);
    await client.until(new RegExp(`(?:200 OK[^]+?https:[^]*){${replies}}`));
  }

  /** What `openssl s_client` says of a server with these options. */
  async function openssl(port: number, ...options: string[]): Promise<string> {
    const child = spawn("openssl", ["s_client", "-connect", `127.0.0.1:${port}`, ...options], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    child.stdout.on("data", (data) => said += data);
    child.stderr.on("data", (data) => said += data);
    await once(child, "close");
    return said;
  }

  test("a renewed certificate is for new connections; old ones go on", async () => {
    const { put, connect, told, events } = await serve(first);
    const old = await connect();
    await ask(old);
    put(rsa);
    await told(1);
    assert.equal(events[0]?.event, "certificate renewed");
    await ask(old);
    const young = await connect();
    await ask(young);
    assert.notEqual(serialOf(young), serialOf(old));
    put(second);
    await told(2);
    await ask(old);
    await ask(young);
    const youngest = await connect();
    await ask(youngest);
    assert.equal(new Set([old, young, youngest].map(serialOf)).size, 3);
  });

  const bad: [string, (pair: Issued) => Issued, RegExp][] = [
    [
      "half a certificate",
      (p) => ({ ...p, certificate: half(p.certificate) }),
      /API_TLS_CERTIFICATE/,
    ],
    ["half of a chain", (p) => ({ ...p, certificate: p.certificate + half(ca) }), /cut off/],
    ["half a key", (p) => ({ ...p, key: half(p.key) }), /API_TLS_KEY.*no whole private key/],
    ["no bytes", () => ({ certificate: "", key: "" }), /API_TLS_CERTIFICATE.*cut off/],
    ["the key of another", (p) => ({ ...p, key: first.key }), /is not the key of/],
    ["the RSA key of another", (p) => ({ ...p, key: rsa.key }), /is not the key of/],
  ];

  for (const [name, spoil, why] of bad) {
    test(`${name} leaves the old pair in use, is told once, and a good pair is taken up after it`, async () => {
      const { put, connect, told, events } = await serve(first);
      const old = await connect();
      put(spoil(second));
      await told(1);
      assert.equal(events[0]?.event, "certificate not renewed, the old one stays");
      assert.match(String(events[0]?.fields?.["reason"]), why);
      const young = await connect();
      await ask(young);
      assert.equal(serialOf(young), serialOf(old));
      await sleep(100); // five more looks
      put(second);
      await told(2);
      assert.equal(events[1]?.event, "certificate renewed", "and nothing was told again");
      const youngest = await connect();
      await ask(youngest);
      assert.notEqual(serialOf(youngest), serialOf(old));
      await ask(old);
    });
  }

  test("files that are no links are taken up as well when they are replaced", async () => {
    const { files, connect, told, events } = await serve(first);
    const old = await connect();
    rmSync(files.certificate);
    writeFileSync(files.certificate, second.certificate);
    rmSync(files.key);
    writeFileSync(files.key, second.key);
    await told(1);
    assert.equal(events[0]?.event, "certificate renewed");
    const young = await connect();
    assert.notEqual(serialOf(young), serialOf(old));
  });

  test("nothing older than TLS 1.2 is spoken, and HTTPS is told to stay", async () => {
    const { port, connect } = await serve(first);
    const weak = ["-cipher", "DEFAULT@SECLEVEL=0"];
    // An alert is the server's: this openssl would have spoken it.
    const refused = /alert (?:protocol version|handshake failure)[^]+Cipher is \(NONE\)/;
    assert.match(await openssl(port, "-tls1_1", ...weak), refused);
    assert.match(await openssl(port, "-tls1", ...weak), refused);
    assert.match(await openssl(port, "-tls1_2", ...weak), /TLSv1\.2, Cipher is [A-Z]/);
    assert.match(await openssl(port, "-tls1_3"), /TLSv1\.3, Cipher is [A-Z]/);
    const client = await connect();
    await ask(client);
    assert.match(client.text(), /strict-transport-security: max-age=31536000\r\n/);
  });

  test("who connects and does not speak TLS, or says no more after it, is closed", async () => {
    const { port, connect } = await serve(first, undefined, { headersMs: 500 });
    const silent = await openClient(port);
    const plain = await openClient(port);
    plain.send(GET);
    const late = await connect();
    assert.equal(await silent.closed(), "");
    await plain.closed();
    assert.match(await late.closed(), /^HTTP\/1\.1 408 /);
  });

  test("a reader that stops is cut off, through TLS too", async () => {
    const givenUp = Promise.withResolvers<void>();
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(256 * 1024)),
      cancel: () => givenUp.resolve(),
    }, { highWaterMark: 0 });
    const { port } = await serve(first, () => new Response(endless), { stallMs: 500 });
    // Nobody reads what it prints, so that it cannot read on: a TLS client of Deno's own reads ahead without end.
    const child = spawn("openssl", ["s_client", "-quiet", "-connect", `127.0.0.1:${port}`], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    const ended = once(child, "close");
    child.stdin.write(GET);
    await soon(givenUp.promise, "the end of the download");
    child.kill("SIGKILL");
    child.stdout.resume();
    await ended;
  });

  /** What tools write a key as, besides PKCS #8. */
  async function asTraditional(kind: KeyKind, key: string): Promise<string> {
    const child = spawn("openssl", kind === "rsa" ? ["rsa", "-traditional"] : ["ec"]);
    let pem = "";
    child.stdout.on("data", (data) => pem += data);
    child.stdin.end(key);
    await once(child, "close");
    assert.match(pem, kind === "rsa" ? /BEGIN RSA PRIVATE KEY/ : /BEGIN EC PRIVATE KEY/);
    return pem;
  }

  for (const kind of ["rsa", "ec"] as const) {
    test(`${kind} keys work as service-ca and cert-manager write them, before a chain`, async () => {
      const { certificate, key } = kind === "rsa" ? rsa : first;
      const { connect } = await serve({
        certificate: certificate + ca,
        key: await asTraditional(kind, key),
      });
      await ask(await connect());
    });
  }

  test("a pair that is none stops the start with the variable, the file and what to do", async () => {
    const encrypted = first.key.replaceAll("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    const cases: [Issued, RegExp][] = [
      [
        { ...first, certificate: "" },
        /^API_TLS_CERTIFICATE: \S+tls\.crt holds no whole certificate/,
      ],
      [{ ...first, key: "" }, /^API_TLS_KEY: \S+tls\.key holds no whole private key$/],
      [{ ...first, key: second.key }, /^API_TLS_KEY: \S+tls\.key is not the key of .* one pair$/],
      [{ ...first, key: encrypted }, /^API_TLS_KEY: .*tls\.key is encrypted; give it without/],
    ];
    const none = () => {};
    const make = (files: { certificate: string; key: string }) => () =>
      createServer({
        host: "127.0.0.1",
        port: 0,
        tls: files,
        fetch: () => new Response(),
        log: { error: none, warn: none, info: none, debug: none },
      });
    for (const [pair, message] of cases) assert.throws(make(mount(pair).files), { message });
    const { files } = mount(first);
    assert.throws(make({ ...files, key: join(folder, "none") }), {
      message: /^API_TLS_KEY: cannot read \S+none: ENOENT/,
    });
  });

  function half(pem: string): string {
    return pem.slice(0, pem.length / 2);
  }
});
