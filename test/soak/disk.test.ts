/** Of the long form, the file systems that fill up; what WORK_LIMIT and EVICT do is tested in `test/gathers`, too. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { type Came, FULL, playDisk } from "./disk.ts";

describe("a file system without room", () => {
  const names = Object.keys(FULL);
  let came: Record<string, Came>;

  before(async () => {
    came = await playDisk(names);
  });
  for (const name of names) test(name, () => assert.equal(came[name]?.wrong, ""));
});
