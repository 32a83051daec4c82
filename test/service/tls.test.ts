/** The service with a certificate of its own. */
import assert from "node:assert/strict";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Authority, type KeyKind, makeAuthority } from "../support/api-server.ts";
import { openClient, serialOf } from "../support/raw-client.ts";
import { makePlace, PATIENCE_MS, type Place, startService } from "../support/service.ts";

const POLL = "GET /must-gather HTTP/1.1\r\nhost: localhost\r\n\r\n";

describe("a service with a certificate", () => {
  let place: Place;
  let authority: Authority;
  let certificate: string;
  let key: string;

  /** Replaces both files, as what rotates them does. */
  async function put(kind: KeyKind): Promise<void> {
    const pair = await authority.issue(kind);
    await writeFile(`${certificate}.new`, pair.certificate);
    await writeFile(`${key}.new`, pair.key);
    await rename(`${certificate}.new`, certificate);
    await rename(`${key}.new`, key);
  }
  const start = (env: Record<string, string> = {}) =>
    startService(place, {
      OC: "embedded",
      API_TLS_CERTIFICATE: certificate,
      API_TLS_KEY: key,
      ...env,
    });

  before(async () => {
    place = await makePlace();
    authority = await makeAuthority(join(place.folder, "authority"));
    certificate = join(place.folder, "tls.crt");
    key = join(place.folder, "tls.key");
  });
  after(() => place.remove());

  test("takes up a new one while a connection goes on, and drains", async () => {
    await put("rsa");
    const ca = await readFile(authority.path, "utf8");
    const service = await start();
    assert.match(service.url, /^https:/);
    const port = Number(new URL(service.url).port);
    const old = await openClient(port, ca);
    old.send(POLL);
    await old.until(/^HTTP\/1\.1 200 [^]*strict-transport-security: [^]*\[\]$/);

    await put("ec");
    const deadline = performance.now() + PATIENCE_MS;
    while (!service.log.some(({ event }) => event === "certificate renewed")) {
      assert.ok(performance.now() < deadline, "the certificate is not renewed");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    old.send(POLL);
    await old.until(/\[\]HTTP\/1\.1 200 [^]*\[\]$/);
    const young = await openClient(port, ca);
    assert.notEqual(serialOf(young), serialOf(old));

    assert.equal(await service.stop(), 0);
    await old.closed();
    await young.closed();
  });

  test("does not start with a pair that is none, and says which file", async () => {
    const ended = (words: RegExp) => ({ message: new RegExp(`ended with 1: ${words.source}\\n$`) });
    await put("ec");
    const other = await authority.issue("ec");
    await writeFile(key, other.key);
    await assert.rejects(start(), ended(/API_TLS_KEY: \S+tls\.key is not the key of .*/));
    await writeFile(key, other.key.slice(0, 100));
    await assert.rejects(start(), ended(/API_TLS_KEY: \S+tls\.key holds no whole private key/));
    await rm(certificate);
    await assert.rejects(start(), ended(/API_TLS_CERTIFICATE: .*tls\.crt.*/));
  });
});
