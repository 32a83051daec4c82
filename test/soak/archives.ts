/** Archives as others read them. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import type { GatherListItem } from "../../src/schema/record.ts";
import { PYTHON } from "../support/python.ts";
import type { Service } from "../support/service.ts";

/** Reads every archive whose path stands on a line of its input, all of it, and prints nothing where all is well. */
const READ_ALL = `
import sys, tarfile, zipfile
for path in sys.stdin.read().splitlines():
    try:
        if zipfile.is_zipfile(path):
            bad = zipfile.ZipFile(path).testzip()
            if bad is not None: print(path, "bad entry", bad)
        else:
            with tarfile.open(path, "r:gz") as tar:
                for member in tar:
                    if member.isfile():
                        file = tar.extractfile(member)
                        while file.read(1 << 20): pass
    except Exception as error:
        print(path, repr(error))
`;

/** Has Python read archives, ZIP or tar.gz. Rejects with what it says where one cannot be read whole. */
export async function readWithPython(paths: readonly string[]): Promise<void> {
  const child = spawn(PYTHON, ["-c", READ_ALL], { stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => said += text);
  }
  child.stdin.on("error", () => {}); // its end tells
  child.stdin.end(paths.join("\n"));
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(said, "");
  assert.equal(code, 0);
}

/** Downloads an archive and compares it with its record. Rejects where size or digest differ. */
export async function checkDownload(service: Service, record: GatherListItem): Promise<void> {
  const reply = await service.fetch(record["archive-url"]);
  assert.equal(reply.status, 200, `archive of ${record.id}`);
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const piece of reply.body ?? []) {
    hash.update(piece);
    bytes += piece.length;
  }
  assert.equal(bytes, record["archive-size"], `archive of ${record.id}`);
  assert.equal(`sha-256=:${hash.digest("base64")}:`, record["archive-digest"]);
}
