/** The archive in another format than it is kept in. */
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { test } from "node:test";
import { createFakeOc } from "../support/fake-oc.ts";
import { makePlace, type Service, startService } from "../support/service.ts";

const PACKED_BY_US = { "image": "localhost/plain-must-gather:latest", "custom-name": "p1" };

/** A service with one gather whose tree it packed itself. */
async function withArchive(
  env: Record<string, string>,
  body: (service: Service, url: string, name: string) => Promise<void>,
): Promise<void> {
  const place = await makePlace();
  const oc = await createFakeOc({ folder: place.folder });
  try {
    const service = await startService(place, { OC: oc.path, ...env });
    try {
      const record = await service.ended((await service.start(PACKED_BY_US)).id);
      assert.equal(record.status, "completed", record.message);
      await body(service, record["archive-url"], record["archive-name"]);
    } finally {
      await service.stop();
    }
  } finally {
    await oc.close();
    await place.remove();
  }
}

test("a ZIP can be had as a tar.gz, which has no length before it is made and no ranges", async () => {
  await withArchive({}, async (service, url, name) => {
    assert.equal(name, "must-gather-p1.zip");
    const reply = await service.fetch(`${url}?format=tar.gz`, { headers: { range: "bytes=5-" } });
    assert.equal(reply.status, 200);
    assert.equal(reply.headers.get("content-type"), "application/gzip");
    assert.match(
      reply.headers.get("content-disposition") ?? "",
      /filename="?must-gather-p1\.tar\.gz/,
    );
    assert.equal(reply.headers.get("content-length"), null);
    assert.equal(reply.headers.get("accept-ranges"), "none");
    const tar = gunzipSync(Buffer.from(await reply.arrayBuffer()));
    assert.ok(tar.includes("GATHER.json\0"));
    assert.equal(tar.length % 512, 0);
    const head = await service.fetch(`${url}?format=tar.gz`, { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(head.headers.get("content-type"), "application/gzip");

    const whole = await service.fetch(`${url}?format=zip`);
    assert.equal(whole.headers.get("content-type"), "application/zip");
    assert.equal(whole.headers.get("accept-ranges"), "bytes");
    const bytes = Buffer.from(await whole.arrayBuffer());
    assert.equal(whole.headers.get("content-length"), String(bytes.length));

    const other = await service.fetch(`${url}?format=7z`);
    assert.equal(other.status, 400);
    assert.match(await other.text(), /format: must be zip or tar\.gz/);
  });
});

test("ARCHIVE_FORMAT=tar.gz packs that, and nothing turns it into a ZIP", async () => {
  await withArchive({ ARCHIVE_FORMAT: "tar.gz" }, async (service, url, name) => {
    assert.equal(name, "must-gather-p1.tar.gz");
    const reply = await service.fetch(`${url}?format=tar.gz`);
    assert.equal(reply.headers.get("content-type"), "application/gzip");
    assert.equal(reply.headers.get("accept-ranges"), "bytes");
    assert.ok(gunzipSync(Buffer.from(await reply.arrayBuffer())).includes("GATHER.json\0"));
    const refused = await service.fetch(`${url}?format=zip`);
    assert.equal(refused.status, 406);
    assert.match(await refused.text(), /a ZIP can be turned into a tar\.gz/);
  });
});
