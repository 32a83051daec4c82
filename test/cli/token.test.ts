/** Where a token goes, and where it does not. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { makeAuthority } from "../support/api-server.ts";
import { json, recordOf, type StandIn, startStandIn } from "./stand-in.ts";
import { Place } from "./start.ts";

const TOKEN = "sha256~Zm9yIHRoZSB0ZXN0";
const ENV = { MUST_GATHER_TOKEN: TOKEN };

describe("the client's token", () => {
  let place: Place;
  let service: StandIn;

  beforeEach(async () => {
    [place, service] = await Promise.all([Place.make(), startStandIn()]);
  });

  afterEach(async () => {
    await Promise.all([place.remove(), service.close()]);
  });

  /** The paths that the token came with. */
  function pathsWithToken({ asked }: StandIn): string[] {
    return asked.filter(({ headers, path, body }) =>
      headers.authorization === `Bearer ${TOKEN}` ||
      `${JSON.stringify(headers)}${path}${body}`.includes(TOKEN)
    ).map(({ method, path }) => `${method} ${path}`);
  }

  test("the token goes to the service once that has said its name", async () => {
    const { code, stdout, stderr } = await place.run(["--url", service.url], ENV);
    assert.equal(code, 0, stderr);
    assert.deepEqual(service.asked.map(({ path }) => path), [
      "/healthz",
      "/readyz",
      "/must-gather",
    ]);
    assert.deepEqual(pathsWithToken(service), ["POST /must-gather"]);
    assert.doesNotMatch(stdout + stderr, /sha256~/);
  });

  test("the token goes to nobody who has another name", async () => {
    for (const answer of [{ name: "something else" }, "must-gather-service", null]) {
      service.answer = (_, response) => {
        json(response, 200, answer);
        return true;
      };
      const { code, stderr } = await place.run(["--url", service.url, "--token", TOKEN]);
      assert.equal(code, 1);
      assert.match(stderr, /is no must-gather service: its healthz answers 200 and not our name/);
      assert.doesNotMatch(stderr, /sha256~/);
    }
    assert.deepEqual(pathsWithToken(service), []);
  });

  test("after a break of the connection the name is asked for again", async () => {
    let taken = false;
    service.records = [recordOf({ status: "inprogress" })];
    service.answer = ({ path }, response) => {
      if (path === "/must-gather/7") {
        taken = true; // from here on something else has the port
        response.destroy();
        return true;
      }
      if (taken) json(response, 200, {});
      return taken;
    };
    const { code, stderr } = await place.run(["--url", service.url], ENV);
    assert.equal(code, 1);
    assert.match(stderr, /is no must-gather service any more/);
    assert.deepEqual(pathsWithToken(service), ["POST /must-gather", "GET /must-gather/7"]);
  });

  test("a reply that sends elsewhere is not followed", async () => {
    const other = await startStandIn();
    try {
      service.answer = ({ method }, response) => {
        if (method === "POST") {
          response.writeHead(307, { location: `${other.url}/must-gather` }).end();
        }
        return method === "POST";
      };
      const { code, stderr } = await place.run(["--url", service.url], ENV);
      assert.equal(code, 1);
      assert.match(stderr, /\(307\): it sends us elsewhere/);
      assert.deepEqual(other.asked, []);
    } finally {
      await other.close();
    }
  });

  test("a token is not sent over a network in clear, nor one that is none", async () => {
    const clear = await place.run(["--url", "http://192.0.2.1/"], ENV);
    assert.equal(clear.code, 1);
    assert.match(clear.stderr, /would cross the network to 192\.0\.2\.1 in clear; use an https/);
    const bad = await place.run(["--url", service.url], { MUST_GATHER_TOKEN: "a\nb: c" });
    assert.equal(bad.code, 1);
    assert.match(bad.stderr, /^The token holds characters that no bearer token has/m);
    assert.deepEqual(service.asked, []);
  });

  test("a token can be typed, and is not shown even if the service repeats it", async () => {
    service.answer = ({ method, headers }, response) => {
      if (method === "POST") json(response, 401, { detail: `who is ${headers.authorization}?` });
      return method === "POST";
    };
    const client = place.start(["--url", service.url, "--token", "-"]);
    client.type(`${TOKEN}\n`);
    assert.equal(await client.ended, 1);
    assert.match(client.stderr(), /\(401\): who is Bearer \*\*\*\?$/m);
    assert.deepEqual(pathsWithToken(service), ["POST /must-gather"]);
  });

  test("Ctrl-C leaves while a token is waited for", async () => {
    const client = place.start(["--url", service.url, "--token", "-", "--output", "../nowhere/x"]);
    assert.equal(await client.ended, 1); // what can be checked before is
    const waiting = place.start(["--url", service.url, "--token", "-"]);
    await waiting.told("Reading the token");
    waiting.kill("SIGINT");
    assert.equal(await waiting.ended, 130);
    assert.deepEqual(service.asked, []);
  });

  test("over TLS the authority that --ca names is trusted, and no other", async () => {
    const authority = await makeAuthority(join(place.root, "authority"));
    const secure = await startStandIn(await authority.issue());
    try {
      const refused = await place.run(["--url", secure.url], ENV);
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /^The certificate of https:\S+ is not trusted .* --ca$/m);
      assert.deepEqual(secure.asked, []);

      await writeFile(join(place.here, "ca.crt"), await readFile(authority.path));
      const { code, stderr } = await place.run(["--url", secure.url, "--ca", "ca.crt"], ENV);
      assert.equal(code, 0, stderr);
      assert.deepEqual(pathsWithToken(secure), ["POST /must-gather"]);
    } finally {
      await secure.close();
    }
  });
});
