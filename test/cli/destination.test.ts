import assert from "node:assert/strict";
import { readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { chooseDestination, fileName, openPart } from "../../src/cli/destination.ts";
import { testFolder } from "../support/folder.ts";

test("fileName() makes a name that is one part of a path", () => {
  const cases: [given: string, wanted: string][] = [
    ["must-gather-plan:p1.tar.gz", "must-gather-plan:p1.tar.gz"],
    ["../../etc/passwd", "_.._etc_passwd"],
    ["..", "must-gather-3"],
    ["", "must-gather-3"],
    ["-rf.zip", "rf.zip"],
    [".bashrc", "bashrc"],
    ["a\\b\u0000c\n.zip", "a_b c .zip"],
  ];
  for (const [given, wanted] of cases) assert.equal(fileName(given, 3), wanted);
});

test("fileName() keeps the ending of a name that is too long", () => {
  const name = fileName(`must-gather-${"ä".repeat(256)}.tar.gz`, 3);
  assert.match(name, /^must-gather-ä+\.tar\.gz$/);
  assert.ok(Buffer.byteLength(name) <= 200 && Buffer.byteLength(name) > 190);
});

test("two downloads of one name at once end beside each other", async (t) => {
  const folder = await testFolder(t);
  const destination = await chooseDestination(undefined, folder);
  const parts = await Promise.all([1, 2, 3].map(() => openPart(destination, "a.tar.gz")));
  await Promise.all(parts.map(({ file }, index) => file.writeFile(`${index}`)));
  await writeFile(join(folder, "a-2.tar.gz"), "of somebody else");
  const paths = await Promise.all(parts.map((part) => part.keep()));
  assert.equal(new Set(paths).size, 3);
  assert.deepEqual((await readdir(folder)).sort(), [
    "a-2.tar.gz",
    "a-3.tar.gz",
    "a-4.tar.gz",
    "a.tar.gz",
  ]);
  assert.equal(await readFile(join(folder, "a-2.tar.gz"), "utf8"), "of somebody else");
});

test("a file that was dropped leaves nothing", async (t) => {
  const folder = await testFolder(t);
  const part = await openPart(await chooseDestination("b.zip", folder), "a.zip");
  assert.deepEqual(await readdir(folder), ["b.zip.part"]);
  await part.drop();
  assert.deepEqual(await readdir(folder), []);
});

test("only files and folders are written to, and only where one may write", async (t) => {
  const folder = await testFolder(t);
  await symlink("/dev/null", join(folder, "null"));
  for (
    const [output, wanted] of [
      ["/dev/null", /\/dev\/null is neither a file nor a folder/],
      ["null", /neither/],
      ["nowhere/", /There is no folder .*nowhere; make it/],
      ["nowhere/a.zip", /There is no folder .*nowhere; make it/],
    ] as const
  ) {
    await assert.rejects(chooseDestination(output, folder), wanted);
  }
  assert.deepEqual(await chooseDestination("a.zip", folder), {
    folder,
    file: join(folder, "a.zip"),
  });
  assert.deepEqual(await chooseDestination(folder, "/"), { folder, file: undefined });
});
