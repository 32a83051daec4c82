/**
 * Runs the tests on Node and on Deno side by side, as most of them wait more than they compute: `node test/run.ts`. Node's output
 * comes as it is made, Deno's behind it. The exit code is 1 where either fails.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pipeline } from "node:stream/promises";

const folder = await mkdtemp(join(tmpdir(), "test-run-"));
try {
  const kept = join(folder, "deno");
  const file = await open(kept, "w");
  const run = async (script: string, output: number | "inherit") => {
    const child = spawn("npm", ["run", "--silent", script], { stdio: ["ignore", output, output] });
    const [code] = await once(child, "exit");
    if (code !== 0) process.exitCode = 1;
    return code === 0 ? "passed" : "FAILED";
  };
  const [node, deno] = await Promise.all([run("test:node", "inherit"), run("test:deno", file.fd)]);
  await file.close();
  await pipeline(createReadStream(kept), process.stdout, { end: false });
  console.log(`Node: ${node}. Deno: ${deno}.`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
