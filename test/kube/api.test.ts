import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import type { TLSSocket } from "node:tls";
import { createClusters } from "../../src/auth/clusters.ts";
import { createAskers } from "../../src/kube/asker.ts";
import { atEnd, testFolder } from "../support/folder.ts";
import { kubeconfig } from "../support/kubeconfig.ts";
import { PATIENT_MS, SERVICE, stageApi, testAuthority } from "./stage.ts";

const clustersOf = (path: string) =>
  createClusters({ kubernetes: undefined, kubeconfigPaths: [path], credentials: "service" });

test("a client certificate of the kubeconfig is shown, inline or from files", async (t) => {
  const { authority } = await testAuthority();
  const own = await authority.issue();
  const client = await authority.issue("ec", "DNS:me");
  const server = createServer({
    ...{ cert: own.certificate, key: own.key },
    ca: await readFile(authority.path, "utf8"),
    requestCert: true,
    rejectUnauthorized: false, // what is shown matters here, and the tests' authority issues for servers only
  }, (request, response) => {
    const peer = (request.socket as TLSSocket).getPeerCertificate();
    const authorization = request.headers.authorization ?? null;
    response.end(JSON.stringify({ names: peer.subjectaltname ?? null, authorization }));
  });
  server.on("tlsClientError", () => {});
  atEnd(t, () => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const folder = await testFolder(t);
  await writeFile(join(folder, "client.crt"), client.certificate);
  await writeFile(join(folder, "client.key"), client.key);
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const users = [
    { "client-certificate": "client.crt", "client-key": "client.key" },
    {
      "client-certificate-data": base64(client.certificate),
      "client-key-data": base64(client.key),
    },
  ];
  for (const [index, user] of users.entries()) {
    const path = join(folder, `kubeconfig-${index}`);
    await writeFile(path, kubeconfig(url, authority.path, user));
    const askers = createAskers(clustersOf(path), { embedded: false });
    atEnd(t, () => askers.close());
    const asker = askers.of("", undefined);
    assert.ok(asker?.isService);
    const { body } = await asker.api.get("/version", asker.token, PATIENT_MS);
    assert.deepEqual(body, { names: "DNS:me", authorization: null });
    // A caller's question never shows what the service is.
    const caller = askers.of("", "callers-own");
    assert.ok(caller);
    const { body: seen } = await caller.api.get("/version", caller.token, PATIENT_MS);
    assert.deepEqual(seen, { names: null, authorization: "Bearer callers-own" });
  }
});

test("callers and the service are told apart, and a token is never a part of that", async (t) => {
  const { askers } = await stageApi(t);
  const [one, again, other, service] = ["one", "one", "other", undefined].map((token) =>
    askers.of("", token)
  );
  assert.equal(one?.key, again?.key);
  assert.equal(new Set([one?.key, other?.key, service?.key]).size, 3);
  assert.ok(![one, other].some((asker) => asker?.key.includes(asker.token ?? "")));
  assert.equal(service?.token, SERVICE);
});

test("nobody is asked without a cluster, nor where this machine is gathered", async (t) => {
  const none = createClusters({
    kubernetes: undefined,
    kubeconfigPaths: [],
    credentials: "service",
  });
  assert.equal(createAskers(none, { embedded: false }).of("", undefined), undefined);
  const { api } = await stageApi(t);
  const { authority } = await testAuthority();
  const path = join(await testFolder(t), "kubeconfig");
  await writeFile(path, kubeconfig(api.url, authority.path, { token: SERVICE }));
  assert.equal(createAskers(clustersOf(path), { embedded: true }).of("", "token"), undefined);
});
