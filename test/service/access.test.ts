/** Who may call the real service, and where a caller's token goes: to the cluster and into one file, nowhere else. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { type ApiServer, makeAuthority, startApiServer } from "../support/api-server.ts";
import { createFakeOc, type FakeOc } from "../support/fake-oc.ts";
import {
  makePlace,
  PATIENCE_MS,
  type Place,
  type Service,
  startService,
} from "../support/service.ts";

const ADMIN = "sha256~admin-Zq7-not-to-be-seen-anywhere";
const VIEWER = "sha256~viewer-token";

describe("a service that asks who is calling", () => {
  let place: Place;
  let api: ApiServer;
  let oc: FakeOc;
  let service: Service;
  let env: Record<string, string>;

  const as = (token: string, init: RequestInit = {}): RequestInit => ({
    ...init,
    headers: { ...init.headers as Record<string, string>, authorization: `Bearer ${token}` },
  });
  const json = (body: unknown): RequestInit => ({
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  /** Polls as the admin until the gather is where it should be. */
  const until = async (id: number, when: (record: Record<string, unknown>) => boolean) => {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const text = await (await service.fetch(`must-gather/${id}`, as(ADMIN))).text();
      replies.push(text);
      const record = JSON.parse(text) as Record<string, unknown>;
      if (when(record)) return record;
      assert.ok(performance.now() < deadline, text);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };
  const hasEnded = ({ status }: Record<string, unknown>) =>
    status === "completed" || status === "error";
  const replies: string[] = [];

  before(async () => {
    place = await makePlace();
    const authority = await makeAuthority(join(place.folder, "ca"));
    api = await startApiServer(await authority.issue());
    api.users.set(ADMIN, { name: "kube:admin", admin: true });
    api.users.set(VIEWER, { name: "viewer", admin: false });
    oc = await createFakeOc({ folder: place.folder, release: "4.18", tokens: [ADMIN] });
    const kubeconfig = join(place.folder, "kubeconfig");
    await writeFile(
      kubeconfig,
      JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        "current-context": "main",
        contexts: [{ name: "main", context: { cluster: "main", user: "nobody" } }],
        clusters: [{
          name: "main",
          cluster: { server: api.url, "certificate-authority": authority.path },
        }],
        users: [{ name: "nobody", user: {} }],
      }),
    );
    env = { OC: oc.path, AUTH: "cluster-admin", KUBECONFIG: kubeconfig };
    service = await startService(place, env);
  });
  after(async () => {
    await service.stop();
    await oc.close();
    await api.close();
    await place.remove();
  });

  test("401 without a token or with one that the cluster does not know, 403 without the right", async () => {
    const none = await service.fetch("must-gather");
    assert.equal(none.status, 401);
    assert.equal(none.headers.get("www-authenticate"), "Bearer");
    assert.equal((await service.fetch("must-gather", as("unknown"))).status, 401);
    for (const path of ["inspect/service", "must-gather/1/machine", "events?types=machine"]) {
      assert.equal((await service.fetch(path)).status, 401, path);
    }
    assert.equal((await service.fetch("inspect")).status, 200, "the page itself holds nothing");
    const forbidden = await service.fetch("must-gather", as(VIEWER));
    assert.equal(forbidden.status, 403);
    assert.match((await forbidden.json() as { detail: string }).detail, /cluster-admin/);
    assert.equal((await service.fetch("must-gather", as(ADMIN))).status, 200);
  });

  test("health is told without a token, and the server's name must be known", async () => {
    assert.equal((await service.fetch("healthz")).status, 200);
    assert.equal((await service.fetch("readyz")).status, 200);
    const unknown = await service.fetch(
      "must-gather",
      as(ADMIN, json({ server: "https://evil.example:6443" })),
    );
    assert.equal(unknown.status, 400);
    assert.match((await unknown.json() as { detail: string }).detail, /^server: /);
  });

  test("the caller's token reaches oc in a file of mode 0600 and can be found nowhere else", async () => {
    oc.hold("during-gather");
    const made = await service.fetch(
      "must-gather",
      as(ADMIN, json({ "custom-name": "secret", image: "localhost/slow-20-must-gather" })),
    );
    assert.equal(made.status, 201);
    const { id } = await made.json() as { id: number };
    await until(id, ({ state }) => String(state).includes("gathering"));
    await oc.reached("during-gather");
    const kubeconfig = join(place.folder, "work", String(id), "credentials", "kubeconfig");
    assert.equal((await stat(kubeconfig)).mode & 0o777, 0o600);
    const text = await readFile(kubeconfig, "utf8");
    assert.ok(text.includes(ADMIN));
    assert.ok(text.includes("certificate-authority"));
    assert.ok(!text.includes("insecure-skip-tls-verify"));

    assert.deepEqual(await findEverywhere([kubeconfig]), []);
    oc.release("during-gather");
    oc.finish();
    const record = await until(id, hasEnded);
    assert.equal(record["status"], "completed", String(record["message"]));
    const archive = await service.fetch(`must-gather/${id}/data`, as(ADMIN));
    assert.ok(!Buffer.from(await archive.arrayBuffer()).includes(ADMIN));
    replies.push(await (await service.fetch(`must-gather/${id}/log`, as(ADMIN))).text());
    assert.deepEqual(await findEverywhere([kubeconfig]), []);
    assert.ok(
      service.log.some((line) =>
        line.event === "audit" && line["caller"] === "kube:admin" && line["action"] === "started"
      ),
    );
  });

  test("a link downloads without a token, and only that archive", async () => {
    const made = await service.fetch("must-gather/secret/link", as(ADMIN, { method: "POST" }));
    assert.equal(made.status, 201);
    const { url } = await made.json() as { url: string };
    assert.equal((await service.fetch(url)).status, 200);
    assert.equal((await service.fetch(url.replace("/data", ""))).status, 401);
    assert.equal((await service.fetch(url.replace("signature=", "signature=A"))).status, 401);
    assert.equal((await service.fetch(url, { method: "DELETE" })).status, 401);
    assert.ok(!service.log.some((line) => JSON.stringify(line).includes("signature")));
  });

  test("after a crash a waiting gather runs with the token that came with it", async () => {
    oc.hold("start");
    const made = await service.fetch("must-gather", as(ADMIN, json({ "custom-name": "queued" })));
    const { id } = await made.json() as { id: number };
    service.kill("SIGKILL");
    await service.exit;
    oc.release("start");
    service = await startService(place, env);
    const record = await until(id, hasEnded);
    assert.ok(["completed", "error"].includes(String(record["status"])));
    assert.deepEqual(oc.cluster.leftovers(), []);
  });

  test("503 when the cluster cannot be asked", async () => {
    await api.close();
    const reply = await service.fetch("must-gather", as("another"));
    assert.equal(reply.status, 503);
    assert.ok(reply.headers.get("retry-after"));
  });

  /** Where the admin's token can be read: command lines, environments, files, logs, replies. */
  async function findEverywhere(except: string[]): Promise<string[]> {
    const found: string[] = [];
    const look = (where: string, text: string) => {
      if (text.includes(ADMIN)) found.push(where);
    };
    const { stdout } = await promisify(execFile)("ps", ["-Aww", "-o", "args="], {
      maxBuffer: 1 << 24,
    });
    look("process table", stdout);
    const started = [service.pid, ...oc.running()];
    for (const pid of started) {
      look(`environment of ${pid}`, await readFile(`/proc/${pid}/environ`, "utf8").catch(() => ""));
    }
    for (const folder of ["work", "journal"]) {
      const root = join(place.folder, folder);
      // A tree that is being removed is read again.
      const list = () => readdir(root, { recursive: true, withFileTypes: true });
      for (const file of await list().catch(list).catch(list)) {
        const path = join(file.parentPath, file.name);
        if (file.isFile() && !except.includes(path)) {
          look(
            path,
            await readFile(path, "latin1").catch(() => ""),
          );
        }
      }
    }
    look("log", JSON.stringify(service.log) + service.stderr());
    look("replies", replies.join());
    return found;
  }
});
