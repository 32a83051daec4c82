/**
 * Stands in for the rsync that oc starts. A program of its own: it goes on when oc is gone, and leaves
 * its temporary file only where it is killed.
 */
import { Buffer } from "node:buffer";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { contentAt } from "./content.ts";
import { endInTime } from "./life.ts";
import { gate, openState } from "./state.ts";

/** Seconds that one file takes (recorded: 0.7 to 1.2 for each of 100 MiB). */
const EACH = 0.9;

/** In how many pieces a file is written, so that its temporary can be seen. */
const PIECES = 4;

const given = new Map(
  process.argv.slice(2).map((word): [string, string] => {
    const [name = "", value = ""] = word.split(/=(.*)/s);
    return [name, value];
  }),
);
const state = openState(given.get("--state") ?? "");
const folder = given.get("--folder") ?? "";
let temporary = "";

endInTime(state);
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    if (temporary !== "") fs.rmSync(temporary, { force: true });
    fs.write(
      2,
      "rsync error: received SIGINT, SIGTERM, or SIGHUP (code 20) at io.c(586) [receiver=3.5.0]\n",
      () => process.exit(20),
    );
  });
}

/** Prints a line; that nobody reads it any more does not stop rsync. */
function tell(line: string): Promise<void> {
  return new Promise((resolve) => fs.write(1, `${line}\n`, () => resolve()));
}

const entries = contentAt(
  { kind: "blobs", files: Number(given.get("--files")), bytes: Number(given.get("--bytes")) },
  Infinity,
).sort((a, b) => (a.path < b.path ? -1 : 1));

async function copyAll(): Promise<void> {
  await tell("receiving incremental file list");
  if (given.get("--again") !== "true") await tell("./");
  fs.chmodSync(folder, 0o777);
  for (const entry of entries) {
    const file = path.join(folder, entry.path);
    if (fs.existsSync(file)) continue;
    await tell(entry.path);
    const random = Math.random().toString(36).slice(2, 8).padEnd(6, "0");
    temporary = path.join(folder, `.${entry.path}.${random}`);
    const fd = fs.openSync(temporary, "wx", 0o600);
    const step = Math.max(1, Math.min(Math.ceil(entry.size / PIECES), 1_048_576));
    const piece = Buffer.alloc(step, entry.fill);
    for (let written = 0; written < entry.size; written += step) {
      fs.writeSync(fd, piece, 0, Math.min(step, entry.size - written));
      await sleep(EACH * 1000 * (step / entry.size) / state.config.speed);
      if (entry !== entries[0]) await gate(state, "during-copy");
    }
    fs.closeSync(fd);
    fs.chmodSync(temporary, 0o644);
    fs.renameSync(temporary, file);
    temporary = "";
  }
}

try {
  await copyAll();
} catch (error) {
  // A full disk, or a folder that is gone: rsync's own code for it.
  fs.writeSync(2, `rsync: [receiver] write failed: ${(error as Error).message}\n`);
  fs.writeSync(2, "rsync error: error in file IO (code 11) at receiver.c(381) [receiver=3.5.0]\n");
  process.exit(11);
}
process.exit(0);
