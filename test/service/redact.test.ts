/** Secrets go out of everything that leaves the service: archive, output, message; also of an archive that exists. */
import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import StreamZip from "node-stream-zip";
import type { GatherRecord } from "../../src/schema/record.ts";
import { createFakeOc } from "../support/fake-oc.ts";
import { atEnd } from "../support/folder.ts";
import { until } from "../support/until.ts";
import { makePlace, type Place, type Service, startService } from "../support/service.ts";
import { openStage, type Stage } from "../support/stage.ts";

const SECRET = "hunter2-K9xQ";

const FILES = {
  "namespaces/a/secrets.yaml": `apiVersion: v1\ndata:\n  password: ${
    btoa(SECRET)
  }\nkind: Secret\nmetadata:\n  name: a\n`,
  "namespaces/a/pods.yaml": `env:\n- name: DB_PASSWORD\n  value: ${SECRET}\n`,
  "gather.logs": `+ connect --password ${SECRET}\n`,
  [`logs/password=${SECRET}/x.log`]: "10.1.2.3 vcenter.corp.example.com\n",
};

/** The archive's files by name. */
async function filesOf(service: Service, record: GatherRecord, folder: string) {
  const reply = await service.fetch(record["archive-url"]);
  assert.equal(reply.status, 200);
  const file = join(folder, "got.zip");
  await writeFile(file, Buffer.from(await reply.arrayBuffer()));
  const zip = new StreamZip.async({ file });
  const files = new Map<string, string>();
  for (const entry of Object.values(await zip.entries())) {
    if (!entry.isDirectory) files.set(entry.name, String(await zip.entryData(entry)));
  }
  await zip.close();
  return files;
}

/** Everything of the service's that could hold a secret. */
async function allText(folder: string): Promise<string> {
  // What was gathered goes when the gather has ended already.
  const gone = ["tree", "spool"];
  const names = await until("the tree is gone", async () => {
    const all = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    return all.length > 0 && !all.some(({ name }) => gone.includes(name)) ? all : undefined;
  }) ?? [];
  const files = names.filter((entry) => entry.isFile() && !entry.name.startsWith("got"));
  const texts = await Promise.all(
    files.map((each) => readFile(join(each.parentPath, each.name), "latin1")),
  );
  return texts.join("\n");
}

describe("secrets that were gathered", () => {
  let stage: Stage;
  let place: Place;
  let service: Service;

  before(async () => {
    stage = await openStage();
    ({ place, service } = stage);
    stage.oc.use({
      recording: "success-plain-tree",
      content: { kind: "files", files: FILES },
      lines: ["start", `login with password=${SECRET} done`, "end"],
    });
  });
  after(() => stage.close());

  test("a gather that asks for it leaves no secret: not in its archive, its output, its record", async () => {
    const { id } = await service.start({ redact: { ips: true, hosts: true }, "custom-name": "r1" });
    const record = await service.ended(id);
    assert.equal(record.status, "completed", record.message);
    const files = await filesOf(service, record, place.folder);
    const all = [...files].flat().join("\n");
    for (const gone of [SECRET, btoa(SECRET), "10.1.2.3", "vcenter.corp"]) {
      assert(!all.includes(gone), gone);
    }
    const report = record.redaction;
    assert.equal(report?.rules["secret-data"], 1);
    assert.equal(report?.rules["ip"], 1);
    assert.equal(report?.rules["host"], 1);
    assert.deepEqual(report?.residue, { count: 0, paths: [] });
    assert.match(record["exec-output"], /login with password=<redacted:password:1> done/);
    const pods = [...files].find(([name]) => name.endsWith("pods.yaml"))?.[1] ?? "";
    assert.match(
      pods,
      /value: <redacted:password:1>/,
      "the same value has the same token everywhere",
    );
    assert(!JSON.stringify(record).includes(SECRET));
    const log = await (await service.fetch(`must-gather/${id}/log`)).text();
    assert(!log.includes(SECRET) && log.includes("end"));
    await until(
      "what oc printed and collected is gone, a moment after the end",
      async () => !(await allText(join(place.folder, "work"))).includes(SECRET),
    );
  });

  test("a redacted copy of an archive is a record of its own", async () => {
    const { id } = await service.start({ "custom-name": "plain" });
    const before = await service.ended(id);
    assert.equal(before.redaction, null);
    assert([...(await filesOf(service, before, place.folder)).values()].join().includes(SECRET));
    const reply = await service.fetch(`must-gather/${id}/redact`, { method: "POST" });
    assert.equal(reply.status, 201);
    const { id: copy } = await reply.json() as GatherRecord;
    assert.equal(reply.headers.get("location"), `../${copy}`);
    const record = await service.ended(copy);
    assert.equal(record.status, "completed", record.message);
    assert.deepEqual([record["custom-name"], record["archive-name"]], [
      "plain-redacted",
      before["archive-name"].replace(".zip", "-redacted.zip"),
    ]);
    const files = await filesOf(service, record, place.folder);
    const all = [...files].flat().join("\n");
    assert(!all.includes(SECRET) && !all.includes(btoa(SECRET)));
    assert.equal(files.size, (await filesOf(service, before, place.folder)).size);
    assert.equal((await service.get(id))["archive-digest"], before["archive-digest"]);
    const missing = await service.fetch("must-gather/999/redact", { method: "POST" });
    assert.equal(missing.status, 404);
  });
});

test("REDACT=1 redacts every archive, with the service's own rules, which are checked at start", async (t) => {
  const place = await makePlace();
  atEnd(t, () => place.remove());
  const rules = join(place.folder, "rules.yaml");
  await writeFile(rules, "rules:\n- name: ticket\n  pattern: 'TICKET-\\d+'\n");
  const oc = await createFakeOc({ folder: place.folder });
  atEnd(t, () => oc.close());
  await oc.use({
    recording: "success-plain-tree",
    content: { kind: "files", files: { "a.log": "see TICKET-42, password=abc123\n" } },
  });
  const service = await startService(place, { OC: oc.path, REDACT: "1", REDACT_RULES: rules });
  atEnd(t, () => service.stop());
  const record = await service.ended((await service.start({})).id);
  assert.deepEqual(record.redaction?.rules, { password: 1, ticket: 1 }, record.message);
  await writeFile(rules, "rules:\n- name: bad\n  pattern: '(a)\\1'\n");
  const other = await makePlace();
  atEnd(t, () => other.remove());
  await assert.rejects(
    startService(other, { OC: oc.path, REDACT_RULES: rules }),
    /REDACT_RULES: cannot use .*expected rules, but rules\.0: its pattern is none of RE2/,
  );
});
