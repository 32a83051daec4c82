import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

const releases = new WeakMap<TestContext, (() => unknown)[]>();

/**
 * Does something at the end of a test; what was opened last is released first. Not for tests within a `describe`: of those Deno (2.9)
 * never calls what `after` of their context was given.
 */
export function atEnd(t: TestContext, release: () => unknown): void {
  const all = releases.get(t) ?? [];
  all.push(release);
  if (all.length > 1) return;
  releases.set(t, all);
  t.after(async () => {
    for (let each = all.pop(); each; each = all.pop()) await each();
  });
}

/** Makes a folder for one test, which goes with it. */
export async function testFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "mg-test-"));
  atEnd(t, () => rm(folder, { recursive: true, force: true }));
  return folder;
}
