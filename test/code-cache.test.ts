import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readdir, realpath, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { testFolder } from "./support/folder.ts";

const run = promisify(execFile);
const inProject = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** The image has Node, whatever the tests run on. */
const NODE = inProject("node_modules/node/bin/node");
const PRELOAD = inProject("src/code-cache.mjs");

test("code that another user has compiled at the build is found, and nothing depends on it", async (t) => {
  const folder = await testFolder(t);
  const program = join(folder, "program.mjs");
  await writeFile(
    program,
    `import { getCompileCacheDir } from "node:module"; console.log(getCompileCacheDir() ?? "none");`,
  );
  const code = join(folder, "code");
  const tmp = join(folder, "tmp");
  await mkdir(tmp);
  await run(NODE, [program], { env: { NODE_COMPILE_CACHE: code } });
  const [own = ""] = await readdir(code);
  const others = own.replace(/\d+$/, "4242");
  assert.notEqual(others, own);
  await rename(join(code, own), join(code, others));

  const start = async (env: Record<string, string>) =>
    (await run(NODE, ["--import", PRELOAD, program], { env })).stdout.trim();
  const used = await start({ CODE_CACHE: code, TMPDIR: tmp });
  assert.equal(await realpath(used), await realpath(join(code, others)));
  assert.equal(await start({ TMPDIR: tmp }), "none");
  assert.equal(await start({ CODE_CACHE: join(folder, "absent"), TMPDIR: tmp }), "none");
  assert.equal(await start({ CODE_CACHE: code, TMPDIR: join(folder, "absent") }), "none");
});
